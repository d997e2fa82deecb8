"""The only place from which money's questions leave the house, holding nothing while they wait."""

import logging
from dataclasses import replace
from typing import Any
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from kombu.exceptions import OperationalError

from apps.audit import operations as audit
from apps.kernel import clock
from apps.kernel.actors import Actor
from apps.parties.models import Provider
from apps.payments import cards, gateway, listening, operations, queries
from apps.payments.gateway import Answer, Confirm, Gateway
from apps.payments.models import (
    Attempt,
    Customer,
    GatewayEvent,
    Payment,
    PayoutAccount,
    Transfer,
)

PAYMENTS = Actor.system("payments")
# Seconds by which a question's own answer is usually faster than the news of it.
ANSWER_FIRST = 2

logger = logging.getLogger(__name__)


def start(*, attempt_id: int) -> None:
    """Hand an attempt to the workers.  With the broker down the next sweep finds it."""
    try:
        ask.apply_async(kwargs={"attempt_id": attempt_id}, retry=False)
    except OperationalError:
        logger.warning("no broker: attempt %s waits for the sweep", attempt_id)


@shared_task
def ask_again_unanswered(**_: Any) -> None:
    """Fan out what a crash or a silent bank left unanswered, each on its own."""
    due = Attempt.objects.due(clock.now()).order_by("due_at").values_list("pk", flat=True)
    for attempt_id in due[:1000]:
        start(attempt_id=attempt_id)


@shared_task
def renew_promises(**_: Any) -> None:
    """Have what is held and still wanted promised anew before the banks let go of it."""
    for payment_id in operations.due_for_renewal(clock.now()):
        operations.renew(payment_id=payment_id, by=PAYMENTS, at=clock.now())


def start_forgetting(*, card_id: int) -> None:
    """Hand a removed card to the workers.  With the broker down the next sweep finds it."""
    try:
        forget_card.apply_async(kwargs={"card_id": card_id}, retry=False)
    except OperationalError:
        logger.warning("no broker: card %s waits for the sweep", card_id)


@shared_task
def forget_removed_cards(**_: Any) -> None:
    """Fan out the removed cards that the gateway has not forgotten yet, each on its own."""
    for card_id in queries.to_forget().order_by("pk").values_list("pk", flat=True)[:1000]:
        start_forgetting(card_id=card_id)


@shared_task
def forget_card(*, card_id: int, **_: Any) -> None:
    """Have the gateway forget a card; if nobody answers, the sweep tries again."""
    card = queries.to_forget().filter(pk=card_id).first()
    if card is None:
        return
    try:
        gateway.ours().forget_card(reference=card.reference)
    except (gateway.GatewayDown, gateway.NotUnderstood, ImproperlyConfigured) as error:
        logger.warning("card %s is not forgotten yet: %s", card_id, error)
    else:
        cards.note_forgotten(card_id=card_id, by=PAYMENTS, at=clock.now())


@shared_task
def ask(*, attempt_id: int, **_: Any) -> None:
    """Put the question; then note the answer.

    Whoever dies in between asks again with the same key and hears the same answer.
    """
    attempt = operations.try_now(attempt_id=attempt_id, at=clock.now())
    if attempt is None:
        return
    if attempt.asked_at and clock.now() - attempt.asked_at > operations.KEY_LASTS:
        error = "unanswered for a day: look at the gateway before it is asked again"
        operations.give_up(attempt_id=attempt_id, error=error, by=PAYMENTS, at=clock.now())
        return
    try:
        answer = _put(gateway.ours(), attempt)
    except (gateway.GatewayDown, ImproperlyConfigured, audit.NotSealed) as error:
        logger.warning("%s waits: %s", attempt, error)
        operations.put_off(
            attempt_id=attempt_id,
            key=attempt.key,
            error=str(error),
            at=clock.now(),
            said_no=isinstance(error, gateway.NotYet),
        )
    except gateway.NotUnderstood as error:
        logger.error("%s is dead: %s", attempt, error)
        operations.give_up(attempt_id=attempt_id, error=str(error), by=PAYMENTS, at=clock.now())
    else:
        if isinstance(answer, Confirm):
            operations.await_payer(
                attempt_id=attempt_id, wanted=answer, by=PAYMENTS, at=clock.now()
            )
        else:
            operations.record(attempt_id=attempt_id, answer=answer, by=PAYMENTS, at=clock.now())


def hear_payer(*, holder: UUID) -> None:
    """Ask the gateway, here and now, what came of the payer's word to their bank.

    If nobody answers, the sweep goes on asking.
    """
    unsure = Attempt.objects.open().filter(
        kind=Attempt.Kind.AUTHORISE, payment__holder=holder, payment__state=Payment.State.CONFIRM
    )
    for attempt_id in unsure.values_list("pk", flat=True):
        ask(attempt_id=attempt_id)


def start_heeding(event_id: int) -> None:
    """Hand an event of the gateway's to the workers.  With the broker down the sweep finds it."""
    try:
        heed.apply_async(kwargs={"event_id": event_id}, retry=False, countdown=ANSWER_FIRST)
    except OperationalError:
        logger.warning("no broker: event %s waits for the sweep", event_id)


