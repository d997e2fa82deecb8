"""Every check of the proof, on facts that are right and on facts that are not."""

import json
import sqlite3
from datetime import timedelta

import pytest
from django.db import transaction

from apps.audit.models import Record
from apps.bus import operations as bus
from apps.bus.models import Delivery, Event
from apps.kernel.actors import Actor
from apps.mobility.vertical import RIDE
from tests.factories import NOON
from tests.proof import checks
from tests.proof.books import Bank

LATER, LATE = NOON + timedelta(minutes=5), NOON + timedelta(minutes=9)
WHOLE = [("authorise", "searching"), ("assign", "on_the_way"), ("arrive", "at_pickup")]
BOOKS = {
    "clearing:cards": 27_000,
    "bank:payouts": -1_500,
    "payouts:in-transit": 0,
    "provider:1:payable": -250,
    "platform:fees": -150,
    "city:la-serena:fees": -60,
    "city:la-serena:permit-fees": -25_000,
    "tax:la-serena:vat": -40,
}
BANK = {"captured": 27_450, "refunded": 450, "paid_out": 1_500}
# The same, once the bank's lines say what it kept as fees and that the payouts left.
SEEN = {
    **BOOKS,
    "clearing:cards": BOOKS["clearing:cards"] + BOOKS["bank:payouts"] - 71,
    "bank:payouts": 0,
    "gateway:fees": 71,
}


def steps(*taken):
    return [(7, name, stage) for name, stage in taken]


class TestRuns:
    def test_one_after_the_other_is_well(self):
        assert checks.overlaps([(1, LATER, None), (1, NOON, LATER), (2, NOON, LATE)]) == []

    @pytest.mark.parametrize("ended", [LATE, None])
    def test_two_at_one_moment_are_seen(self, ended):
        assert len(checks.overlaps([(1, NOON, ended), (1, LATER, LATE)])) == 1


class TestOrders:
    def test_an_end_is_an_end(self):
        ends = [("a", "COMPLETED", "done"), ("b", "CANCELLED", "unserved")]
        assert checks.unfinished(ends) == []

    @pytest.mark.parametrize(
        "order", [("a", "STARTED", "on_board"), ("a", "COMPLETED", "cancelled")]
    )
    def test_anything_else_is_none(self, order):
        assert len(checks.unfinished([order])) == 1

    def test_a_ride_step_by_step_is_legal(self):
        assert checks.illegal_steps(steps(*WHOLE), RIDE) == []

    @pytest.mark.parametrize(
        "taken",
        [
            (*WHOLE, WHOLE[-1]),
            (WHOLE[0], WHOLE[2]),
            (*WHOLE, ("board", "done")),
            (*WHOLE, ("fly", "done")),
        ],
        ids=["twice", "skipped", "to another stage", "unknown"],
    )
    def test_no_other_way_is(self, taken):
        assert len(checks.illegal_steps(steps(*taken), RIDE)) == 1

    def test_what_was_promised_and_is_gone_is_lost(self):
        yes = [("order", "a"), ("order", "b"), ("order", "b")]
        assert checks.lost(yes, [("order", "a"), ("order", "b")]) == []
        assert checks.lost(yes, [("order", "a")]) == ["lost: order b"]


