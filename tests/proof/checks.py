"""What has to hold of a city after whatever befell it.

Each check takes plain facts and returns the faults that it found, in words.  They are tried on
broken facts in `test_checks.py`: a check that cannot fail proves nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from apps.orders.verticals import PAYING, OutOfTurn, Vertical

type Row = Sequence[Any]


def overlaps(runs: Iterable[Row]) -> list[str]:
    """Workers who were under way twice at one moment.  Rows: worker, from, until (None: still)."""
    of: dict[int, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    for worker, began, ended in runs:
        of[worker].append((began, ended))
    faults = []
    for worker, rounds in of.items():
        rounds.sort(key=lambda one: one[0])
        for (_, ended), (began, _) in zip(rounds, rounds[1:], strict=False):
            if ended is None or began < ended:
                faults.append(f"worker {worker} set out at {began} before {ended}")
    return faults


def unfinished(orders: Iterable[Row]) -> list[str]:
    """Orders that have not come to an end.  Rows: ref, state, stage."""
    ends = {"COMPLETED": {"done"}, "CANCELLED": {"cancelled", "refused", "unserved"}}
    return [
        f"order {ref} is {state}, {stage}"
        for ref, state, stage in orders
        if stage not in ends.get(state, set())
    ]


def illegal_steps(steps: Iterable[Row], vertical: Vertical) -> list[str]:
    """Steps that their vertical does not know from there.

    Rows, the oldest first: order, name, stage after it.
    """
    stands: dict[Any, str] = {}
    faults = []
    for order, name, stage in steps:
        before = stands.get(order, PAYING)
        stands[order] = stage
        try:
            known = vertical.step(name)
        except OutOfTurn:
            faults.append(f"order {order}: {name} is no step")
            continue
        if before not in known.sources or stage != known.stage:
            faults.append(f"order {order}: {name} from {before} to {stage}")
    return faults


def lost(acknowledged: Iterable[tuple[str, ...]], kept: Iterable[tuple[str, ...]]) -> list[str]:
    """What the city said yes to and no longer knows."""
    there = set(kept)
    return [f"lost: {' '.join(one)}" for one in dict.fromkeys(acknowledged) if one not in there]


def crooked(entries: Iterable[Row]) -> list[str]:
    """Journals that do not come to nothing.  Rows: journal, currency, minor units."""
    sums: Counter[tuple[Any, str]] = Counter()
    for journal, currency, minor in entries:
        sums[journal, currency] += minor
    return [
        f"journal {journal} is off by {minor} {currency}"
        for (journal, currency), minor in sums.items()
        if minor
    ]


def more_than_promised(payments: Iterable[Row]) -> list[str]:
    """Rows: holder, promised, captured, refunded."""
    return [
        f"payment {holder}: {refunded} of {captured} of {promised}"
        for holder, promised, captured, refunded in payments
        if not 0 <= refunded <= captured <= promised
    ]


def money_adrift(accounts: Mapping[str, int], bank: Mapping[str, int]) -> list[str]:
    """Where our books and the bank's differ, or a peso that was taken went nowhere.

    `accounts` are the balances of the ledger, debits positive; `bank` says what the bank itself
    has `captured`, `refunded` and `paid_out`.  What the treasury has booked of the bank's lines so
    far, its fees and that a payout left, may be some of it or all.
    """

    def held(ends: str) -> int:
        """What stands to the credit of the accounts whose name ends so."""
        return -sum(minor for code, minor in accounts.items() if code.endswith(ends))

    known = {"captured", "refunded", "paid_out"}
    faults = [f"{minor} moved as {what}" for what, minor in bank.items() if what not in known]
    taken = bank["captured"] - bank["refunded"]
    kept = {
        "paid out": bank["paid_out"],
        "owed to providers": held(":payable"),
        "fees": held(":fees") + accounts.get("gateway:fees", 0),
        "taxes": held(":vat"),
        "fees for permits": held(":permit-fees"),
    }
    names = ("clearing:cards", "bank:payouts", "gateway:fees")
    left = -accounts.get("bank:payouts", 0)
    if not 0 <= left <= bank["paid_out"]:
        faults.append(f"paid out: {left}, and it should be {bank['paid_out']} at most")
    pairs = {
        "cards": (sum(accounts.get(name, 0) for name in names), taken - bank["paid_out"]),
        "on its way out": (accounts.get("payouts:in-transit", 0), 0),
        "captured, less refunds": (taken, sum(kept.values())),
    }
    for what, (ours, theirs) in pairs.items():
        if ours != theirs:
            faults.append(f"{what}: {ours}, and it should be {theirs} ({kept})")
    known = {"clearing:cards", "bank:payouts", "payouts:in-transit"}
    ends = (":payable", ":fees", ":vat", ":permit-fees")
    for code, minor in accounts.items():
        if minor and code not in known and not code.endswith(ends):
            faults.append(f"{minor} on {code}, which nobody has heard of")
    return faults


def different(what: str, ours: Mapping[str, int], theirs: Mapping[str, int]) -> list[str]:
    """What is not the same in both, key by key: nothing is there for one of them only."""
    return [
        f"{what} {key}: {ours.get(key)} here, {theirs.get(key)} at the bank"
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
    ]


def fee_due(steps: Sequence[Row], fee: int, free_for: timedelta) -> int:
    """What calling off costs, by the steps of one ride alone.  Rows, the oldest first: name, when.

    Nothing before a driver said yes and for some time after; a rider who does not come pays.
    """
    assigned: datetime | None = None
    for name, at in steps:
        match name:
            case "assign":
                assigned = at
            case "give_back":
                assigned = None
            case "no_show":
                return fee
            case "cancel" if assigned and at >= assigned + free_for:
                return fee
    return 0


def wrongly_charged(orders: Iterable[Row]) -> list[str]:
    """Orders whose end and whose money do not go together.

    Rows: ref, stage, price, fee due, charged, state of the payment, captured, whether the city
    took back what it had counted.
    """
    faults = []
    for ref, stage, price, fee, charged, state, captured, is_uncounted in orders:
        due = {"done": price, "cancelled": fee}.get(stage, 0)
        if (charged or 0, captured) != (due, due):
            faults.append(f"order {ref}, {stage}: {charged} charged, {captured} taken, {due} due")
        # Called off while the bank was still thinking: it may have said no.
        ends = {"CAPTURED"} if due else {"REFUSED"} if stage == "refused" else VOID
        if state not in ends:
            faults.append(f"order {ref}, {stage}: its payment is {state}")
        if is_uncounted != (stage != "done"):
            faults.append(f"order {ref}, {stage}: the city {'un' * is_uncounted}counted it")
    return faults


VOID = {"CANCELLED", "REFUSED"}
AT_THE_BANK = {
    "CAPTURED": "succeeded",
    "CANCELLED": "canceled",
    "REFUSED": "requires_payment_method",
}


def broken_promises(payments: Iterable[Row], bank: Mapping[str, str]) -> list[str]:
    """Promises that stand otherwise with us than at the bank, or that only one of us knows.

    Rows: the bank's reference, our state.  What was called off before anybody asked has none.
    """
    ours = {reference: AT_THE_BANK.get(state, state) for reference, state in payments if reference}
    unasked = [state for reference, state in payments if not reference and state != "CANCELLED"]
    faults = [f"a payment is {state}, and the bank was never asked" for state in unasked]
    return faults + [
        f"promise {one}: {ours.get(one)} here, {bank.get(one)} at the bank"
        for one in sorted(ours.keys() | bank.keys())
        if ours.get(one) != bank.get(one)
    ]


def not_given_back(said: Iterable[tuple[str, str]], refunds: Iterable[Row]) -> list[str]:
    """Refunds that an officer was told of and that did not happen, or happened otherwise.

    Said: key, amount.  Rows: key, amount, whether the bank did it.
    """
    done = [(key, str(minor)) for key, minor, is_done in refunds if is_done]
    faults = [f"refund {' of '.join(one)} was promised" for one in said if one not in done]
    return faults + [
        f"refund {' of '.join(one)} happened {n} times, told {told[one]} times"
        for told in [Counter(said)]
        for one, n in Counter(done).items()
        if n != 1 or not told[one]
    ]


def broken_answers(answers: Mapping[str, int]) -> list[str]:
    """What nobody may be told, whoever dies: that we made a mistake.  "Later" may be said."""
    return [
        f"people heard {code} {n} times"
        for code, n in answers.items()
        if code == "our_fault" or code.endswith("http_500") or code.startswith("stumbled_")
    ]


def badly_delivered(events: Iterable[int], deliveries: Iterable[Row]) -> list[str]:
    """Rows: event, subscriber, whether done, whether given up.  Each is done, and there once."""
    faults = []
    turns: Counter[tuple[int, str]] = Counter()
    for event, subscriber, is_done, is_dead in deliveries:
        turns[event, subscriber] += 1
        if is_dead or not is_done:
            faults.append(f"{subscriber} has not heard of {event}" + ", given up" * is_dead)
    faults += [
        f"{subscriber} heard of {event} {n} times"
        for (event, subscriber), n in turns.items()
        if n > 1
    ]
    heard = {event for event, _ in turns}
    return faults + [f"nobody has heard of {event}" for event in events if event not in heard]


def not_once(what: str, expected: Iterable[int], found: Iterable[int]) -> list[str]:
    """Numbers that are not there exactly once, and those that have no business there."""
    wanted, there = set(expected), Counter(found)
    faults = [f"{what}: {one} is missing" for one in sorted(wanted - there.keys())]
    faults += [f"{what}: {one} is there {n} times" for one, n in sorted(there.items()) if n > 1]
    return faults + [f"{what}: {one} never happened" for one in sorted(there.keys() - wanted)]
