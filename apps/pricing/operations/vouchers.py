"""Vouchers: issued by officers, promised to an order, and taken as far as it needs them."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.pricing.models import Voucher, VoucherUse

CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{3,29}")


class NotUsable(Exception):
    """The voucher does not pay for this.

    Says why in a word: `unknown`, `not_yet`, `over`, `used_up`, `used_by_you`, `not_for_this`,
    `cards_only`.
    A code that nobody issued and one of another city are the same unknown.
    """


class CodeTaken(ValueError):
    """The code is no code, or another voucher has it."""


def written(code: str) -> str:
    """A code as it is kept, however a person typed it."""
    return re.sub(r"\s", "", code).upper()


@transaction.atomic
def issue_voucher(
    *, city_id: int, code: str, terms: dict[str, Any], by: Actor, at: datetime
) -> Voucher:
    """Issue a voucher.  `terms` are fields of `Voucher`.

    Raises `CodeTaken`, and `ValueError` without a reason.
    """
    code = written(code)
    if not CODE.fullmatch(code) or Voucher.objects.filter(city=city_id, code=code).exists():
        raise CodeTaken(code)
    if not str(terms.get("reason", "")).strip():
        raise ValueError("whoever gives money away says why")
    voucher = Voucher.objects.create(city_id=city_id, code=code, issued_at=at, **terms)
    bus.publish(
        "pricing.voucher_issued",
        by=by,
        at=at,
        voucher=voucher.pk,
        budget_minor=voucher.budget_minor,
        reason=voucher.reason,
    )
    return voucher


@transaction.atomic
def end_voucher(*, voucher_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Take a voucher back.  Orders that have its promise keep it.  Twice is harmless.

    Raises `ValueError` without a reason.
    """
    if not reason.strip():
        raise ValueError("an officer who steps in says why")
    if Voucher.objects.filter(pk=voucher_id, ended_at=None).update(ended_at=at):
        bus.publish("pricing.voucher_ended", by=by, at=at, voucher=voucher_id, reason=reason)


@transaction.atomic
def promise_voucher(
    *,
    code: str,
    holder: UUID,
    person_id: int,
    city_id: int,
    vertical: str,
    total_minor: int,
    currency: str,
    rest: Callable[[int], int],
    by: Actor,
    at: datetime,
) -> VoucherUse:
    """Have a voucher pay a part of an order.  Raises `NotUsable`.

    `rest` says which sum a card can pay, when so much is left for it: the least that is not below.
    Budget and number of uses are taken in one statement, so that nobody overdraws them.
    """
    voucher = (
        Voucher.objects.select_related("city").filter(city=city_id, code=written(code)).first()
    )
    if voucher is None:
        raise NotUsable("unknown")
    if voucher.valid.lower and at < voucher.valid.lower:
        raise NotUsable("not_yet")
    if voucher.ended_at or (voucher.valid.upper and at >= voucher.valid.upper):
        raise NotUsable("over")
    if voucher.vertical not in ("", vertical) or voucher.city.currency != currency:
        raise NotUsable("not_for_this")
    amount = voucher.worth(total_minor)
    if left := total_minor - amount:
        amount = total_minor - rest(left)
    if amount <= 0:
        raise NotUsable("not_for_this")
    try:
        with transaction.atomic():
            open_ones = Voucher.objects.filter(
                pk=voucher.pk,
                ended_at=None,
                used__lt=F("uses_most"),
                spent_minor__lte=F("budget_minor") - amount,
            )
            if not open_ones.update(used=F("used") + 1, spent_minor=F("spent_minor") + amount):
                raise NotUsable("used_up")
            use = VoucherUse.objects.create(
                voucher=voucher,
                person_id=person_id,
                holder=holder,
                number=_free_number(voucher, person_id),
                promised_minor=amount,
                currency=currency,
                promised_at=at,
            )
    except IntegrityError as error:
        # The same person, twice at the same moment.
        raise NotUsable("used_by_you") from error
    bus.publish(
        "pricing.voucher_promised",
        by=by,
        at=at,
        voucher=voucher.pk,
        ref=str(holder),
        amount_minor=amount,
    )
    return use


def _free_number(voucher: Voucher, person_id: int) -> int:
    uses = voucher.uses.filter(person=person_id, number__isnull=False)
    taken = set(uses.values_list("number", flat=True))
    free = next((n for n in range(1, voucher.uses_each + 1) if n not in taken), None)
    if free is None:
        raise NotUsable("used_by_you")
    return free


@transaction.atomic
def take_voucher(*, holder: UUID, needed_minor: int, by: Actor, at: datetime) -> int:
    """End the promise to an order: return how much of what it needs the voucher pays.

    What is not needed goes back to the budget; a use that paid nothing is no use.  Taken twice it
    pays once.
    """
    use = VoucherUse.objects.locked().filter(holder=holder).first()
    if use is None:
        return 0
    if use.taken_minor is not None:
        return use.taken_minor
    use.taken_minor, use.ended_at = min(needed_minor, use.promised_minor), at
    if not use.taken_minor:
        use.number = None
    use.save(update_fields=["taken_minor", "number", "ended_at"])
    back = use.promised_minor - use.taken_minor
    Voucher.objects.filter(pk=use.voucher_id).update(
        spent_minor=F("spent_minor") - back, used=F("used") - (0 if use.taken_minor else 1)
    )
    bus.publish(
        "pricing.voucher_taken",
        by=by,
        at=at,
        voucher=use.voucher_id,
        ref=str(holder),
        amount_minor=use.taken_minor,
    )
    return use.taken_minor
