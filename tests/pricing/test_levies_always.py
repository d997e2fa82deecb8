"""What holds of taxes and fees whatever the rules and the orders are."""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.kernel.money import allocate
from apps.pricing import levies
from apps.pricing.levies import Claim, Direction, Exemption, Facts, Guest, Kind, Per, Point, Rule
from apps.pricing.models import Payee

# Drawing six rules takes longer than the sums do, and on a busy machine longer still.
patiently = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

ZONE = ZoneInfo("America/Santiago")
FIRST = date(2027, 12, 20)
CODES = ("city", "region", "vat")

amounts = st.integers(0, 5_000)
maybe = st.none() | st.integers(0, 3_000)
shares = st.lists(
    st.builds(
        levies.Share,
        to=st.sampled_from([Payee.CITY, Payee.TAX]),
        beneficiary=st.sampled_from(["", "region", "board"]),
        weight=st.integers(1, 1_000),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda share: (share.to, share.beneficiary),
).map(tuple)


@st.composite
def rules(draw, code: str, number: str = "1", caps: bool = True, **told) -> Rule:
    """A rule of any sort; a share may be of the levies before it in `CODES`."""
    kind = draw(st.sampled_from(Kind))
    is_percent = kind == Kind.PERCENT
    per = draw(st.sampled_from([Per.PERSON_NIGHT, Per.NIGHT, Per.ORDER]))
    is_of_people = per == Per.PERSON_NIGHT
    before = ("night", "cleaning", *CODES[: CODES.index(code)])
    base = st.lists(st.sampled_from(before), min_size=1, unique=True).map(tuple)
    whole = {
        "number": f"{code}-{number}",
        "code": code,
        "name": code,
        "shares": draw(shares),
        "kind": kind,
        "rate": draw(st.integers(0, 3_000)),
        "per": per,
        "base": draw(base) if is_percent else (),
        "times_bp": draw(st.sampled_from([5_000, 10_000, 32_500])),
        "age_from": draw(st.none() | st.integers(0, 20)) if is_of_people else None,
        "most_unit": draw(maybe),
        "exemptions": draw(st.sampled_from([(), (Exemption("ill", "Ill", "a letter"),)])),
        "rounded": draw(st.sampled_from(Point)),
        "direction": draw(st.sampled_from(Direction)),
    }
    if caps:
        whole["most_parts"] = draw(st.none() | st.integers(0, 12))
        whole["most_person"] = draw(maybe) if is_of_people else None
        whole["most"] = draw(maybe)
    return Rule(**whole | told)


guests = st.lists(
    st.builds(
        Guest,
        age=st.none() | st.integers(0, 80),
        claims=st.sampled_from([(), (Claim("ill"),), (Claim("ill", "7"),)]),
    ),
    min_size=1,
    max_size=4,
).map(tuple)


@st.composite
def stays(draw) -> Facts:
    prices = draw(st.lists(amounts, min_size=1, max_size=10))
    parts = levies.nights(
        first=FIRST,
        leaves=FIRST + timedelta(days=len(prices)),
        zone=ZONE,
        amounts={"night": prices, "cleaning": draw(amounts)},
    )
    return Facts("lodging", parts, draw(guests))


def versions(code: str):
    """A levy that changes at some time of the stay."""

    @st.composite
    def two(draw) -> list[Rule]:
        turn = datetime(2027, 12, 20 + draw(st.integers(0, 10)), tzinfo=ZONE)
        return [
            draw(rules(code, "1", ends=turn)),
            draw(rules(code, "2", begins=turn)),
        ]

    return two()


sets = st.tuples(*map(versions, CODES)).map(lambda told: [rule for two in told for rule in two])


@patiently
@given(sets, stays())
def test_nobody_owes_less_than_nothing_nor_more_than_the_caps(rules, stay):
    owed: dict[str, int] = Counter()
    for line in levies.due(rules, stay):
        assert line.amount > 0
        owed[line.rule] += line.amount
    for rule in rules:
        if rule.most is not None:
            assert owed[rule.number] <= rule.most
        if rule.most_person is not None:
            assert owed[rule.number] <= rule.most_person * len(stay.guests)


@patiently
@given(sets, stays())
def test_the_shares_are_the_levy_to_the_last_unit(rules, stay):
    by_rule: dict[str, list] = {}
    for line in levies.due(rules, stay):
        by_rule.setdefault(line.rule, []).append(line)
    alone = [replace(rule, shares=(levies.Share(Payee.CITY),)) for rule in rules]

    whole = {line.rule: line.amount for line in levies.due(alone, stay)}

    assert whole == {number: sum(one.amount for one in told) for number, told in by_rule.items()}
    for rule in rules:
        if told := by_rule.get(rule.number):
            parts = allocate(whole[rule.number], [share.weight for share in rule.shares])
            assert [line.amount for line in told] == [part for part in parts if part]


@patiently
@given(st.data(), sets, stays())
def test_the_order_of_the_rules_changes_nothing(data, rules, stay):
    told = data.draw(st.permutations(rules))

    assert sorted(map(repr, levies.due(told, stay))) == sorted(map(repr, levies.due(rules, stay)))


@patiently
@given(st.data(), stays())
def test_a_stay_owes_what_its_nights_owe_when_each_unit_is_rounded(data, stay):
    turn = datetime(2027, 12, 20 + data.draw(st.integers(0, 10)), tzinfo=ZONE)
    told = {
        "caps": False,
        "rounded": Point.UNIT,
        "per": data.draw(st.sampled_from([Per.PERSON_NIGHT, Per.NIGHT])),
        "age_from": None,
    }
    two = [
        data.draw(rules("city", "1", ends=turn, **told)),
        data.draw(rules("city", "2", begins=turn, **told)),
    ]

    whole = sum(line.amount for line in levies.due(two, stay))

    nights = [replace(stay, parts=(night,)) for night in stay.parts]
    assert whole == sum(line.amount for night in nights for line in levies.due(two, night))


@patiently
@given(sets, stays())
def test_what_is_given_back_and_what_remains_are_what_was_paid(rules, stay):
    shorter = replace(stay, parts=stay.parts[:-1])
    paid, remains = levies.due(rules, stay), levies.due(rules, shorter)

    back = levies.difference(paid, remains)

    def by_account(lines) -> Counter:
        told: Counter = Counter()
        for line in lines:
            told[line.rule, line.to, line.beneficiary] += line.amount
        return told

    there = by_account(remains)
    for key, amount in by_account(back).items():
        there[key] += amount
    assert {key: n for key, n in there.items() if n} == dict(by_account(paid))


@patiently
@given(sets)
def test_a_rule_is_the_same_after_it_was_written_down(rules):
    for rule in rules:
        assert Rule.thawed(rule.frozen()) == rule