class TestMoney:
    def test_a_journal_off_by_one_is_seen(self):
        entries = [(1, "CLP", 100), (1, "CLP", -99), (2, "CLP", 5), (2, "CLP", -5)]
        assert checks.crooked(entries) == ["journal 1 is off by 1 CLP"]

    def test_two_currencies_do_not_make_up_for_each_other(self):
        assert len(checks.crooked([(1, "CLP", 100), (1, "EUR", -100)])) == 2

    @pytest.mark.parametrize(("sums", "faults"), [((9, 9, 9), 0), ((9, 10, 0), 1), ((9, 5, 6), 1)])
    def test_no_more_is_taken_or_given_back_than_there_is(self, sums, faults):
        assert len(checks.more_than_promised([("a", *sums)])) == faults

    def test_books_that_agree_with_the_bank_are_well(self):
        assert checks.money_adrift(BOOKS, BANK) == []

    @pytest.mark.parametrize("code", BOOKS)
    def test_one_peso_adrift_on_any_account_is_seen(self, code):
        assert checks.money_adrift({**BOOKS, code: BOOKS[code] + 1}, BANK)

    def test_what_the_treasury_booked_of_the_banks_lines_is_well(self):
        assert checks.money_adrift(SEEN, BANK) == []

    @pytest.mark.parametrize("code", ["clearing:cards", "gateway:fees", "bank:payouts"])
    @pytest.mark.parametrize("more", [1, -1])
    def test_and_one_peso_adrift_of_that_is_seen(self, code, more):
        assert checks.money_adrift({**SEEN, code: SEEN[code] + more}, BANK)

    @pytest.mark.parametrize("what", BANK)
    def test_one_peso_adrift_at_the_bank_is_seen(self, what):
        assert checks.money_adrift(BOOKS, {**BANK, what: BANK[what] + 1})

    def test_money_that_moved_as_nothing_we_know_is_seen(self):
        assert checks.money_adrift(BOOKS, {**BANK, "adjustment": 1}) == ["1 moved as adjustment"]

    def test_a_promise_that_was_never_taken_is_no_refund_though_the_bank_calls_it_so(
        self, tmp_path
    ):
        file, charge = tmp_path / "bank", {"object": "charge", "amount": 2_450}
        kept = [
            {**charge, "payment_intent": "void", "amount_captured": 0, "amount_refunded": 2_450},
            {**charge, "payment_intent": "paid", "amount_captured": 700, "amount_refunded": 60},
            {"object": "refund", "payment_intent": "paid", "amount": 60},
            {"object": "balance_transaction", "type": "charge", "amount": 700},
            {"object": "balance_transaction", "type": "refund", "amount": -60},
        ]
        with sqlite3.connect(file) as line:
            line.execute("CREATE TABLE objects (seq INTEGER PRIMARY KEY, account, body)")
            line.executemany(
                "INSERT INTO objects (account, body) VALUES ('', ?)",
                [(json.dumps(one),) for one in kept],
            )
        bank = Bank(file)
        assert bank.sums() == {"captured": 700, "refunded": 60, "paid_out": 0}
        assert (bank.captured(), bank.refunded()) == ({"paid": 700}, {"paid": 60})

    def test_an_account_nobody_knows_is_seen(self):
        assert checks.money_adrift({**BOOKS, "misc:rest": 1}, BANK)

    def test_what_only_one_side_knows_is_seen(self):
        assert checks.different("capture", {"a": 1, "b": 2}, {"a": 1, "b": 2}) == []
        assert len(checks.different("capture", {"a": 1}, {"b": 1})) == 2
        assert len(checks.different("capture", {"a": 1}, {"a": 2})) == 1


FREE, LATE_FEE = timedelta(minutes=2), 700
ASSIGNED = ("authorise", NOON), ("assign", NOON)


class TestFees:
    @pytest.mark.parametrize(
        ("taken", "fee"),
        [
            ([("cancel", LATER)], 0),
            ([*ASSIGNED, ("cancel", NOON + FREE - timedelta(seconds=1))], 0),
            ([*ASSIGNED, ("cancel", NOON + FREE)], LATE_FEE),
            ([*ASSIGNED, ("give_back", LATER), ("cancel", LATE)], 0),
            ([*ASSIGNED, ("give_back", NOON), ("assign", LATER), ("cancel", LATE)], LATE_FEE),
            ([*ASSIGNED, ("arrive", NOON), ("no_show", NOON)], LATE_FEE),
            ([*ASSIGNED, ("drop_off", LATE)], 0),
        ],
        ids=["unassigned", "in time", "late", "given back", "assigned again", "no show", "done"],
    )
    def test_a_fee_is_due_when_somebody_came_for_nothing(self, taken, fee):
        assert checks.fee_due(taken, LATE_FEE, FREE) == fee

    GOOD = [
        ("done", 2_450, 0, 2_450, "CAPTURED", 2_450, False),
        ("cancelled", 2_450, 0, 0, "CANCELLED", 0, True),
        ("cancelled", 2_450, 700, 700, "CAPTURED", 700, True),
        ("cancelled", 2_450, 0, 0, "REFUSED", 0, True),
        ("refused", 2_450, 0, 0, "REFUSED", 0, True),
        ("unserved", 2_450, 0, 0, "CANCELLED", 0, True),
    ]

    @pytest.mark.parametrize("order", GOOD, ids=lambda one: "-".join(map(str, one)))
    def test_an_end_and_its_money_go_together(self, order):
        assert checks.wrongly_charged([("a", *order)]) == []

    @pytest.mark.parametrize(
        "order",
        [
            ("done", 2_450, 0, 2_450, "CAPTURED", 2_449, False),
            ("done", 2_450, 0, 0, "CAPTURED", 2_450, False),
            ("done", 2_450, 0, 2_450, "AUTHORISED", 2_450, False),
            ("done", 2_450, 0, 2_450, "CAPTURED", 2_450, True),
            ("cancelled", 2_450, 0, 700, "CAPTURED", 700, True),
            ("cancelled", 2_450, 700, 0, "CAPTURED", 0, True),
            ("cancelled", 2_450, 0, 0, "AUTHORISED", 0, True),
            ("cancelled", 2_450, 0, 0, "CANCELLED", 0, False),
            ("refused", 2_450, 0, 0, "CANCELLED", 0, True),
            ("unserved", 2_450, 700, 0, "CAPTURED", 0, True),
        ],
        ids=lambda one: "-".join(map(str, one)),
    )
    def test_anything_else_is_a_fault(self, order):
        assert checks.wrongly_charged([("a", *order)])


