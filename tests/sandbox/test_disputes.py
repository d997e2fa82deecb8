"""A bank that takes money back, and what it makes of what it is told."""

import json
import time

import pytest
import stripe

from tests.sandbox.bank import Bank


@pytest.fixture
def disputed(api, authorise):
    """A fare of 5,000 that its payer's bank takes back as soon as it is taken."""

    def take() -> stripe.Dispute:
        fare = authorise(5000, "pm_card_createDispute", capture_method="automatic")
        (dispute,) = api.v1.disputes.list({"payment_intent": fare.id}).data
        return dispute

    return take


def moved(dispute: stripe.Dispute) -> list[tuple[int, int]]:
    return [(one.amount, one.fee) for one in dispute.balance_transactions]


def test_evidence_is_kept_until_it_is_sent(api, disputed):
    dispute = disputed()
    kept = api.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Camila"}})
    assert (kept.status, kept.evidence.customer_name) == ("needs_response", "Camila")
    sent = api.v1.disputes.update(dispute.id, {"submit": True})
    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Rosa"}})
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.disputes.close(dispute.id)


@pytest.mark.parametrize(
    ("said", "status", "money"),
    [
        ("winning_evidence", "won", [(-5000, 1500), (5000, 0)]),
        ("losing_evidence", "lost", [(-5000, 1500)]),
    ],
)
def test_two_words_decide_at_once(api, disputed, said, status, money):
    dispute = disputed()
    answer = {"evidence": {"uncategorized_text": said}, "submit": True}
    api.v1.disputes.update(dispute.id, answer)
    ended = api.v1.disputes.retrieve(dispute.id)
    assert (ended.status, moved(ended)) == (status, money)


def test_by_the_clock_who_answered_wins_and_who_was_silent_loses(tmp_path):
    with Bank(tmp_path) as bank:
        api = bank.client()
        disputes = []
        for _ in range(2):
            fare = {"amount": 5000, "currency": "clp", "payment_method": "pm_card_createDispute"}
            paid = api.v1.payment_intents.create({**fare, "confirm": True})
            disputes += api.v1.disputes.list({"payment_intent": paid.id}).data
        answer = {"evidence": {"uncategorized_text": "The rider was there."}, "submit": True}
        api.v1.disputes.update(disputes[0].id, answer)
        bank.advance(9 * 86_400)
        assert [api.v1.disputes.retrieve(one.id).status for one in disputes] == ["won", "lost"]
        with pytest.raises(stripe.InvalidRequestError, match="charged back"):
            api.v1.refunds.create({"charge": disputes[1].charge})
        assert api.v1.refunds.create({"charge": disputes[0].charge}).amount == 5000


def test_a_bank_may_find_later_that_it_cannot_take_a_refund(tmp_path):
    with Bank(tmp_path) as bank:
        api = bank.client()
        fare = {"amount": 5000, "currency": "clp", "payment_method": "pm_card_refundFail"}
        paid = api.v1.payment_intents.create({**fare, "confirm": True})
        refund = api.v1.refunds.create({"payment_intent": paid.id, "amount": 2000})
        assert refund.status == "succeeded"
        bank.advance(3600)
        assert api.v1.refunds.retrieve(refund.id).status == "failed"
        assert api.v1.charges.retrieve(paid.latest_charge).amount_refunded == 0


def test_on_demand_events_come_doubled_late_and_out_of_order_or_not_at_all(tmp_path, city):
    with Bank(tmp_path, SANDBOX_WEBHOOK_URL=city.url) as bank:
        api = bank.client()
        assert bank.control("faults", duplicate="2") == {"duplicate": 2}
        api.v1.customers.create({"name": "Rosa"})
        assert len({json.loads(city.hear("customer.created")[1])["id"] for _ in range(3)}) == 1
        bank.control("faults", drop="1")
        api.v1.customers.create({"name": "Nobody hears of her"})
        bank.control("faults", delay="1")
        began = time.monotonic()
        api.v1.customers.create({"name": "Camila"})
        heard = json.loads(city.hear("customer.created")[1])
        assert heard["data"]["object"]["name"] == "Camila"
        assert time.monotonic() - began >= 1
        bank.control("faults", reorder="2")
        names = [str(number) for number in range(12)]
        for name in names:
            api.v1.customers.create({"name": name})
        told = [json.loads(city.hear("customer.created")[1]) for _ in names]
        came = [one["data"]["object"]["name"] for one in told]
        assert sorted(came) == sorted(names)
        assert came != names
        assert [one["status"] for one in bank.control("deliveries")].count("dropped") == 1


@pytest.mark.parametrize("form", [{"explode": "1"}, {"delay": "-1"}, {"duplicate": "11"}])
def test_a_wish_that_is_none_is_refused(bank, form):
    with pytest.raises(OSError, match="400"):
        bank.control("faults", **form)


def test_nobody_without_the_password_has_anything_go_wrong(bank):
    with pytest.raises(OSError, match="401"):
        bank.control("faults", password="guessed", drop="1")
