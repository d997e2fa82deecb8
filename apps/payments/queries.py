"""Questions about cards and payments."""

from collections import Counter
from contextlib import suppress
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from apps.kernel.money import allocate
from apps.parties.models import User
from apps.payments.models import Attempt, Card, Payment
from apps.places.models import City


def cards_of(user: User) -> QuerySet[Card]:
    """A person's cards, the one that is used unless another is chosen first."""
    return Card.objects.filter(user=user, removed_at=None).order_by("-is_default", "-added_at")


def to_forget() -> QuerySet[Card]:
    """The removed cards that the gateway still knows and that no bank is being asked about."""
    at_the_bank = (Payment.State.OPENED, Payment.State.CONFIRM)
    asked = Payment.objects.filter(card=OuterRef("pk"), state__in=at_the_bank)
    return Card.objects.filter(~Exists(asked), removed_at__isnull=False, forgotten_at=None)


def country(currency: str) -> str:
    """The country, as two letters, of a city that uses this currency."""
    locale = City.objects.filter(currency=currency).values_list("locale", flat=True).first()
    return (locale or "")[-2:].upper()


def in_cash(holder: UUID) -> bool:
    """Whether what this holder pays is paid in cash."""
    return Payment.objects.filter(holder=holder, method=Payment.Method.CASH).exists()


def to_confirm(holder: UUID) -> Payment | None:
    """What this holder pays, while the bank wants to hear from the payer and nobody gave it up."""
    waiting = Payment.objects.filter(holder=holder, state=Payment.State.CONFIRM)
    return waiting.exclude(attempts__kind=Attempt.Kind.CANCEL).first()


def owes_cash(user_id: int) -> bool:
    """Whether a person has left cash unpaid that nobody has let go of."""
    return Payment.objects.filter(payer=user_id, state=Payment.State.UNPAID).exists()


def waits_for(reference: str, attempt: str, *, ended: bool) -> bool:
    """Whether how a payment stands with the gateway may be news to us.

    That is when a question about it has no answer, or when it has ended and we did not end it.
    """
    is_it = Q(reference=reference)
    with suppress(ValueError):
        is_it |= Q(attempts__key=UUID(attempt))
    for payment in Payment.objects.filter(is_it).distinct():
        if payment.attempts.open().exists():
            return True
        if ended and payment.state == Payment.State.AUTHORISED:
            return True
    return False


PLATFORM = "platform:fees"


def refundable(payment: Payment) -> int:
    """What is left to refund, in minor units, when every refund under way comes through.

    What was lost in a dispute is not there any more, either.
    """
    gone = payment.attempts.filter(kind__in=[Attempt.Kind.REFUND, Attempt.Kind.LOSS])
    total = gone.exclude(succeeded=False).aggregate(total=Sum("amount_minor"))["total"] or 0
    return payment.captured_minor - int(total)


def split_back(payment: Payment, amount_minor: int) -> list[tuple[str, int]]:
    """Who gives how much of a refund back, in proportion to what each still has of the capture.

    The last refund so leaves nobody with anything.  What nobody has any more, the platform gives.
    """
    has: Counter[str] = Counter()
    for attempt in payment.attempts.exclude(succeeded=False).order_by("pk"):
        for code, minor in attempt.split:
            has[code] += minor if attempt.kind == Attempt.Kind.CAPTURE else -minor
    parts = {code: minor for code, minor in has.items() if minor > 0}
    given = min(amount_minor, sum(parts.values()))
    split = Counter({PLATFORM: amount_minor - given})
    if given:
        split.update(dict(zip(parts, allocate(given, list(parts.values())), strict=True)))
    return [(code, minor) for code, minor in split.items() if minor]
