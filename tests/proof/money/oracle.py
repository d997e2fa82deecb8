"""What has to hold of the money, in the books and at the gateway, whatever went wrong.

Each check takes plain facts and returns the faults that it found, in words; `test_oracle.py` tries
them on facts that are broken.  Nothing here calls what books or asks.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CLEARING, IN_TRANSIT, BANK = "clearing:cards", "payouts:in-transit", "bank:payouts"
# What the gateway keeps, and what banks took back: places where taken money may stand as well.
APART = ("gateway:fees", "disputes:open")

type Key = tuple[str, str]  # an account's code and its currency


@dataclass(frozen=True)
class Line:
    """One entry, in the order in which the database numbered them."""

    journal: str
    kind: str
    code: str
    currency: str
    minor: int


@dataclass(frozen=True)
class Paid:
    """A payment by card as the city has it."""

    holder: str
    reference: str
    state: str
    amount: int
    captured: int
    refunded: int


@dataclass
class Facts:
    lines: list[Line] = field(default_factory=list)
    journals: list[str] = field(default_factory=list)  # their keys
    limits: dict[Key, tuple[int | None, int | None]] = field(default_factory=dict)
    balances: dict[Key, int] = field(default_factory=dict)  # as the product tells them
    payments: list[Paid] = field(default_factory=list)
    refunds: dict[str, tuple[str, int]] = field(default_factory=dict)  # key: holder, minor
    transfers: dict[str, tuple[str, int]] = field(default_factory=dict)  # holder: reference, minor
    on_their_way: int = 0  # payouts that left the provider's account and have not arrived
    # At the gateway.
    charged: list[tuple[str, str, int]] = field(default_factory=list)  # holder, intent, minor
    promises: dict[str, str] = field(default_factory=dict)  # intent: how it stands
    given_back: list[tuple[str, str, int]] = field(default_factory=list)  # key, intent, minor
    sent: list[tuple[str, str, int]] = field(default_factory=list)  # holder, transfer, minor


def sums(facts: Facts) -> list[str]:
    """(a) and (b): every currency comes to nothing, and so does every journal."""
    whole: Counter[str] = Counter()
    each: Counter[tuple[str, str]] = Counter()
    for line in facts.lines:
        whole[line.currency] += line.minor
        each[line.journal, line.currency] += line.minor
    return [
        *(
            f"{minor} {currency} too much in the books"
            for currency, minor in whole.items()
            if minor
        ),
        *(f"journal {key} is off by {minor} {cur}" for (key, cur), minor in each.items() if minor),
    ]


def balances(facts: Facts) -> list[str]:
    """(c): what the product says stands there is what the entries sum to."""
    derived: Counter[Key] = Counter()
    for line in facts.lines:
        derived[line.code, line.currency] += line.minor
    return [
        f"{code} {currency} holds {derived[code, currency]}, and is said to hold {told}"
        for (code, currency), told in sorted(facts.balances.items())
        if told != derived[code, currency]
    ]


def floors(facts: Facts) -> list[str]:
    """(d): no account with limits was ever beyond them, after any of its entries."""
    stands: Counter[Key] = Counter()
    faults = []
    for line in facts.lines:
        key = (line.code, line.currency)
        stands[key] += line.minor
        least, most = facts.limits.get(key, (None, None))
        if (least is not None and stands[key] < least) or (most is not None and stands[key] > most):
            faults.append(f"{line.code} stood at {stands[key]} with {line.journal}")
    return faults


def once(facts: Facts) -> list[str]:
    """(e): what happened is booked once each, and what is booked of its kind happened."""
    expected = {f"capture:{one.holder}" for one in facts.payments if one.state == "CAPTURED"}
    expected |= {f"refund:{key}" for key in facts.refunds}
    expected |= {f"transfer:{holder}" for holder in facts.transfers}
    there = Counter(facts.journals)
    ours = {key for key in there if key.startswith(("capture:", "refund:", "transfer:"))}
    return [
        *(f"{key} is booked {n} times" for key, n in there.items() if n > 1),
        *(f"{key} happened and is not booked" for key in sorted(expected - there.keys())),
        *(f"{key} is booked and did not happen" for key in sorted(ours - expected)),
    ]


def orders(facts: Facts) -> list[str]:
    """(f): what was taken of each payer, less what went back, is what all the others have of it."""
    of: defaultdict[str, Counter[str]] = defaultdict(Counter)
    holders = {f"refund:{key}": holder for key, (holder, _) in facts.refunds.items()}
    holders |= {f"capture:{one.holder}": one.holder for one in facts.payments}
    for line in facts.lines:
        if holder := holders.get(line.journal):
            side = "cards" if line.code in (CLEARING, *APART) else "parts"
            of[holder][side] += line.minor
            if line.code in APART:
                of[holder]["apart"] += line.minor
    faults = []
    for one in facts.payments:
        kept, apart = one.captured - one.refunded, of[one.holder]["apart"]
        if not 0 <= one.refunded <= one.captured <= one.amount:
            faults.append(f"{one.holder}: {one.refunded} of {one.captured} of {one.amount}")
        if (of[one.holder]["cards"], -of[one.holder]["parts"]) != (kept, kept):
            faults.append(f"{one.holder}: {kept} was taken, {dict(of[one.holder])} is booked")
        if not 0 <= apart <= kept:
            faults.append(f"{one.holder}: {apart} of {kept} stands apart")
    return faults


def gateway(facts: Facts) -> list[str]:
    """(g): every object at the gateway is one journal of ours, with the same amount; and back."""
    taken = {f"capture:{one.holder}": (one.reference, one.captured) for one in facts.payments}
    ours = {key: it for key, it in taken.items() if it[1]}
    intents = {one.holder: one.reference for one in facts.payments}
    ours |= {
        f"refund:{key}": (intents.get(holder, ""), minor)
        for key, (holder, minor) in facts.refunds.items()
    }
    ours |= {f"transfer:{holder}": it for holder, it in facts.transfers.items()}
    theirs = [(f"capture:{holder}", intent, minor) for holder, intent, minor in facts.charged]
    theirs += [(f"refund:{key}", intent, minor) for key, intent, minor in facts.given_back]
    theirs += [(f"transfer:{holder}", name, minor) for holder, name, minor in facts.sent]
    times = Counter(key for key, _, _ in theirs)
    there = {key: (name, minor) for key, name, minor in theirs}
    return [
        *(f"{key} happened {n} times at the gateway" for key, n in times.items() if n > 1),
        *(
            f"{key}: {ours.get(key)} here, {there.get(key)} at the gateway"
            for key in sorted(ours.keys() | there.keys())
            if ours.get(key) != there.get(key)
        ),
        *hanging(facts),
    ]


def hanging(facts: Facts) -> list[str]:
    """Promises that block somebody's money, though the city does not wait for them."""
    states = {one.reference: one.state for one in facts.payments if one.reference}
    return [
        f"promise {intent} hangs, and its payment is {states.get(intent, 'not there')}"
        for intent, state in facts.promises.items()
        if state == "requires_capture" and states.get(intent) != "AUTHORISED"
    ]


