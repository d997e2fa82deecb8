"""Books and a gateway's lines that agree, but for errors that are known to whoever seeded them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid5

from apps.kernel.actors import Actor
from apps.ledger import operations as ledger
from apps.ledger.operations import Posting
from apps.parties.models import Provider, User
from apps.payments.gateway import BalanceLine
from apps.payments.models import Attempt, Card, Payment, Transfer
from apps.treasury import operations

BY = Actor.system("tests")
NAMES = UUID("5f0f6dbe-6c3c-4b43-8a5c-0b3d8f0a9a11")
KINDS = ("NOT_AT_GATEWAY", "NOT_BOOKED", "AMOUNT", "FEE", "CURRENCY", "DUPLICATE", "LATE")
BATCH = 2000


@dataclass
class World:
    """What was seeded: `errors` are the differences that there are, by kind and subject."""

    lines: list[BalanceLine]
    postings: list[Posting]
    errors: set[tuple[str, str]]


def sow(*, people, count: int, errors: int, at: datetime, seed: int = 1) -> World:
    """Fill the books and keep the lines.  `people`: a payer, their card and a provider."""
    payer, card, provider = people
    dice = Random(seed)
    began = at - timedelta(days=10)
    step = count // errors
    # One error in each stretch; fees and doubles are those of captures.
    wrong: dict[int, str] = {}
    for number in range(errors):
        kind = KINDS[number % len(KINDS)]
        at_most = 7 if kind in ("FEE", "DUPLICATE") else 10
        place = number * step // 10 * 10 + dice.randrange(at_most)
        wrong[place] = kind
    world = World([], [], set())
    payments: list[Payment] = []
    refunds: list[tuple[int, UUID, int]] = []
    transfers: list[Transfer] = []
    for n in range(count):
        moment = began + timedelta(seconds=n)
        amount = 1_000 + n % 9_000
        holder = uuid5(NAMES, f"{seed}:{n}")
        if n % 10 < 7:
            payments.append(_payment(n, holder, amount, payer, card, moment))
            posting = _capture(holder, amount, provider)
            line = _line(n, "charge", amount, f"ch_{n}", f"pi_{n}", moment)
        elif n % 10 < 9:
            # Part of the capture before, on the same payment.
            refunds.append((len(payments) - 1, holder, amount))
            posting = _refund(holder, amount, provider)
            line = _line(n, "refund", -amount, f"re_{n}", f"pi_x{n}", moment)
        else:
            transfers.append(_transfer(n, holder, amount, provider, moment))
            posting = _sent(holder, amount)
            line = _line(n, "transfer", -amount, f"tr_{n}", "", moment)
        _spoil(world, wrong.get(n), n, posting, line)
    _write(world, payments, refunds, transfers, began)
    return world


def _spoil(world: World, kind: str | None, n: int, posting: Posting, line: BalanceLine) -> None:
    lines = [line]
    if kind == "NOT_AT_GATEWAY":
        lines = []
        world.errors.add((kind, f"journal:{posting.key}"))
    elif kind == "NOT_BOOKED":
        extra = replace(line, reference=f"txn_x{n}", source=f"xx_{n}", parent=f"yy_{n}")
        lines.append(extra)
    elif kind == "AMOUNT":
        lines = [replace(line, amount_minor=line.amount_minor + 5, net_minor=line.net_minor + 5)]
    elif kind == "CURRENCY":
        lines = [replace(line, currency="USD")]
    elif kind == "DUPLICATE":
        # Later, and of a lower number: the first in time is the right one.
        later = line.created_at + timedelta(minutes=9)
        again = replace(line, reference=f"txn_0{n}", created_at=later)
        lines.append(again)
    elif kind == "LATE":
        lines = [replace(line, created_at=line.created_at + timedelta(days=4))]
    world.lines += lines
    world.postings.append(posting)
    for one in lines:
        if not one.fee_minor:
            continue
        fee = one.fee_minor + (7 if kind == "FEE" else 0)
        world.postings.append(
            Posting(
                f"gateway-fee:{one.reference}",
                "gateway_fee",
                None,
                [("gateway:fees", fee), ("clearing:cards", -fee)],
                one.currency,
            )
        )
    if lines and kind:
        world.errors.add((kind, f"line:{lines[-1].reference}"))


def _write(world, payments, refunds, transfers, began) -> None:
    Payment.objects.bulk_create(payments, batch_size=BATCH)
    Transfer.objects.bulk_create(transfers, batch_size=BATCH)
    Attempt.objects.bulk_create(
        [
            Attempt(
                kind="REFUND", payment=payments[place], key=key, amount_minor=amount,
                noted_at=began, asked_at=began, answered_at=began, succeeded=True,
                reference=f"re_{number}",
            )
            for (place, key, amount), number in zip(refunds, _numbers(len(refunds)), strict=True)
        ],
        batch_size=BATCH,
    )  # fmt: skip
    for first in range(0, len(world.postings), BATCH):
        ledger.post_many(world.postings[first : first + BATCH], by=BY, at=began)
    for first in range(0, len(world.lines), BATCH):
        operations.keep_lines(lines=world.lines[first : first + BATCH], by=BY, at=began)


def _numbers(count: int) -> list[int]:
    """The places of refunds: the eighth and ninth of each ten."""
    return [10 * (n // 2) + 7 + n % 2 for n in range(count)]


def _payment(
    n: int, holder: UUID, amount: int, payer: User, card: Card, moment: datetime
) -> Payment:
    return Payment(
        holder=holder, payer=payer, card=card, amount_minor=amount, captured_minor=amount,
        currency="CLP", state="CAPTURED", reference=f"pi_{n}", opened_at=moment,
    )  # fmt: skip


def _transfer(n: int, holder: UUID, amount: int, provider: Provider, moment: datetime) -> Transfer:
    return Transfer(
        holder=holder, provider=provider, amount_minor=amount, currency="CLP", state="SENT",
        reference=f"tr_{n}", opened_at=moment,
    )  # fmt: skip


def _capture(holder: UUID, amount: int, provider: Provider) -> Posting:
    lines = [
        ("clearing:cards", amount),
        (f"provider:{provider.pk}:payable", 100 - amount),
        ("platform:fees", -100),
    ]
    return Posting(f"capture:{holder}", "capture", None, lines, "CLP")


def _refund(key: UUID, amount: int, provider: Provider) -> Posting:
    lines = [(f"provider:{provider.pk}:payable", amount), ("clearing:cards", -amount)]
    return Posting(f"refund:{key}", "refund", None, lines, "CLP")


def _sent(holder: UUID, amount: int) -> Posting:
    lines = [("payouts:in-transit", amount), ("bank:payouts", -amount)]
    return Posting(f"transfer:{holder}", "transfer", None, lines, "CLP")


def _line(
    n: int, kind: str, amount: int, source: str, parent: str, moment: datetime
) -> BalanceLine:
    fee = amount * 29 // 1000 if kind == "charge" else 0
    return BalanceLine(
        reference=f"txn_{n}", kind=kind, amount_minor=amount, fee_minor=fee,
        net_minor=amount - fee, currency="CLP", source=source, parent=parent,
        created_at=moment, available_on=moment, payload={},
    )  # fmt: skip
