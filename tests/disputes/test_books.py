"""What a dispute does to the books: the same whatever the order in which the news comes."""

import itertools
import json
from datetime import timedelta

import pytest

from apps.bus.models import Event
from apps.disputes import operations, tasks
from apps.disputes.models import Dispute
from apps.kernel import clock
from apps.payments import operations as payments
from apps.payments.models import GatewayEvent, Payment
from tests.disputes.city import decide, disputed, events, reference_of
from tests.factories import CITY, UserFactory
from tests.payments import city
from tests.payments.city import FARE, balances, fresh, relay
from tests.payments.test_inbox import SECRET, knock

FEE = 1500
CITY_SHARES = {"platform:fees": -77, "tax:la-serena:vat": -15, "city:la-serena:fees": -150}


@pytest.fixture(autouse=True)
def secret(settings):
    settings.STRIPE_WEBHOOK_SECRET = SECRET


@pytest.fixture
def town(bank, transactional_db):
    return city.town(bank)


def hear(town, payment, *kinds) -> None:
    for told in events(town, payment, *(kinds or ("charge.dispute.",))):
        assert knock(told).status_code == 200
    relay()


def test_while_it_is_open_the_money_stands_apart_and_nothing_is_refunded(town):
    payment = disputed(town)
    hear(town, payment)
    assert balances() == {
        "clearing:cards": -FEE,
        "disputes:open": FARE,
        "gateway:fees": FEE,
        f"provider:{town.provider.pk}:payable": -2208,
        **CITY_SHARES,
    }
    dispute = Dispute.objects.get()
    assert (dispute.state, dispute.taken_minor, dispute.reason) == (
        "NEEDS_RESPONSE",
        FARE,
        "fraudulent",
    )
    with pytest.raises(payments.Disputed):
        town.refund(payment, 1)


def test_won_it_is_as_before_but_for_the_gateways_fee(town):
    payment = disputed(town)
    decide(town, payment, "winning_evidence")
    hear(town, payment)
    assert balances() == {
        "clearing:cards": FARE - FEE,
        "gateway:fees": FEE,
        f"provider:{town.provider.pk}:payable": -2208,
        **CITY_SHARES,
    }
    assert Dispute.objects.get().state == "WON"
    # The payment stands, and may be given back like any other.
    town.refund(payment, FARE)
    relay()
    assert fresh(payment).refunded_minor == FARE


def test_lost_everybody_gives_their_part_back_and_nothing_is_left_to_refund(town):
    payment = disputed(town)
    decide(town, payment, "losing_evidence")
    hear(town, payment)
    assert balances() == {"clearing:cards": -FEE, "gateway:fees": FEE}
    dispute = Dispute.objects.get()
    assert (dispute.state, dispute.lost_minor, dispute.taken_minor) == ("LOST", FARE, 0)
    with pytest.raises(payments.TooMuch):
        town.refund(payment, 1)


@pytest.mark.parametrize(
    ("word", "state"), [("winning_evidence", "WON"), ("losing_evidence", "LOST")]
)
def test_every_order_of_five_events_doubled_gives_the_same_books(town, word, state):
    ends = set()
    for order in itertools.permutations(range(5)):
        payment = disputed(town)
        decide(town, payment, word)
        told = events(town, payment, "payment_intent.succeeded", "charge.dispute.")[:5]
        assert len(told) == 5
        before = balances()
        for place in (*order, *order):
            knock(told[place])
        relay()
        after = balances()
        codes = sorted({*before, *after})
        ends.add(tuple((code, after.get(code, 0) - before.get(code, 0)) for code in codes))
    assert len(ends) == 1, ends
    assert Dispute.objects.filter(state=state).count() == 120


def test_old_news_that_the_bus_brings_late_changes_nothing(town):
    payment = disputed(town)
    hear(town, payment)
    early = Event.objects.filter(topic="payments.disputed").order_by("pk").first()
    assert early is not None
    decide(town, payment, "losing_evidence")
    hear(town, payment)
    before = balances()
    operations.heed(facts=early.body["facts"], by=CITY, at=clock.now())
    assert balances() == before
    assert Dispute.objects.get().state == "LOST"
    assert fresh(payment).disputed_minor == 0


