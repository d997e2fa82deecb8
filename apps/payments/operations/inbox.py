"""What the gateway tells of its own accord: kept first, then dealt with by how things stand."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.ledger import operations as ledger
from apps.payments.gateway import AccountFacts, Answer, IntentFacts, RefundFacts
from apps.payments.inbox import Letter
from apps.payments.models import Attempt, GatewayEvent, Listening, Payment, PayoutAccount
from apps.payments.operations import answers

# An event that could not be dealt with this often waits for an officer.
PATIENCE = 12
LONGEST_WAIT = timedelta(hours=1)
# Its words are kept for as long as the gateway itself keeps them.
KEPT = timedelta(days=30)
LAPSED = "lapsed"

State = Payment.State
Kind = Attempt.Kind


@transaction.atomic
def keep(
    *,
    letter: Letter,
    by: Actor,
    at: datetime,
    way: str = GatewayEvent.Way.TOLD,
    then: Callable[[int], None] | None = None,
) -> GatewayEvent | None:
    """Store an event as it came; None when it was stored before.

    `then` is called with its number after the commit, when there is something to deal with.
    """
    kept, is_new = GatewayEvent.objects.get_or_create(
        event=letter.event,
        defaults={
            "type": letter.type,
            "account": letter.account,
            "about": letter.about,
            "body": letter.body,
            "way": way,
            "happened_at": letter.happened_at,
            "arrived_at": at,
            "due_at": at,
            "concerns_us": letter.concerns_us,
            "done_at": None if letter.concerns_us else at,
        },
    )
    if not is_new:
        return None
    if then and letter.concerns_us:
        transaction.on_commit(lambda: then(kept.pk), robust=True)
    return kept


@transaction.atomic
def note_done(*, event_id: int, at: datetime) -> None:
    """Nothing is left to do about it."""
    GatewayEvent.objects.filter(pk=event_id, done_at=None).update(done_at=at, error="")


@transaction.atomic
def note_failed(*, event_id: int, error: str, by: Actor, at: datetime) -> None:
    """Count a failure: it is due again after a second, two, four, at most an hour.

    After twelve it waits for an officer.
    """
    event = GatewayEvent.objects.select_for_update().filter(pk=event_id, done_at=None).first()
    if event is None or event.dead_at:
        return
    event.due_at = at + min(timedelta(seconds=2 ** min(event.failures, 12)), LONGEST_WAIT)
    event.failures += 1
    event.error = error[:500]
    if event.failures >= PATIENCE:
        event.dead_at = at
        bus.publish("payments.event_stuck", by=by, at=at, gateway_event=event.event)
    event.save(update_fields=["due_at", "failures", "error", "dead_at"])


@transaction.atomic
def process_again(*, event_id: int, by: Actor, at: datetime) -> bool:
    """Have an event dealt with once more that failed.  False when nothing is left to do."""
    waiting = GatewayEvent.objects.filter(pk=event_id, done_at=None)
    if not waiting.update(dead_at=None, due_at=at, failures=0):
        return False
    bus.publish("payments.event_again", by=by, at=at, gateway_event=waiting.get().event)
    return True


@transaction.atomic
def note_listed(*, account: str, upto: datetime) -> None:
    """Everything that happened before is here."""
    Listening.objects.update_or_create(account=account, defaults={"upto": upto})


@transaction.atomic
def empty_old(*, at: datetime) -> int:
    """Forget the words of events that were dealt with a month ago.  Return of how many."""
    old = GatewayEvent.objects.filter(done_at__lt=at - KEPT).exclude(body="")
    return old.update(body="")


@transaction.atomic
def heed_intent(*, facts: IntentFacts, by: Actor, at: datetime) -> None:
    """Bring a payment up to how it stands with the gateway.

    A question that is open gets the answer that was lost on its way.  A promise that ran out while
    nobody asked anything is noted, and told.
    """
    payment = _payment_of(facts)
    if payment is None or payment.reference not in ("", facts.reference):
        return  # a promise that another has taken the place of
    attempt = payment.attempts.open().first()
    if attempt is not None and payment.state == State.CONFIRM:
        # The question itself finds out what the payer did at their bank, and clears up after it.
        bus.publish("payments.asked_again", by=by, at=at, attempt=attempt.pk)
        return
    if attempt is not None:
        answer = _answer_of(facts, attempt)
        if answer:
            answers.record(attempt_id=attempt.pk, answer=answer, by=by, at=at)
        return
    if payment.state == State.AUTHORISED and facts.status == "canceled":
        payment.state, payment.refusal = State.CANCELLED, LAPSED
        payment.save(update_fields=["state", "refusal"])
        bus.publish("payments.lapsed", by=by, at=at, holder=str(payment.holder), payment=payment.pk)
        if following := payment.attempts.waiting().order_by("pk").first():
            bus.publish("payments.noted", by=by, at=at, attempt=following.pk)


def _payment_of(facts: IntentFacts) -> Payment | None:
    """The payment, locked.  Its reference is not known yet while the promise has no answer."""
    payments = Payment.objects.locked()
    if payment := payments.filter(reference=facts.reference).first():
        return payment
    key = _key(facts.attempt)
    asked = Attempt.objects.filter(key=key, kind=Kind.AUTHORISE).first() if key else None
    return payments.get(attempts=asked) if asked else None


def _answer_of(facts: IntentFacts, attempt: Attempt) -> Answer | None:
    """What the gateway answered to an open question, seen from how the payment stands."""
    match attempt.kind, facts.status:
        case Kind.AUTHORISE, ("requires_capture" | "succeeded") if _asked(facts, attempt):
            return Answer(True, facts.reference)
        case Kind.AUTHORISE, "requires_payment_method" if _asked(facts, attempt):
            return Answer(False, facts.reference, facts.refusal)
        case Kind.AUTHORISE, "canceled" if _asked(facts, attempt):
            refusal = LAPSED if facts.lapsed else "needs_confirmation"
            return Answer(False, facts.reference, refusal)
        case Kind.CAPTURE, "succeeded" if facts.received_minor == attempt.amount_minor:
            return Answer(True, facts.reference)
        case Kind.CAPTURE, "canceled":
            return Answer(False, facts.reference, LAPSED)
        case Kind.CANCEL, "canceled":
            return Answer(True, facts.reference)
    return None


def _asked(facts: IntentFacts, attempt: Attempt) -> bool:
    return facts.attempt == str(attempt.key)


@transaction.atomic
def heed_refund(*, facts: RefundFacts, by: Actor, at: datetime) -> None:
    """Bring a refund up to how it stands: answered if its answer was lost, booked back if not.

    A refund can fail days after the gateway said that it was on its way.
    """
    key = _key(facts.attempt)
    asked = Attempt.objects.filter(key=key, kind=Kind.REFUND).first() if key else None
    if asked is None:
        return
    payment = Payment.objects.locked().get(attempts=asked)
    attempt = payment.attempts.get(pk=asked.pk)
    came_to_nothing = facts.status in ("failed", "canceled")
    failure = facts.failure or facts.status
    if attempt.answered_at is None:
        if came_to_nothing:
            answer = Answer(False, facts.reference, failure)
        elif facts.status in ("succeeded", "pending"):
            answer = Answer(True, facts.reference)
        else:
            return
        answers.record(attempt_id=attempt.pk, answer=answer, by=by, at=at)
    elif attempt.succeeded and came_to_nothing:
        _take_back(payment, attempt, failure, by, at)


def _take_back(payment: Payment, attempt: Attempt, failure: str, by: Actor, at: datetime) -> None:
    attempt.succeeded, attempt.error = False, failure[:200]
    attempt.save(update_fields=["succeeded", "error"])
    Payment.objects.filter(pk=payment.pk).update(
        refunded_minor=F("refunded_minor") - attempt.amount_minor
    )
    ledger.post(
        key=f"refund-failed:{attempt.key}",
        kind="refund_failed",
        about=attempt.about,
        lines=[
            (answers.CLEARING, attempt.amount_minor),
            *((code, -minor) for code, minor in attempt.split),
        ],
        currency=payment.currency,
        by=by,
        at=at,
    )
    bus.publish(
        "payments.refund_failed",
        by=by,
        at=at,
        holder=str(payment.holder),
        payment=payment.pk,
        amount_minor=attempt.amount_minor,
        error=failure,
    )


@transaction.atomic
def heed_account(*, facts: AccountFacts, by: Actor, at: datetime) -> None:
    """Note whether a provider's account pays out and what is still wanted; tell what is new."""
    account = (
        PayoutAccount.objects.select_for_update(of=("self",))
        .filter(reference=facts.reference)
        .first()
    )
    if account is None:
        return
    before = (account.pays_out, account.wanted)
    account.pays_out, account.wanted, account.looked_at = facts.pays_out, list(facts.wanted), at
    account.save(update_fields=["pays_out", "wanted", "looked_at"])
    if before != (account.pays_out, account.wanted):
        bus.publish(
            "payments.account_changed",
            by=by,
            at=at,
            provider=account.provider_id,
            pays_out=facts.pays_out,
            wanted=account.wanted,
        )


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@transaction.atomic
def pass_on(*, event_id: int, topic: str, by: Actor, at: datetime, **facts: Any) -> None:
    """Tell the city of an event that is not payments' own to deal with, once."""
    if GatewayEvent.objects.filter(pk=event_id, done_at=None).update(done_at=at, error=""):
        bus.publish(topic, by=by, at=at, **facts)