def clearing(facts: Facts) -> list[str]:
    """(g): the accounts that money only passes through hold what the gateway explains."""
    stands: Counter[str] = Counter()
    for line in facts.lines:
        stands[line.code] += line.minor
    taken = sum(minor for _, _, minor in facts.charged)
    back = sum(minor for _, _, minor in facts.given_back)
    out = sum(minor for _, _, minor in facts.sent)
    pairs = {
        CLEARING: (stands[CLEARING] + sum(stands[code] for code in APART), taken - back),
        BANK: (-stands[BANK], out),
        IN_TRANSIT: (-stands[IN_TRANSIT], facts.on_their_way),
    }
    return [f"{what}: {a}, explained are {b}" for what, (a, b) in pairs.items() if a != b]


CHECKS = (sums, balances, floors, once, orders, gateway, clearing)


def faults_of(facts: Facts) -> list[str]:
    return [fault for check in CHECKS for fault in check(facts)]


def adrift(facts: Facts) -> int:
    """Minor units that were lost or doubled between the gateway, the payments and the books."""
    taken = Counter({holder: 0 for holder, _, _ in facts.charged})
    intents = {intent: holder for holder, intent, _ in facts.charged}
    for holder, _, minor in facts.charged:
        taken[holder] += minor
    for _, intent, minor in facts.given_back:
        taken[intents.get(intent, intent)] -= minor
    kept = Counter({one.holder: one.captured - one.refunded for one in facts.payments})
    return _apart(taken, kept)


def _apart(one: Mapping[str, int], other: Mapping[str, int]) -> int:
    keys: Iterable[str] = one.keys() | other.keys()
    return sum(abs(one.get(key, 0) - other.get(key, 0)) for key in keys)
