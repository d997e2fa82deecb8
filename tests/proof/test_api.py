"""The API asked for longer: many questions of each kind, and such as follow from answers.

`make proof` runs it; alone: `python -m pytest tests/proof/test_api.py --rides=300 --seed=7`.
"""

import pytest

from tests.api import fuzzed, fuzzing
from tests.api.conftest import bank, known_bank, quickly  # noqa: F401

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]


def test_nothing_that_is_asked_is_answered_otherwise_than_described(
    bank,  # noqa: F811
    quickly,  # noqa: F811
    request,
):
    examples = max(10, request.config.getoption("--rides") // 4)
    seed = request.config.getoption("--seed")

    found = fuzzing.run(fuzzed.build(bank), seed=seed, examples=examples, steps=8)

    print(f"asked {sum(found.asked.values())} questions: {dict(found.asked)}")
    assert found.told() == "nothing"
    assert found.asked["stateful"]