class TestPromises:
    OURS = [("pi_1", "CAPTURED"), ("pi_2", "CANCELLED"), ("pi_3", "REFUSED"), ("", "CANCELLED")]
    BANK = {"pi_1": "succeeded", "pi_2": "canceled", "pi_3": "requires_payment_method"}

    def test_both_sides_tell_the_same_story(self):
        assert checks.broken_promises(self.OURS, self.BANK) == []

    @pytest.mark.parametrize(
        ("ours", "bank"),
        [
            (OURS, {**BANK, "pi_2": "requires_capture"}),
            (OURS, {**BANK, "pi_4": "requires_capture"}),
            (OURS[1:], BANK),
            ([*OURS, ("pi_4", "CANCELLED")], BANK),
            ([*OURS, ("", "OPENED")], BANK),
            ([("pi_1", "AUTHORISED"), *OURS[1:]], BANK),
        ],
        ids=["hangs", "asked twice", "unknown here", "unknown there", "unasked", "untaken"],
    )
    def test_two_stories_are_seen(self, ours, bank):
        assert len(checks.broken_promises(ours, bank)) == 1

    @pytest.mark.parametrize(
        ("refunds", "faults"),
        [
            ([("k", 9, True)], 0),
            ([], 1),
            ([("k", 9, False)], 1),
            ([("k", 8, True)], 2),
            ([("k", 9, True), ("k", 9, True)], 1),
            ([("k", 9, True), ("l", 9, True)], 1),
        ],
        ids=["once", "never", "refused", "otherwise", "twice", "and another"],
    )
    def test_what_an_officer_gave_back_is_given_back_once(self, refunds, faults):
        assert len(checks.not_given_back([("k", "9")], refunds)) == faults


class TestTalk:
    def test_a_city_that_says_later_is_patient_and_one_that_breaks_is_not(self):
        assert checks.broken_answers({"away": 9, "http_503": 2, "ConnectError": 3}) == []
        assert checks.broken_answers({"our_fault": 1, "http_500": 2, "line_http_500": 3}) == [
            "people heard our_fault 1 times",
            "people heard http_500 2 times",
            "people heard line_http_500 3 times",
        ]
        assert checks.broken_answers({"stumbled_KeyError": 1}) == [
            "people heard stumbled_KeyError 1 times"
        ]


class TestNews:
    def test_each_subscriber_once_is_well(self):
        rows = [(1, "audit", True, False), (1, "live", True, False)]
        assert checks.badly_delivered([1], rows) == []

    @pytest.mark.parametrize(
        "rows",
        [
            [(1, "audit", False, False)],
            [(1, "audit", False, True)],
            [(1, "audit", True, False), (1, "audit", True, False)],
            [],
        ],
        ids=["waiting", "given up", "twice", "nobody"],
    )
    def test_anything_else_is_not(self, rows):
        assert len(checks.badly_delivered([1], rows)) == 1

    def test_once_is_not_twice_and_not_never(self):
        assert checks.not_once("audit", [1, 2], [2, 1]) == []
        assert checks.not_once("audit", [1, 2], [1, 1, 3]) == [
            "audit: 2 is missing",
            "audit: 1 is there 2 times",
            "audit: 3 never happened",
        ]


naive: list[int] = []


@bus.subscribe("tests.told_again")
def note(*, event, **_):
    naive.append(event)


@pytest.mark.django_db
def test_the_naive_control_a_handler_that_does_not_look_is_caught_when_told_again():
    """At least once is not once: who only appends has it twice, who keeps a record has it once."""
    naive.clear()
    with transaction.atomic():
        bus.publish("tests.told_again", by=Actor.system("tests"), at=NOON)
    event = Event.objects.get(topic="tests.told_again").pk
    for _ in range(2):
        Delivery.objects.filter(event=event).update(done_at=None)
        assert bus.relay(at=NOON) == 2

    kept = Record.objects.filter(topic="tests.told_again").values_list("event", flat=True)
    assert checks.not_once("audit", [event], kept) == []
    assert checks.not_once("naive", [event], naive) == [f"naive: {event} is there 2 times"]
