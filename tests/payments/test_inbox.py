"""The gateway knocks: who is believed, what is kept, and what follows whatever the order."""

import itertools
import json
import random
import time
from datetime import timedelta

import pytest
import stripe
from django.test import Client

from apps.bus.models import Event
from apps.kernel import clock
from apps.payments import gateway, inbox, listening, operations, tasks
from apps.payments.models import Attempt, GatewayEvent, Payment, PayoutAccount
from tests.payments.city import CLEARING, FARE, balances, fresh, only_attempt, relay
from tests.payments.line import Line

SECRET = "whsec_" + "a" * 32
OTHER = "whsec_" + "b" * 32
DOOR = "/hooks/stripe/"


def event(kind: str = "customer.created", about: str = "cus_1", **more) -> dict:
    return {
        "id": f"evt_{random.getrandbits(64):x}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": {"id": about}},
        **more,
    }


def signed(text: str, secret: str = SECRET, at: int | None = None) -> str:
    return stripe.WebhookSignature.generate_signature_header(text, secret, at)


def knock(told: dict | str, secret: str = SECRET, **more):
    text = told if isinstance(told, str) else json.dumps(told)
    signature = more.pop("signature", None) or signed(text, secret)
    return Client(enforce_csrf_checks=True).post(
        DOOR, text, content_type="application/json", headers={"Stripe-Signature": signature}, **more
    )


@pytest.fixture(autouse=True)
def secret(settings):
    settings.STRIPE_WEBHOOK_SECRET = SECRET


def bank_events(town, *kinds: str) -> list[dict]:
    """What the bank has to tell of these kinds about the rider's payments, oldest first."""
    found = town.bank.client().v1.events.list({"limit": 100}).data
    known = {one.id for one in town.intents()}
    told = [json.loads(json.dumps(one.to_dict())) for one in found[::-1]]
    return [
        one
        for one in told
        if one["type"].startswith(kinds)
        and known & {one["data"]["object"].get("payment_intent"), one["data"]["object"]["id"]}
    ]


@pytest.mark.django_db(transaction=True)
def test_an_event_is_kept_as_it_came_and_once():
    told = event()
    text = json.dumps(told, indent=3)
    assert knock(text).status_code == 200
    assert knock(text).status_code == 200
    (kept,) = GatewayEvent.objects.all()
    assert kept.body == text
    assert (kept.event, kept.type, kept.about) == (told["id"], "customer.created", "cus_1")
    assert not kept.concerns_us
    assert kept.done_at


@pytest.mark.django_db(transaction=True)
def test_while_the_secret_changes_either_of_two_may_sign(settings):
    settings.STRIPE_WEBHOOK_SECRET = f"{SECRET}, {OTHER}"
    assert knock(event()).status_code == 200
    assert knock(event(), OTHER).status_code == 200
    assert knock(event(), "whsec_" + "c" * 32).status_code == 400
    settings.STRIPE_WEBHOOK_SECRET = OTHER
    assert knock(event(), SECRET).status_code == 400
    assert GatewayEvent.objects.count() == 2


WELL = json.dumps(event(id="evt_well"))


def told_as(**more) -> str:
    """An event of which something is not as it should be."""
    return json.dumps({**event(id="evt_odd"), **more})


# What came, how it was signed at that moment, and what we call it.
BELIEVED_BY_NOBODY = {
    "another text was signed": (WELL, lambda text: signed(text + " "), "not_signed"),
    "with another secret": (WELL, lambda text: signed(text, OTHER), "not_signed"),
    "in an old way": (WELL, lambda _: "t=1,v0=abc", "not_signed"),
    "not at all": (WELL, lambda _: "nonsense", "not_signed"),
    "with an endless number": (WELL, lambda _: "t=" + "9" * 5000 + ",v1=00", "not_signed"),
    "with an odd letter": (WELL, lambda _: "t=1,v1=\u00e9", "not_signed"),
    "long ago": (WELL, lambda text: signed(text, at=int(time.time()) - 4000), "stale"),
    "long from now": (WELL, lambda text: signed(text, at=int(time.time()) + 4000), "stale"),
    "a list": ("[]", signed, "unreadable"),
    "half a thing": ("{", signed, "unreadable"),
    "as deep as it is long": ("[" * 100_000, signed, "unreadable"),
    "of real money": (told_as(livemode=True), signed, "wrong_mode"),
    "named by a number": (told_as(id=5), signed, "unreadable"),
    "with a long name": (told_as(id="e" * 101), signed, "unreadable"),
    "without a name": (told_as(id=""), signed, "unreadable"),
    "of no time": (told_as(created=10**30), signed, "unreadable"),
    "about nothing": (told_as(data={"object": 1}), signed, "unreadable"),
}


