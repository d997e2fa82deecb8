"""A city with a bank of its own for each test, and the auditor who comes afterwards.

`make proof FAULTS=10000 SEED=7`; alone: `python -m pytest tests/proof/money -s --faults=1000`.
"""

from collections.abc import Iterator

import pytest
import stripe

from apps.audit import operations as audit
from apps.kernel import clock
from tests.factories import CITY
from tests.payments import city
from tests.payments.line import Line
from tests.proof.money import auditor
from tests.proof.money.counting import SHARES, Counting
from tests.sandbox.bank import KEY, Bank

COUNTING = pytest.StashKey[Counting]()


def pytest_collection_finish(session: pytest.Session) -> None:
    promised = session.config.getoption("faults")
    if promised is not None:
        seed = session.config.getoption("seed")
        session.config.stash[COUNTING] = Counting(promised, seed)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    counting = config.stash.get(COUNTING, None)
    if counting and (counting.injected or counting.beside):
        terminalreporter.section("faults of money")
        for line in counting.lines():
            terminalreporter.write_line(line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fewer faults than promised are no proof, where all tests that inject any were run."""
    counting = session.config.stash.get(COUNTING, None)
    if counting is None:
        return
    injected = {what.split(":")[0] for what in counting.injected}
    if injected >= SHARES.keys() and counting.injected.total() < counting.promised:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def counting(pytestconfig) -> Counting:
    return pytestconfig.stash[COUNTING]


@pytest.fixture
def bank(tmp_path, settings, transactional_db) -> Iterator[Bank]:
    with Bank(tmp_path / "bank", STRIPE_API_KEY=KEY) as bank:
        settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = KEY, bank.url
        yield bank


@pytest.fixture
def quick(monkeypatch) -> None:
    """The SDK waits half a second before it asks again; here it waits a hundredth."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.01)


@pytest.fixture
def town(bank, quick) -> city.Town:
    told = {"event": 0, "topic": "tests.began", "by": CITY, "at": clock.now(), "source": "task"}
    audit.keep(events=[told])
    audit.seal_all(at=clock.now())
    return city.town(bank)


@pytest.fixture
def line(town, settings) -> Iterator[Line]:
    """A line between this city and its bank, that goes wrong when told to."""
    with Line(town.bank.url) as line:
        settings.STRIPE_API_BASE = line.url
        yield line


@pytest.fixture
def audited(bank) -> Iterator[None]:
    """Nothing was lost, doubled or bent when the test is over: by nobody's word but the facts'."""
    yield
    assert auditor.findings(bank.data / "sandbox.sqlite3") == []
