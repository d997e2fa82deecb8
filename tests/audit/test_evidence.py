"""Whatever is bent in a log is found and named, and nothing else is blamed."""

from collections import Counter
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from apps.audit.evidence import Kind, examine
from tests.audit.logs import PUBLIC, log, row, seal, sign

ROWS, PER_SEAL = 60, 7


def faults(lines, seals=None, trusted=(PUBLIC,), last=None):
    seals = log(ROWS, PER_SEAL)[1] if seals is None else seals
    return list(examine(seals, lines, trusted, last))


def named(found):
    return {(fault.kind, fault.row) for fault in found}


def untouched():
    return list(log(ROWS, PER_SEAL)[0])


def test_a_log_that_nobody_touched_is_as_it_was_sealed():
    assert faults(untouched()) == []


@given(st.data())
def test_changed_removed_and_inserted_rows_are_named_and_no_other(data):
    places = data.draw(st.lists(st.integers(0, ROWS - 1), unique=True, max_size=20))
    kinds = data.draw(
        st.lists(
            st.sampled_from([Kind.CHANGED, Kind.REMOVED, Kind.INSERTED]),
            min_size=len(places),
            max_size=len(places),
        )
    )
    what = dict(zip(places, kinds, strict=True))
    lines, expected = [], set()
    for place, line in enumerate(untouched()):
        kind, id = what.get(place), place + 1
        if kind == Kind.REMOVED:
            expected.add((kind, id))
            continue
        lines.append(row(id, source="bent") if kind == Kind.CHANGED else line)
        if kind == Kind.CHANGED:
            expected.add((kind, id))
        # Where a row was taken out, another in its place would be the same row changed.
        elif kind == Kind.INSERTED and what.get(place + 1) is None:
            lines.append(row(1000 + id))
            expected.add((kind, 1000 + id))

    assert named(faults(lines)) == expected


@given(st.integers(0, ROWS - 1), st.integers(0, ROWS - 1))
def test_a_row_that_was_moved_is_named(origin, target):
    lines = untouched()
    lines.insert(target, lines.pop(origin))

    found = faults(lines)

    if origin == target:
        assert found == []
    elif abs(origin - target) == 1:
        # Of two neighbours that changed places, nobody knows which one moved.
        assert [fault.kind for fault in found] == [Kind.MOVED]
        assert found[0].row in (origin + 1, target + 1)
    else:
        assert named(found) == {(Kind.MOVED, origin + 1)}
        assert found[0].text.endswith(f"was moved to line {target + 1}")


@given(st.permutations(range(1, 25)))
def test_of_rows_in_any_order_those_that_were_not_moved_stand_in_order(order):
    lines, seals = log(24, 5)
    shuffled = [lines[id - 1] for id in order]

    found = faults(shuffled, seals)

    assert {fault.kind for fault in found} <= {Kind.MOVED}
    moved = {fault.row for fault in found}
    rest = [id for id in order if id not in moved]
    assert rest == sorted(rest)
    assert bool(found) == (list(order) != sorted(order))


@given(st.integers(0, ROWS - 1), st.integers(0, ROWS))
def test_a_copy_of_a_row_is_an_inserted_row(origin, target):
    lines = untouched()
    lines.insert(target, lines[origin])

    assert named(faults(lines)) == {(Kind.INSERTED, origin + 1)}


def test_a_row_that_calls_itself_another_is_named_by_both_numbers():
    lines = untouched()
    lines[9] = row(777)

    assert [str(fault) for fault in faults(lines)] == [
        "row 10 (line 10, seal 2) was changed, and has number 777 now"
    ]


@pytest.mark.parametrize("garbage", [b"", b"nonsense", b"[]", b'{"id":"7"}', b'{"id":7', b"\xff"])
def test_what_is_no_row_at_all_is_inserted(garbage):
    lines = untouched()
    lines.insert(20, garbage)

    assert [str(fault) for fault in faults(lines)] == [
        "something that is no row was inserted at line 21"
    ]