@pytest.mark.parametrize("what", BELIEVED_BY_NOBODY)
@pytest.mark.django_db(transaction=True)
def test_nothing_is_kept_of_what_nobody_believable_said(what):
    text, sign, code = BELIEVED_BY_NOBODY[what]
    answer = knock(text, signature=sign(text))
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert not answer.cookies
    assert not GatewayEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_unsigned_too_large_or_asked_another_way_is_refused(settings):
    client = Client(enforce_csrf_checks=True)
    assert client.post(DOOR, WELL, content_type="application/json").status_code == 400
    assert client.get(DOOR).status_code == 405
    assert knock("x" * (inbox.LARGEST + 1)).status_code == 413
    assert knock(WELL, CONTENT_LENGTH="many").status_code == 413
    settings.STRIPE_WEBHOOK_SECRET = ""
    assert knock(WELL).status_code == 503
    assert not GatewayEvent.objects.exists()


def deal_with(told: dict) -> None:
    """As the endpoint has it: kept, then heeded by a task."""
    assert knock(told).status_code == 200
    relay()


def test_a_lost_answer_is_healed_by_the_news_of_it(town, settings):
    with Line(town.bank.url) as line:
        settings.STRIPE_API_BASE = line.url
        line.fail("after", times=9)
        payment = town.open()
        relay()
        assert fresh(payment).state == Payment.State.OPENED
        settings.STRIPE_API_BASE = town.bank.url
        for told in bank_events(town, "payment_intent."):
            deal_with(told)
        assert fresh(payment).state == Payment.State.AUTHORISED
        settings.STRIPE_API_BASE = line.url
        line.fail("after", times=9)
        town.capture(payment)
        relay()
        settings.STRIPE_API_BASE = town.bank.url
        for told in bank_events(town, "payment_intent.succeeded"):
            deal_with(told)
    assert fresh(payment).state == Payment.State.CAPTURED
    assert balances()[CLEARING] == FARE
    # Asked again nevertheless, nothing comes of it.
    for attempt in payment.attempts.all():
        tasks.ask(attempt_id=attempt.pk)
    assert balances()[CLEARING] == FARE


def test_a_promise_that_ran_out_is_noted_and_what_is_wanted_of_it_later_is_refused(town):
    payment = town.authorised()
    intent = town.bank.client().v1.payment_intents.retrieve(payment.reference)
    # The bank's clock cannot be turned back, so another ends what a week would end.
    town.bank.client().v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    for told in bank_events(town, "payment_intent.canceled"):
        deal_with(told)
    payment = fresh(payment)
    assert (payment.state, payment.refusal) == (Payment.State.CANCELLED, "lapsed")
    town.capture(payment)
    relay()
    attempt = only_attempt(payment, Attempt.Kind.CAPTURE)
    assert (attempt.succeeded, attempt.error) == (False, "cancelled")
    assert balances() == {}


def refunded(town) -> Payment:
    """A ride on a card whose bank will not take the money back, and a part of it given back."""
    payment = town.authorised(card=town.card_like("pm_card_refundFail"))
    town.capture(payment)
    relay()
    town.refund(payment, 450)
    relay()
    assert fresh(payment).refunded_minor == 450
    return payment


def test_a_refund_that_fails_later_is_booked_back_whatever_the_order(town):
    payment = refunded(town)
    town.bank.advance(3601)
    told = bank_events(town, "refund.", "charge.refund.updated", "payment_intent.succeeded")
    assert [one["type"] for one in told] == [
        "payment_intent.succeeded",
        "refund.created",
        "refund.failed",
        "charge.refund.updated",
    ]
    random.Random(5).shuffle(told)
    for one in told + told:
        deal_with(one)
    payment = fresh(payment)
    assert payment.refunded_minor == 0
    assert balances()[CLEARING] == FARE
    assert only_attempt(payment, Attempt.Kind.REFUND).error == "expired_or_canceled_card"
    # What came back can be given back once more.
    town.refund(payment, FARE)
    relay()
    assert CLEARING not in balances()


