"""The oracle on facts that are right, and on facts that are broken in one place each."""

from dataclasses import replace

import pytest

from tests.proof.money import oracle
from tests.proof.money.oracle import Facts, Line, Paid


def right() -> Facts:
    """One fare of 2,450, of which 450 went back, and what its provider had left is paid out."""
    lines = [
        ("capture:a", "capture", "clearing:cards", 2450),
        ("capture:a", "capture", "provider:1:payable", -2300),
        ("capture:a", "capture", "platform:fees", -150),
        ("refund:k", "refund", "provider:1:payable", 450),
        ("refund:k", "refund", "clearing:cards", -450),
        ("payout:p", "payout", "provider:1:payable", 1850),
        ("payout:p", "payout", "payouts:in-transit", -1850),
        ("transfer:p", "transfer", "payouts:in-transit", 1850),
        ("transfer:p", "transfer", "bank:payouts", -1850),
    ]
    return Facts(
        lines=[Line(key, kind, code, "CLP", minor) for key, kind, code, minor in lines],
        journals=["capture:a", "refund:k", "payout:p", "transfer:p"],
        limits={("clearing:cards", "CLP"): (0, 5000)},
        balances={("provider:1:payable", "CLP"): 0, ("clearing:cards", "CLP"): 2000},
        payments=[Paid("a", "pi_1", "CAPTURED", 2450, 2450, 450)],
        refunds={"k": ("a", 450)},
        transfers={"p": ("tr_1", 1850)},
        charged=[("a", "pi_1", 2450)],
        promises={"pi_1": "succeeded"},
        given_back=[("k", "pi_1", 450)],
        sent=[("p", "tr_1", 1850)],
    )


def test_what_is_right_is_found_right():
    assert oracle.faults_of(right()) == []
    assert oracle.adrift(right()) == 0


def line(key, code, minor, kind="capture"):
    return Line(key, kind, code, "CLP", minor)


BROKEN = {
    "a journal off by one": (oracle.sums, lambda f: f.lines.append(line("capture:a", "x", 1))),
    "an entry that vanished": (oracle.sums, lambda f: f.lines.pop()),
    "a balance that drifted": (
        oracle.balances,
        lambda f: f.balances.update({("clearing:cards", "CLP"): 2001}),
    ),
    "a balance that never was": (oracle.balances, lambda f: f.balances.update({("y", "CLP"): 1})),
    "a ceiling crossed and come back from": (
        oracle.floors,
        lambda f: f.limits.update({("clearing:cards", "CLP"): (0, 2449)}),
    ),
    "a floor crossed at a prefix": (
        oracle.floors,
        lambda f: f.limits.update({("provider:1:payable", "CLP"): (-2299, None)}),
    ),
    "a key booked twice": (oracle.once, lambda f: f.journals.append("capture:a")),
    "a capture that is not booked": (oracle.once, lambda f: f.journals.remove("capture:a")),
    "a refund booked that nobody made": (oracle.once, lambda f: f.journals.append("refund:z")),
    "a transfer that is not booked": (oracle.once, lambda f: f.journals.remove("transfer:p")),
    "a cent lost of an order": (
        oracle.orders,
        lambda f: f.lines.__setitem__(2, line("capture:a", "platform:fees", -149)),
    ),
    "more given back than taken": (
        oracle.orders,
        lambda f: f.payments.__setitem__(0, replace(f.payments[0], refunded=2451)),
    ),
    "a charge that we do not know": (
        oracle.gateway,
        lambda f: f.charged.append(("b", "pi_2", 2450)),
    ),
    "the same order charged twice": (
        oracle.gateway,
        lambda f: f.charged.append(("a", "pi_2", 2450)),
    ),
    "a refund done twice": (oracle.gateway, lambda f: f.given_back.append(("k", "pi_1", 450))),
    "a refund that the gateway never made": (oracle.gateway, lambda f: f.given_back.clear()),
    "a transfer of another amount": (
        oracle.gateway,
        lambda f: f.sent.__setitem__(0, ("p", "tr_1", 1851)),
    ),
    "a payout made twice": (oracle.gateway, lambda f: f.sent.append(("p", "tr_2", 1850))),
    "a promise that hangs": (
        oracle.gateway,
        lambda f: f.promises.update({"pi_9": "requires_capture"}),
    ),
    "cards' money that nobody explains": (
        oracle.clearing,
        lambda f: f.lines.append(line("z", "clearing:cards", 5)),
    ),
    "a payout that is nowhere": (oracle.clearing, lambda f: setattr(f, "on_their_way", 7)),
    "money sent and not booked": (oracle.clearing, lambda f: f.sent.append(("q", "tr_3", 9))),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_found(what):
    facts, (check, break_it) = right(), BROKEN[what]
    break_it(facts)
    assert check(facts), what
    assert set(check(facts)) <= set(oracle.faults_of(facts))


def test_what_the_gateway_keeps_and_what_banks_took_back_is_money_of_the_order_too():
    facts = right()
    facts.lines[0] = line("capture:a", "clearing:cards", 2400)
    facts.lines.insert(1, line("capture:a", "gateway:fees", 50))
    facts.balances.clear()
    assert oracle.faults_of(facts) == []


def test_cents_lost_and_doubled_are_counted():
    facts = right()
    facts.charged.append(("b", "pi_2", 300))
    facts.given_back.append(("k", "pi_1", 450))
    assert oracle.adrift(facts) == 750