def test_of_a_payment_that_nobody_knows_the_news_waits(town):
    facts = {
        "reference": "du_1", "intent": "pi_unknown", "amount_minor": 5, "currency": "CLP",
        "reason": "general", "status": "needs_response", "opened": 1, "due_by": 0,
        "submissions": 0, "movements": [],
    }  # fmt: skip
    with pytest.raises(operations.UnknownPayment):
        operations.heed(facts=facts, by=CITY, at=clock.now())
    assert not Dispute.objects.exists()


def test_what_the_team_says_is_sent_and_the_bank_decides(town):
    payment = disputed(town)
    hear(town, payment)
    dispute = Dispute.objects.get()
    member = UserFactory()
    for said in ("losing_evidence",):
        operations.add_evidence(
            dispute_id=dispute.pk, text=said, user_id=member.pk, by=CITY, at=clock.now()
        )
    operations.answer(dispute_id=dispute.pk, reason="We have proof", by=CITY, at=clock.now())
    with pytest.raises(operations.NotPossible):
        operations.answer(dispute_id=dispute.pk, reason="Twice", by=CITY, at=clock.now())
    relay()
    dispute.refresh_from_db()
    assert (dispute.state, dispute.wish, dispute.why) == ("LOST", "", "We have proof")
    heard = town.bank.client().v1.disputes.retrieve(reference_of(town, payment))
    assert heard.evidence.uncategorized_text == "losing_evidence"
    with pytest.raises(operations.NotPossible):
        operations.add_evidence(
            dispute_id=dispute.pk, text="More", user_id=member.pk, by=CITY, at=clock.now()
        )


def test_a_loss_is_accepted_once_and_the_sweep_says_what_a_dead_broker_did_not(town, settings):
    payment = disputed(town)
    hear(town, payment)
    dispute = Dispute.objects.get()
    there, settings.STRIPE_API_BASE = settings.STRIPE_API_BASE, "http://127.0.0.1:9"
    operations.accept(dispute_id=dispute.pk, reason="They are right", by=CITY, at=clock.now())
    relay()
    dispute.refresh_from_db()
    assert (dispute.state, dispute.wish) == ("NEEDS_RESPONSE", "ACCEPT")
    settings.STRIPE_API_BASE = there
    tasks.put_waiting()
    tasks.put_waiting()
    dispute.refresh_from_db()
    assert (dispute.state, dispute.wish) == ("LOST", "")
    assert balances() == {"clearing:cards": -FEE, "gateway:fees": FEE}


@pytest.mark.parametrize("text", ["", "   ", "x" * 5001])
def test_evidence_that_is_none_is_refused(town, text):
    payment = disputed(town)
    hear(town, payment)
    with pytest.raises(ValueError, match="at most 5,000"):
        operations.add_evidence(
            dispute_id=Dispute.objects.get().pk, text=text, user_id=1, by=CITY, at=clock.now()
        )


def test_after_its_day_nothing_is_added_or_sent_and_before_it_each_day_reminds_once(town):
    payment = disputed(town)
    hear(town, payment)
    dispute = Dispute.objects.get()
    due = dispute.due_by
    assert due is not None

    def reminders() -> int:
        return Event.objects.filter(topic="disputes.due_soon").count()

    for days, count in ((5, 0), (3, 1), (3, 1), (2, 2), (0, 2)):
        operations.remind(dispute_id=dispute.pk, by=CITY, at=due - timedelta(days=days))
        assert reminders() == count
    with pytest.raises(operations.TooLate):
        operations.add_evidence(dispute_id=dispute.pk, text="Late", user_id=1, by=CITY, at=due)
    with pytest.raises(operations.TooLate):
        operations.answer(dispute_id=dispute.pk, reason="Late", by=CITY, at=due)


def test_an_officer_who_steps_in_says_why_and_has_something_to_say(town):
    payment = disputed(town)
    hear(town, payment)
    dispute = Dispute.objects.get()
    with pytest.raises(operations.NothingToSay):
        operations.answer(dispute_id=dispute.pk, reason="Why not", by=CITY, at=clock.now())
    with pytest.raises(ValueError, match="says why"):
        operations.accept(dispute_id=dispute.pk, reason=" ", by=CITY, at=clock.now())


def test_what_is_kept_of_a_dispute_is_what_the_gateway_sent(town):
    payment = disputed(town)
    (told,) = events(town, payment, "charge.dispute.created")
    knock(told)
    kept = GatewayEvent.objects.get(event=told["id"])
    assert json.loads(kept.body) == told
    assert Payment.objects.get(pk=payment.pk).state == Payment.State.CAPTURED