def test_a_payout_account_is_kept_up(town):
    api = town.bank.client()
    account = api.v1.accounts.create(
        {"type": "express", "country": "CL", "capabilities": {"transfers": {"requested": True}}}
    )
    operations.keep_payout_account(provider_id=town.provider.pk, reference=account.id)
    deal_with(event("account.updated", account.id, account=account.id))
    kept = PayoutAccount.objects.get()
    assert (kept.pays_out, kept.wanted) == (True, [])
    assert kept.looked_at


@pytest.mark.django_db(transaction=True)
def test_a_payout_that_failed_is_told_once(bank):
    told = event("payout.failed", "po_1", account="acct_1")
    told["data"]["object"] |= {"amount": 900, "currency": "clp", "failure_code": "account_closed"}
    deal_with(told)
    deal_with(told)

    (said,) = Event.objects.filter(topic="payments.payout_failed")
    assert said.body == {
        "account": "acct_1",
        "payout": "po_1",
        "amount_minor": 900,
        "currency": "CLP",
        "error": "account_closed",
    }


def test_what_cannot_be_dealt_with_is_due_again_and_at_last_waits_for_an_officer(town):
    knock(told := event("refund.failed", "re_unknown"))
    kept = GatewayEvent.objects.get(event=told["id"])
    assert kept.failures == 1
    assert "NotUnderstood" in kept.error
    assert timedelta(0) < kept.due_at - clock.now() <= timedelta(seconds=1)
    for _ in range(11):
        tasks.heed(event_id=kept.pk)
    kept.refresh_from_db()
    assert (kept.failures, kept.done_at) == (12, None)
    assert kept.dead_at
    tasks.heed(event_id=kept.pk)
    kept.refresh_from_db()
    assert kept.failures == 12
    assert operations.process_again(event_id=kept.pk, by=town.by, at=clock.now())
    kept.refresh_from_db()
    assert (kept.failures, kept.dead_at) == (0, None)


def test_what_was_never_told_is_found_in_the_banks_list(town, settings):
    with Line(town.bank.url) as line:
        settings.STRIPE_API_BASE = line.url
        line.fail("after", times=9)
        payment = town.open()
        relay()
        settings.STRIPE_API_BASE = town.bank.url
    assert fresh(payment).state == Payment.State.OPENED
    tasks.find_missing_events()
    assert fresh(payment).state == Payment.State.AUTHORISED
    heard = GatewayEvent.objects.count()
    assert set(GatewayEvent.objects.values_list("way", flat=True)) == {"FOUND"}
    tasks.find_missing_events()
    assert GatewayEvent.objects.count() == heard


def test_without_a_broker_the_sweep_deals_with_it(town, monkeypatch):
    payment = refunded(town)
    town.bank.advance(3601)
    (told,) = bank_events(town, "refund.failed")
    operations.keep(
        letter=inbox.read(told, json.dumps(told), live=False), by=town.by, at=clock.now()
    )
    assert fresh(payment).refunded_minor == 450
    tasks.heed_waiting()
    assert fresh(payment).refunded_minor == 0


def test_the_words_are_forgotten_after_a_month_and_the_event_is_still_known(town):
    knock(told := event())
    later = clock.now() + timedelta(days=31)
    assert operations.empty_old(at=later) == 1
    assert GatewayEvent.objects.get().body == ""
    assert knock(told).status_code == 200
    assert GatewayEvent.objects.count() == 1


def test_every_order_of_a_payments_events_gives_the_same_books(town):
    """Of each way to tell the story, doubled: the books that it ends with are the same."""
    books = set()
    for order in itertools.permutations(range(4)):
        payment = refunded(town)
        kinds = ("payment_intent.succeeded", "refund.", "charge.refund.updated")
        town.bank.advance(3601)
        told = [
            one
            for one in bank_events(town, *kinds)
            if payment.reference
            in (one["data"]["object"].get("payment_intent"), one["data"]["object"]["id"])
        ]
        before = balances()
        for place in order + order:
            deal_with(told[place])
        after = balances()
        books.add(tuple(sorted((code, after.get(code, 0) - before.get(code, 0)) for code in after)))
    assert len(books) == 1


def test_the_gateways_own_list_says_what_the_webhook_said(town):
    town.authorised()
    found = listening.find_missing(gateway.ours(), at=clock.now())
    assert "payment_intent.amount_capturable_updated" in {one.type for one in found}
