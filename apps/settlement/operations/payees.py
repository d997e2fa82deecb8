"""Cities, tax authorities and the platform are paid like everybody: by the night, with statements.

Each of their accounts has payouts of its own.  What the city owes for subsidies is taken from its
fees first, as far as they reach; what is left stays on the account, where officers see it.
"""

import logging
import re
from datetime import date, datetime
from uuid import uuid4

from django.db import transaction

from apps.audit import operations as audit
from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.ledger import operations as ledger
from apps.ledger import queries as books
from apps.ledger.models import Account, Journal
from apps.places.models import City
from apps.settlement import plans, queries
from apps.settlement.models import Payee, Payout
from apps.settlement.operations.booking import (
    FEES,
    SETTLEMENT,
    Kind,
    NotPossible,
    State,
    lock,
    pay,
    tell,
)

# Letters and digits, in groups or not; an IBAN also has to pass its own check.
BANK_ACCOUNT = re.compile(r"[A-Z0-9](?:[ -]?[A-Z0-9]){5,33}")

logger = logging.getLogger(__name__)


class FourEyes(Exception):
    """Whoever proposed where money goes does not approve it, too."""


class NotABankAccount(ValueError):
    """Nobody's bank writes an account's number like this."""


def checked(bank_account: str) -> str:
    """A bank account's number as it is kept.  Raises `NotABankAccount`.

    Two letters and two digits begin an IBAN, whose check digits are ISO 7064's mod 97-10.
    """
    told = bank_account.strip().upper()
    if not BANK_ACCOUNT.fullmatch(told):
        raise NotABankAccount(bank_account)
    plain = re.sub(r"[ -]", "", told)
    if re.match(r"[A-Z]{2}\d{2}", plain):
        number = "".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])
        if len(plain) < 15 or int(number) % 97 != 1:
            raise NotABankAccount(bank_account)
    return plain


def ensure_payees(city: City) -> list[Payee]:
    """Who is paid in a city besides its providers; the first city's currency pays the platform."""
    wanted = {
        f"city:{city.slug}:": f"{city.name}",
        f"tax:{city.slug}:": f"{city.name}, taxes",
    }
    first = City.objects.filter(currency=city.currency).order_by("pk").first()
    if first is not None and first.pk == city.pk:
        wanted[FEES] = "The platform"
    for prefix, name in wanted.items():
        Payee.objects.get_or_create(city=city, prefix=prefix, defaults={"name": name})
    return list(Payee.objects.filter(city=city).select_related("city").order_by("pk"))


def settle_payees(*, city: City, day: date, at: datetime) -> tuple[list[Payout], bool]:
    """Pay a city's payees whose turn it is; the second value says that there was no trouble."""
    made: list[Payout] = []
    went_well = True
    for payee in ensure_payees(city):
        if not payee.reference or not plans.is_payees_turn(payee, day):
            continue
        try:
            made += settle_payee(payee_id=payee.pk, day=day, by=SETTLEMENT, at=at)
        except audit.NotSealed:
            raise
        except Exception:
            logger.exception("payee %s could not be settled with", payee.pk)
            went_well = False
    return made, went_well


@transaction.atomic
def settle_payee(*, payee_id: int, day: date, by: Actor, at: datetime) -> list[Payout]:
    """Pay a payee what stands on each of their accounts.  Once a day and account.

    Raises `audit.NotSealed`.
    """
    audit.require_sealed(at=at)
    payee = Payee.objects.locked().select_related("city").get(pk=payee_id)
    codes = queries.accounts_of(payee)
    currency = payee.city.currency
    accounts = [account for code in codes if (account := lock(code, currency))]
    _net_subsidies(payee, accounts, day, by, at)
    made = []
    for account in accounts:
        nightly = Payout.objects.filter(account=account.code, currency=currency, kind=Kind.NIGHTLY)
        if before := nightly.filter(day=day).first():
            made.append(before)
            continue
        after = queries.last_entry(account.code, currency)
        due = -books.balance(account.code, currency, after=after).minor
        if due > 0:
            payout = Payout(
                ref=uuid4(),
                payee=payee,
                account=account.code,
                amount_minor=due,
                currency=currency,
                day=day,
                after_entry=after,
                settled_at=at,
            )
            made.append(pay(payout, account, by, at))
    payee.settled_on = day
    payee.save(update_fields=["settled_on"])
    return made