def test_everything_gone_is_everything_named():
    found = faults([])

    assert Counter(fault.kind for fault in found) == {Kind.REMOVED: ROWS}
    assert [fault.row for fault in found] == list(range(1, ROWS + 1))


class TestSeals:
    def bent(self, number, **change):
        """The seals, one of which says something else."""
        seals = list(log(ROWS, PER_SEAL)[1])
        seals[number - 1] = replace(seals[number - 1], **change)
        return [str(fault) for fault in faults(untouched(), seals)]

    def test_a_seal_that_says_something_else_is_named(self):
        statement = log(ROWS, PER_SEAL)[1][2].statement | {"sealed_at": "2020"}

        assert self.bent(3, statement=statement) == [
            "seal 3: it does not say what it said when it was sealed"
        ]

    def test_a_wrong_signature_is_named(self):
        other = log(ROWS, PER_SEAL)[1][3].signature

        assert self.bent(3, signature=other) == ["seal 3: its signature is not of its key"]
        assert self.bent(3, signature="x") == ["seal 3: its signature is not of its key"]

    def test_bent_leaves_are_named_and_blame_no_row(self):
        seals = log(ROWS, PER_SEAL)[1]

        assert self.bent(3, leaves=seals[3].leaves) == ["seal 3: its leaves do not make its root"]
        assert self.bent(3, ids=seals[3].ids) == [
            "seal 3: its numbers of rows are not those it sealed"
        ]

    def test_another_key_is_not_trusted(self):
        found = faults(untouched(), trusted=("ab" * 32,))

        assert len(found) == 9
        assert str(found[0]) == "seal 1: it was sealed with a key that is not trusted"

    @pytest.mark.parametrize("number", range(1, 10))
    def test_a_missing_seal_is_named_and_its_rows_are_not_blamed(self, number):
        all_seals = log(ROWS, PER_SEAL)[1]
        seals = [one for one in all_seals if one.number != number]

        found = faults(untouched(), seals, last=all_seals[-1].digest)

        assert [fault.kind for fault in found] == [Kind.SEAL]
        said = "the seals after 8 are" if number == 9 else f"seal {number} is"
        assert str(found[0]).startswith(f"{said} missing")

    def test_a_seal_missing_with_its_rows_is_named(self):
        lines, seals = untouched(), list(log(ROWS, PER_SEAL)[1])
        del lines[14:21], seals[2]

        assert [str(fault) for fault in faults(lines, seals)] == [
            "seal 3 is missing (rows 15 to 21 of the log are in none)"
        ]

    def test_a_row_bent_behind_a_missing_seal_is_named(self):
        lines, seals = untouched(), list(log(ROWS, PER_SEAL)[1])
        del seals[2], lines[40]

        assert [str(fault) for fault in faults(lines, seals)] == [
            "seal 3 is missing (rows 15 to 21 of the log are in none)",
            "row 41 (line 41, seal 6) was removed",
        ]

    def test_seals_in_another_order_are_out_of_their_place(self):
        seals = list(log(ROWS, PER_SEAL)[1])
        seals[2], seals[3] = seals[3], seals[2]

        said = [str(fault) for fault in faults(untouched(), seals)]

        assert "seal 3 is out of its place" in said

    def test_a_log_written_anew_and_sealed_with_the_same_key_follows_from_nothing(self):
        lines, seals = untouched(), list(log(ROWS, PER_SEAL)[1])
        lines[3] = row(4, source="bent")
        seals[0] = seal(lines[:7], 1, 1, "")

        assert [str(fault) for fault in faults(lines, seals)] == [
            "seal 2: it does not follow from the seal before"
        ]

    def test_a_seal_of_a_forger_is_not_ours(self):
        forger = Ed25519PrivateKey.generate()
        seals = list(log(ROWS, PER_SEAL)[1])
        seals[1] = sign(seals[1].statement, seals[1].leaves, seals[1].ids, forger)

        assert [str(fault) for fault in faults(untouched(), seals)] == [
            "seal 2: its signature is not of its key"
        ]
