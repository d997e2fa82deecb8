"""Lost answers, dead banks, broken brokers: nothing is taken twice, and nothing is forgotten."""

import http.server
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
from kombu.exceptions import OperationalError

from apps.kernel import clock
from apps.kernel.money import Money
from apps.payments import gateway, operations, tasks
from apps.payments.models import Attempt, Payment, Transfer
from tests.payments import city
from tests.payments.city import CLEARING, FARE, balances, fresh, relay
from tests.payments.line import Line
from tests.sandbox.bank import KEY, Bank

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def line(town, settings) -> Iterator[Line]:
    """A line between this city and its bank, after the rider's card was added."""
    with Line(town.bank.url) as line:
        settings.STRIPE_API_BASE = line.url
        yield line


def sweep():
    """What the schedule does, when the attempts are due."""
    Attempt.objects.filter(answered_at=None).update(due_at=clock.now())
    tasks.ask_again_unanswered()
    relay()


# The SDK itself asks twice, so that a fault must come twice to reach us.
FAULTS = [("before", 2), ("after", 2), (500, 2), (409, 2), (429, 2), ("after", 5)]


class TestTheLine:
    @pytest.mark.parametrize(("how", "times"), FAULTS)
    def test_a_ride_is_promised_taken_and_refunded_once_each(self, town, line, how, times):
        line.fail(how, times)
        payment = town.authorised()
        assert payment.state == Payment.State.OPENED
        for _ in range(times):
            sweep()
        assert fresh(payment).state == Payment.State.AUTHORISED

        line.fail(how, times)
        town.capture(payment)
        relay()
        assert fresh(payment).state == Payment.State.AUTHORISED
        for _ in range(times):
            sweep()

        line.fail(how, times)
        town.refund(fresh(payment), 1000)
        relay()
        assert fresh(payment).refunded_minor == 0
        for _ in range(times):
            sweep()

        (intent,) = town.intents()
        refunds = town.bank.client().v1.refunds.list({"payment_intent": intent.id}).data
        assert intent.amount_received == FARE
        assert [refund.amount for refund in refunds] == [1000]
        assert balances()[CLEARING] == FARE - 1000
        assert [attempt.succeeded for attempt in payment.attempts.all()] == [True] * 3

    @pytest.mark.parametrize(("how", "times"), FAULTS)
    def test_a_promise_is_given_back_once(self, town, line, how, times):
        payment = town.authorised()
        line.fail(how, times)
        town.cancel(payment)
        relay()
        for _ in range(times):
            sweep()

        assert fresh(payment).state == Payment.State.CANCELLED
        assert [intent.status for intent in town.intents()] == ["canceled"]

    @pytest.mark.parametrize(("how", "times"), FAULTS)
    def test_a_provider_is_paid_once(self, town, line, how, times):
        town.captured()
        holder = uuid4()
        line.fail(how, times)
        operations.open_transfer(
            holder=holder,
            provider_id=town.provider.pk,
            amount=Money(2208, "CLP"),
            by=town.by,
            at=clock.now(),
        )
        relay()
        for _ in range(times):
            sweep()

        assert Transfer.objects.get().state == Transfer.State.SENT
        sent = town.bank.client().v1.transfers.list({"transfer_group": str(holder)}).data
        assert [transfer.amount for transfer in sent] == [2208]
        assert balances()["bank:payouts"] == -2208

    def test_the_key_stays_the_same_however_often_it_is_asked(self, town, line):
        line.fail("after", 6)
        payment = town.authorised()
        for _ in range(3):
            sweep()

        asked = [key for path, key in line.heard_by_bank if path == "/v1/payment_intents"]
        assert len(asked) >= 3
        assert set(asked) == {str(payment.attempts.get().key)}

    def test_an_answer_that_is_none_is_no_answer(self, town, settings):
        class Babble(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"<ht>")

            def log_message(self, *args):
                pass

        right = settings.STRIPE_API_BASE
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Babble) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            settings.STRIPE_API_BASE = f"http://127.0.0.1:{server.server_port}"
            payment = town.authorised()
            server.shutdown()
        assert payment.state == Payment.State.OPENED

        settings.STRIPE_API_BASE = right
        sweep()
        assert fresh(payment).state == Payment.State.AUTHORISED


class TestTheBankItself:
    @pytest.fixture
    def mortal(self, tmp_path, settings, transactional_db) -> Iterator[city.Town]:
        """A bank of one's own, to be killed."""
        with Bank(tmp_path / "bank", STRIPE_API_KEY=KEY) as bank:
            settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = KEY, bank.url
            yield city.town(bank)

    def test_killed_between_the_charge_and_our_note_of_it_charges_once(self, mortal, settings):
        payment = mortal.authorised()
        with Line(mortal.bank.url) as line:
            settings.STRIPE_API_BASE = line.url
            line.goes_wrong = lambda: "after"
            mortal.capture(payment)
            relay()
            mortal.bank.kill()
            assert fresh(payment).state == Payment.State.AUTHORISED

            sweep()
            assert fresh(payment).state == Payment.State.AUTHORISED
            assert payment.attempts.get(kind="CAPTURE").dead_at is None

            mortal.bank.start()
            line.goes_wrong = lambda: None
            sweep()

        assert fresh(payment).state == Payment.State.CAPTURED
        (intent,) = mortal.intents()
        assert intent.amount_received == FARE
        assert balances()[CLEARING] == FARE

    def test_away_while_a_ride_is_ordered_the_ride_waits_and_says_nothing_false(self, mortal):
        mortal.bank.kill()
        payment = mortal.authorised()
        assert payment.state == Payment.State.OPENED
        assert payment.attempts.get().error

        mortal.bank.start()
        sweep()

        assert fresh(payment).state == Payment.State.AUTHORISED


class TestOurSide:
    def test_a_crash_before_the_answer_is_noted(self, town):
        """The worker dies between the bank's answer and our second transaction."""
        payment = town.open()
        attempt = operations.begin(
            attempt_id=payment.attempts.get().pk, by=tasks.PAYMENTS, at=clock.now()
        )
        tasks._put(gateway.ours(), attempt)

        for _ in range(2):
            tasks.ask(attempt_id=attempt.pk)

        assert len(town.intents()) == 1
        assert fresh(payment).state == Payment.State.AUTHORISED

    def test_a_slow_twin_with_another_answer_comes_too_late(self, town):
        payment = town.authorised()
        late = gateway.Answer(False, "pi_late", "declined")

        operations.record(
            attempt_id=payment.attempts.get().pk, answer=late, by=tasks.PAYMENTS, at=clock.now()
        )

        assert fresh(payment).state == Payment.State.AUTHORISED

    def test_with_the_broker_down_the_sweep_finds_it(self, town, monkeypatch):
        def away(**_):
            raise OperationalError("no broker")

        with monkeypatch.context() as broken:
            broken.setattr(tasks.ask, "apply_async", away)
            payment = town.authorised()
        assert payment.attempts.get().tries == 0

        sweep()

        assert fresh(payment).state == Payment.State.AUTHORISED

    def test_a_silent_bank_is_asked_less_and_less_often(self, town, settings):
        settings.STRIPE_API_KEY = ""
        attempt = town.authorised().attempts.get()

        waits = []
        for _ in range(8):
            at = clock.now()
            attempt = operations.try_now(attempt_id=attempt.pk, at=at)
            waits.append((attempt.due_at - at).total_seconds())

        assert waits == [30, 60, 120, 240, 480, 960, 960, 960]