@shared_task
def heed_waiting(**_: Any) -> None:
    """Fan out the events that nobody has dealt with yet, each on its own."""
    due = GatewayEvent.objects.due(clock.now()).order_by("due_at").values_list("pk", flat=True)
    for event_id in due[:1000]:
        start_heeding(event_id)


@shared_task
def heed(*, event_id: int, **_: Any) -> None:
    """Deal with one event; what fails is counted, and due again later."""
    event = GatewayEvent.objects.filter(pk=event_id, done_at=None, dead_at=None).first()
    if event is None:
        return
    try:
        listening.heed(gateway.ours(), event)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        logger.warning("%s waits: %s", event, said)
        operations.note_failed(event_id=event_id, error=said, by=PAYMENTS, at=clock.now())


@shared_task
def find_missing_events(**_: Any) -> None:
    """Take in what the gateway meant to tell and could not, for however long that was."""
    if not settings.STRIPE_API_KEY:
        return
    _find_missing("")
    operations.empty_old(at=clock.now())


@shared_task
def find_missing_events_of_accounts(**_: Any) -> None:
    """The same for every provider's account, each of which has a list of its own."""
    for account in PayoutAccount.objects.order_by("pk").values_list("reference", flat=True):
        _find_missing(account)


def _find_missing(account: str) -> None:
    try:
        found = listening.find_missing(gateway.ours(), at=clock.now(), account=account)
    except (gateway.GatewayDown, gateway.NotUnderstood, ImproperlyConfigured) as error:
        logger.warning("the gateway's list of %s was not read: %s", account or "events", error)
        return
    for event in found:
        start_heeding(event.pk)


@shared_task
def open_payout_account(*, provider_id: int, currency: str, **_: Any) -> None:
    """Open a provider's account with the gateway, unless they have one."""
    _payout_account(gateway.ours(), provider_id, currency)


def _put(bank: Gateway, attempt: Attempt) -> Answer | Confirm:
    key = str(attempt.key)
    if attempt.kind == Attempt.Kind.TRANSFER:
        # The last door before money leaves.
        audit.require_sealed(at=clock.now())
        transfer = Transfer.objects.get(attempts=attempt)
        account = transfer.destination
        if transfer.provider_id is not None:
            account = _payout_account(bank, transfer.provider_id, transfer.currency)
        holder = str(transfer.holder)
        answer = bank.transfer(account=account, amount=transfer.amount, holder=holder, key=key)
        if answer.is_yes and transfer.is_instant:
            hurried = bank.hurry(account=account, amount=transfer.amount, key=f"{key}:instant")
            # The money has left either way; `refusal` says that it is not there at once.
            return replace(answer, refusal=hurried.refusal)
        return answer
    payment = Payment.objects.select_related("card").get(attempts=attempt)
    customer = Customer.objects.filter(user=payment.payer_id).first()
    if customer is None:
        raise gateway.NotUnderstood("the payer is no customer of the gateway")
    match attempt.kind:
        case Attempt.Kind.AUTHORISE:
            assert payment.card is not None  # cash asks no bank
            if payment.state == Payment.State.CONFIRM:
                return _after_payer(bank, payment, key)
            return bank.authorise(
                amount=payment.amount,
                customer=customer.reference,
                card=payment.card.reference,
                holder=str(payment.holder),
                label=payment.label,
                key=key,
                back=f"{settings.PUBLIC_URL}{payment.back}" if payment.back else "",
            )
        case Attempt.Kind.RENEW:
            assert payment.card is not None
            return bank.authorise(
                amount=payment.amount,
                customer=customer.reference,
                card=payment.card.reference,
                holder=str(payment.holder),
                label=payment.label,
                key=key,
            )
        case Attempt.Kind.GIVE_BACK:
            return bank.cancel(reference=attempt.reference, key=key)
        case Attempt.Kind.CAPTURE:
            return bank.capture(reference=payment.reference, amount=attempt.amount, key=key)
        case Attempt.Kind.CANCEL:
            return bank.cancel(reference=payment.reference, key=key)
    return bank.refund(reference=payment.reference, amount=attempt.amount, key=key)


def _after_payer(bank: Gateway, payment: Payment, key: str) -> Answer | Confirm:
    """What the bank says once it has heard from the payer; past the time it is given back."""
    answer = bank.confirmed(reference=payment.reference, key=key)
    is_late = payment.confirm_by is not None and payment.confirm_by <= clock.now()
    if isinstance(answer, Confirm) and is_late:
        # Whoever confirms in this very moment gets their promise back as well.
        bank.cancel(reference=payment.reference, key=f"{key}:unconfirmed")
        return Answer(False, payment.reference, gateway.UNCONFIRMED)
    return answer


def _payout_account(bank: Gateway, provider_id: int, currency: str) -> str:
    account = PayoutAccount.objects.filter(provider=provider_id).first()
    if account is None:
        provider = Provider.objects.get(pk=provider_id)
        owner = provider.memberships.filter(role="OWNER").select_related("user").first()
        reference = bank.open_account(
            name=provider.name,
            email=owner.user.email if owner else "",
            country=queries.country(currency),
            key=str(provider.ref),
        )
        account = operations.keep_payout_account(provider_id=provider_id, reference=reference)
    return account.reference
