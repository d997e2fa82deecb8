"""What the city does with money, step by step, as a person, a worker or the night would ask it.

Every step may be asked again: whoever died before they heard the answer does so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from apps.kernel import clock
from apps.kernel.money import Money
from apps.payments import operations, tasks
from apps.payments.models import Attempt, Payment, Transfer
from apps.settlement import operations as settlement
from apps.settlement.models import Payout
from tests.factories import CITY
from tests.payments.city import FARE, relay

BACK = 450  # of each fare that is refunded


@dataclass(frozen=True)
class Life:
    """One order's money, told by numbers alone, so that another process may go on with it."""

    holder: UUID
    payer: int
    card: int
    provider: int
    refund: UUID
    day: date = date(2026, 1, 1)

    @property
    def split(self) -> list[tuple[str, int]]:
        return [
            (f"provider:{self.provider}:payable", 2208),
            ("platform:fees", 77),
            ("tax:la-serena:vat", 15),
            ("city:la-serena:fees", 150),
        ]


def authorise(life: Life) -> None:
    operations.open(
        holder=life.holder,
        payer_id=life.payer,
        card_id=life.card,
        amount=Money(FARE, "CLP"),
        by=CITY,
        at=clock.now(),
    )
    relay()


def capture(life: Life) -> None:
    operations.capture(
        holder=life.holder,
        amount_minor=FARE,
        split=life.split,
        about=life.holder,
        by=CITY,
        at=clock.now(),
    )
    relay()


def cancel(life: Life) -> None:
    operations.cancel(holder=life.holder, by=CITY, at=clock.now())
    relay()


def refund(life: Life) -> None:
    operations.refund(
        holder=life.holder,
        amount_minor=BACK,
        split=[(f"provider:{life.provider}:payable", BACK)],
        about=life.holder,
        key=life.refund,
        by=CITY,
        at=clock.now(),
    )
    relay()


def pay_out(life: Life) -> None:
    settlement.settle(
        provider_id=life.provider, currency="CLP", day=life.day, by=CITY, at=clock.now()
    )
    relay()


def _stands(state: Payment.State) -> Callable[[Life], bool]:
    return lambda life: Payment.objects.filter(holder=life.holder, state=state).exists()


def _is_back(life: Life) -> bool:
    return Payment.objects.filter(holder=life.holder, refunded_minor=BACK).exists()


def _is_out(life: Life) -> bool:
    there = Payout.objects.filter(provider=life.provider, day=life.day, state=Payout.State.PAID)
    refs = there.values("ref")
    return Transfer.objects.filter(holder__in=refs, state=Transfer.State.SENT).exists()


@dataclass(frozen=True)
class Step:
    name: str
    do: Callable[[Life], None]
    is_done: Callable[[Life], bool]
    before: tuple[Callable[[Life], None], ...] = ()


STEPS = {
    step.name: step
    for step in (
        Step("authorise", authorise, _stands(Payment.State.AUTHORISED)),
        Step("capture", capture, _stands(Payment.State.CAPTURED), (authorise,)),
        Step("cancel", cancel, _stands(Payment.State.CANCELLED), (authorise,)),
        Step("refund", refund, _is_back, (authorise, capture)),
        Step("pay out", pay_out, _is_out, (authorise, capture)),
    )
}


def sweep() -> None:
    """What the schedule does every few seconds, when the attempts are due."""
    Attempt.objects.filter(answered_at=None).update(due_at=clock.now() - timedelta(seconds=1))
    tasks.ask_again_unanswered()
    relay()
