# The platform's commands. `make help` lists them.

.DEFAULT_GOAL := help
.PHONY: help setup demo test proof lint fix types messages bench
PY := .venv/bin/python
# Of the reference data, for tests that want it: make test DATA=../shared/data.  (With a space
# instead of =, pytest would take the folder for one of tests and look for its settings there.)
PYTEST := $(PY) -m pytest $(if $(DATA),--data="$(DATA)") $(ARGS)
# As many processes as there are cores, each with engines of its own.
SIDE_BY_SIDE := --numprocesses=auto --maxprocesses=4

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## install into this folder; free when nothing changed
	@python="$$(./scripts/find-python)" && "$$python" scripts/setup.py

demo: setup ## the whole city on this machine; FRESH=1 begins anew
	@exec $(PY) -m cityplatform.demo

test: setup ## all tests; DATA=DIR for those that want reference data, ARGS="-k ride"
	@python="$$(./scripts/find-python)" && "$$python" scripts/setup.py --browser
ifdef ARGS
	@$(PYTEST)
else
	@$(PYTEST) $(SIDE_BY_SIDE) --ignore=tests/journeys
	@$(PYTEST) tests/journeys
endif

proof: setup ## the slow proofs: kills amid rides, faults of money, searches; RIDES=20 FAULTS=1000 SEED=8
	@$(PYTEST) tests/proof -s --ignore=tests/proof/money --rides=$(or $(RIDES),300) --seed=$(or $(SEED),7)
	@$(PYTEST) tests/proof/money --faults=$(or $(FAULTS),10000) --seed=$(or $(SEED),7)
	@$(PYTEST) tests/mobility/test_life.py tests/payments/test_money_stays.py --hypothesis-profile=proof
	@$(PYTEST) -m hypothesis --hypothesis-profile=proof
	@EVERY_LOOK=1 $(PYTEST) -m look

lint: setup ## style and layers
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@.venv/bin/lint-imports

fix: setup ## mend style
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

types: setup ## strict types
	@$(PY) -m mypy

messages: setup ## collect what pages say into the catalogues
	@$(PY) manage.py messages

bench: setup ## a measure: make bench NAME=bus ARGS=--quick
	@$(PY) -m tests.benchmarks.$(NAME) --json $(ARGS)