def _net_subsidies(
    payee: Payee, accounts: list[Account], day: date, by: Actor, at: datetime
) -> None:
    """Take what the city owes for subsidies from what it is owed in fees, as far as that goes."""
    codes = {name: f"city:{payee.city.slug}:{name}" for name in ("fees", "subsidies")}
    if not set(codes.values()) <= {account.code for account in accounts}:
        return
    currency = payee.city.currency
    owed = books.balance(codes["subsidies"], currency).minor
    part = min(owed, -books.balance(codes["fees"], currency).minor)
    if part > 0:
        # A night that had trouble comes back an hour later, and more may be owed by then.  The
        # payee is locked: nobody else counts.
        key = f"subsidy-netted:{payee.pk}:{day}"
        turn = Journal.objects.filter(key__startswith=key).count()
        ledger.post(
            key=f"{key}:{turn}" if turn else key,
            kind="subsidy_netted",
            about=None,
            lines=[(codes["fees"], part), (codes["subsidies"], -part)],
            currency=currency,
            by=by,
            at=at,
        )


@transaction.atomic
def set_payee(
    *,
    payee_id: int,
    bank_account: str,
    schedule: Payee.Schedule,
    reason: str,
    by: Actor,
    at: datetime,
) -> Payee:
    """Say when a payee is paid, and propose to which bank account: another officer approves it.

    Until then the account before it stays.  Raises `NotABankAccount`, and `ValueError` without a
    reason.
    """
    if not reason.strip():
        raise ValueError("an officer who steps in says why")
    number = checked(bank_account)
    payee = Payee.objects.locked().get(pk=payee_id)
    payee.schedule = Payee.Schedule(schedule)
    if number == payee.bank_account:
        payee.proposed_account = ""
    else:
        payee.proposed_account, payee.proposed_by, payee.approved_by = number, str(by), ""
    payee.save(update_fields=["schedule", "proposed_account", "proposed_by", "approved_by"])
    bus.publish(
        "settlement.payee_set",
        by=by,
        at=at,
        payee=payee.pk,
        ends=number[-4:],
        schedule=payee.schedule,
        reason=reason[:200],
    )
    return payee


@transaction.atomic
def approve_payee(*, payee_id: int, account: str, reason: str, by: Actor, at: datetime) -> Payee:
    """Agree to the bank account that another officer proposed: `account` is what was looked at.

    It is another account with the gateway, which the night opens.  Raises `FourEyes` for whoever
    proposed it, `NotPossible` when nothing, or something else, is proposed now, `NotABankAccount`,
    and `ValueError` without a reason.
    """
    if not reason.strip():
        raise ValueError("an officer who steps in says why")
    payee = Payee.objects.locked().get(pk=payee_id)
    if not payee.proposed_account or payee.proposed_account != checked(account):
        raise NotPossible("nothing is proposed, or something else")
    if payee.proposed_by == str(by):
        raise FourEyes(payee.proposed_by)
    payee.bank_account, payee.proposed_account = payee.proposed_account, ""
    payee.approved_by, payee.reference = str(by), ""
    payee.save(update_fields=["bank_account", "proposed_account", "approved_by", "reference"])
    bus.publish(
        "settlement.payee_approved",
        by=by,
        at=at,
        payee=payee.pk,
        ends=payee.bank_account[-4:],
        reason=reason[:200],
    )
    return payee


@transaction.atomic
def keep_reference(
    *, payee_id: int, bank_account: str, reference: str, by: Actor, at: datetime
) -> None:
    """Keep the gateway's account that was opened for a bank account, if that is still the one.

    What was due and waited for it is told, and leaves.
    """
    theirs = Payee.objects.filter(pk=payee_id, bank_account=bank_account, reference="")
    if theirs.update(reference=reference):
        for payout in Payout.objects.filter(payee=payee_id, state=State.DUE).order_by("pk"):
            tell("released", payout, by, at)


def key_of(payee: Payee) -> str:
    """The key under which the gateway opens a payee's account: one for each bank account."""
    return f"payee-{payee.pk}-{payee.bank_account}"
