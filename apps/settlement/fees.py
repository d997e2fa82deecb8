"""Fees of applications for permits: what a provider pays the city, and what the city gives back.

Regulation lies below the money and knows only that a fee is paid and under which receipt; here
that is a payment like any other.  Whatever comes of it is asked of the state in which it left
the payment and the application, never of the order in which the news came.
"""

from datetime import datetime
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.kernel.actors import Actor
from apps.kernel.money import Money
from apps.payments import operations as payments
from apps.payments import queries as paid
from apps.payments.models import Attempt, Payment
from apps.regulation import operations as regulation
from apps.regulation.models import Application, CaseFile, CaseKind, Outcome
from apps.regulation.queries_applications import application_of

BOOKED_AS = "permit_fee"
# A card that was refused may be followed by another, but not by a hundred.
TRIES = 10
# Why a fee goes back, as the bank's books and the office keep it.
TWICE = "the fee was paid already, or the case was closed"
REFUSED = "the city refused the application"

State = Payment.State
OVER = (State.REFUSED, State.CANCELLED)
UNDER_WAY = (State.OPENED, State.AUTHORISED)
REFUSALS: dict[str, str | Promise] = {
    "insufficient_funds": _("There is not enough money on this card."),
    "expired": _("This card is no longer valid."),
    "needs_confirmation": _(
        "Your bank wants you to confirm the payment yourself, which is not possible here."
    ),
    "wrong_details": _("The bank does not recognise the card's details."),
}


class NothingDue(Exception):
    """The fee is paid or being paid, there is none, or the case is closed."""


@transaction.atomic
def pay(
    *, case_id: int, payer_id: int, card_id: int, key: UUID, by: Actor, at: datetime
) -> Payment:
    """Pay the fee of an application with a card: promised and taken in one go, once.

    The same key is one payment; after a refusal another key asks again.  Whoever calls has made
    sure that the payer is of the applicant's side.  Raises `NothingDue`, and what `payments.open`
    raises: `NoSuchCard`, `KeyReused`.
    """
    # The case is the lock: two clicks, and an officer at the counter, wait for each other.
    case = CaseFile.objects.locked().select_related("city").get(pk=case_id)
    application = application_of(case_id)
    holders = _holders(case)
    if before := Payment.objects.filter(attempts__key=key).first():
        if (before.holder in holders, before.card_id) != (True, card_id):
            raise payments.KeyReused(key)
        return before
    if application is None or not is_due(application):
        raise NothingDue(case.number)
    before = last(case)
    turn = 0 if before is None else holders.index(before.holder) + 1
    if turn == TRIES:
        raise NothingDue(case.number)
    payment = payments.open(
        holder=holders[turn],
        payer_id=payer_id,
        card_id=card_id,
        amount=Money(application.fee_minor, case.city.currency),
        label=f"{case.number}-F{turn + 1}",
        booked_as=BOOKED_AS,
        key=key,
        by=by,
        at=at,
    )
    payments.capture(
        holder=payment.holder,
        amount_minor=application.fee_minor,
        split=[(account(case), application.fee_minor)],
        about=case.ref,
        by=by,
        at=at,
    )
    return payment


@transaction.atomic
def note_taken(*, payment_id: int, by: Actor, at: datetime) -> None:
    """A card paid: tell the application, or give it back where nothing was owed any more."""
    payment = Payment.objects.get(pk=payment_id)
    case = case_of(payment)
    if case is None or payment.state != State.CAPTURED:
        return
    try:
        regulation.note_fee_paid(
            case_id=case.pk, payment=payment.label, person_id=payment.payer_id, by=by, at=at
        )
    except (regulation.NothingOwed, regulation.CaseClosed):
        if not _counts(case, payment):
            give_back(payment=payment, reason=TWICE, by=by, at=at)


@transaction.atomic
def give_back_when_refused(*, case_id: int, by: Actor, at: datetime) -> None:
    """A refusal gives the fee back, where the city's terms said so when the wish came in."""
    application = application_of(case_id)
    if application is None or not application.fee_is_refundable:
        return
    if application.case.outcome != Outcome.REFUSED:
        return
    for payment in payments_of(application.case):
        if payment.state == State.CAPTURED:
            give_back(payment=payment, reason=REFUSED, by=by, at=at)


@transaction.atomic
def note_returned(*, payment_id: int, by: Actor, at: datetime) -> None:
    """The bank gave a fee back: the application says so, once it is all of it."""
    payment = Payment.objects.get(pk=payment_id)
    case = case_of(payment)
    if case is None or payment.refunded_minor < payment.captured_minor:
        return
    regulation.note_fee_returned(
        case_id=case.pk, payment=payment.label, person_id=payment.payer_id, by=by, at=at
    )


def give_back(*, payment: Payment, reason: str, by: Actor, at: datetime) -> None:
    """Have the bank give back what is left of a fee.  However often it is wanted, it is one."""
    key = uuid5(payment.holder, "given back")
    left = paid.refundable(Payment.objects.locked().get(pk=payment.pk))
    if not left or Attempt.objects.filter(key=key).exists():
        return
    case = case_of(payment)
    assert case is not None
    payments.refund(
        holder=payment.holder,
        amount_minor=left,
        split=[(account(case), left)],
        about=case.ref,
        key=key,
        reason=reason,
        by=by,
        at=at,
    )


def is_due(application: Application) -> bool:
    """Whether a card may pay it now: owed, the case open, and no bank being asked."""
    before = last(application.case)
    is_free = before is None or before.state in OVER
    owed = application.fee_minor > 0 and application.paid_at is None
    return owed and application.case.is_open and is_free


def last(case: CaseFile) -> Payment | None:
    """The payment of the fee, or the last that was refused."""
    return next(iter(payments_of(case)), None)


def payments_of(case: CaseFile) -> QuerySet[Payment]:
    """Every payment of a fee, the newest first."""
    found = Payment.objects.filter(holder__in=_holders(case)).select_related("card", "payer")
    return found.order_by("-pk")


def case_of(payment: Payment) -> CaseFile | None:
    """The case whose fee it is; None for whatever else is paid."""
    if payment.booked_as != BOOKED_AS:
        return None
    about = payment.attempts.filter(kind=Attempt.Kind.CAPTURE).values("about")
    found = CaseFile.objects.filter(ref__in=about, kind=CaseKind.APPLICATION)
    return found.select_related("city").first()


def account(case: CaseFile) -> str:
    """The code of the account on which a city's fees for permits stand."""
    return f"city:{case.city.slug}:permit-fees"


def why_refused(payment: Payment) -> str:
    """Why the bank said no, in words for whoever may try again."""
    return str(REFUSALS.get(payment.refusal, _("Your bank refused the card.")))


def _counts(case: CaseFile, payment: Payment) -> bool:
    return Application.objects.filter(pk=case.pk, payment=payment.label).exists()


def _holders(case: CaseFile) -> list[UUID]:
    """The payments that the fee may be, one after the other; each holder pays once."""
    return [uuid5(case.ref, f"{BOOKED_AS}:{turn}") for turn in range(TRIES)]
