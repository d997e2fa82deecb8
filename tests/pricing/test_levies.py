"""What is owed by rules that are data, to the minor unit."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from apps.pricing import levies
from apps.pricing.levies import (
    Ambiguous,
    Claim,
    Direction,
    Exemption,
    Facts,
    Frees,
    Guest,
    Kind,
    Part,
    Per,
    Point,
    Rule,
    Share,
)
from apps.pricing.models import Line, Payee

ZONE = ZoneInfo("America/Santiago")
ADULTS = (Guest(40), Guest(38))
CITY = (Share(Payee.CITY),)


def moment(*when: int) -> datetime:
    return datetime(*when, tzinfo=ZONE)


def per_night(rate: int = 250, **more) -> Rule:
    told = {
        "number": "T-1",
        "code": "tourist_tax",
        "name": "Tourist tax",
        "shares": CITY,
        "kind": Kind.AMOUNT,
        "rate": rate,
        "per": Per.PERSON_NIGHT,
    }
    return Rule(**told | more)


def percent(rate: int, **more) -> Rule:
    told = {"kind": Kind.PERCENT, "per": Per.NIGHT, "base": ("night",)}
    return per_night(rate, **told | more)


def stay(nights: int, guests=ADULTS, first=date(2027, 5, 1), **more) -> Facts:
    amounts = more.pop("amounts", {"night": 10_000 * nights})
    parts = levies.nights(
        first=first, leaves=first + timedelta(days=nights), zone=ZONE, amounts=amounts
    )
    return Facts("lodging", parts, tuple(guests), **more)


MONDAY_AT_EIGHT = moment(2027, 5, 3, 8)


def ride(at: datetime = MONDAY_AT_EIGHT, **more) -> Facts:
    part = {"amounts": {"start": 600}, "metres": 2_600, "seconds": 360}
    return Facts("mobility", (Part(at, **part | more),), zones=("airport", "north"))


def total(rules, facts: Facts) -> int:
    return sum(line.amount for line in levies.due(rules, facts))


class TestWhatIsCounted:
    def test_an_amount_for_each_person_and_night(self):
        (line,) = levies.due([per_night()], stay(5))

        assert (line.code, line.amount, line.to, line.quantity, line.rate) == (
            "tourist_tax",
            2_500,
            Payee.CITY,
            10,
            250,
        )
        assert (line.rule, line.name) == ("T-1", "Tourist tax")

    @pytest.mark.parametrize(
        ("per", "amount"),
        [(Per.NIGHT, 1_250), (Per.PERSON, 500), (Per.PERSON_NIGHT, 2_500), (Per.ORDER, 250)],
    )
    def test_nights_people_both_or_the_whole_stay(self, per, amount):
        assert total([per_night(per=per)], stay(5)) == amount

    def test_a_ride_pays_by_the_kilometre_the_hour_or_once(self):
        assert total([per_night(480, per=Per.KM)], ride()) == 1_248
        assert total([per_night(3_600, per=Per.HOUR)], ride()) == 360
        assert total([per_night(150, per=Per.RIDE)], ride()) == 150

    def test_three_parcels_pay_three_times(self):
        assert total([per_night(90, per=Per.PARCEL)], ride(pieces=3)) == 270

    def test_a_share_of_some_lines_and_not_of_others(self):
        facts = stay(2, amounts={"night": [10_000, 12_000], "cleaning": 3_001, "breakfast": 1_800})

        assert total([percent(1_000)], facts) == 2_200
        assert total([percent(1_000, base=("night", "cleaning"))], facts) == 2_500

    def test_a_share_of_less_than_nothing_is_nothing(self):
        facts = stay(2, amounts={"night": [100, 100], "discount": [-150, -50]})

        assert total([percent(1_000, base=("night", "discount"))], facts) == 5

    def test_a_share_for_each_person_divides_by_all_and_asks_only_some(self):
        rule = percent(500, per=Per.PERSON_NIGHT, age_from=18)

        assert total([rule], stay(2, guests=(*ADULTS, Guest(9), Guest(7)))) == 500

    def test_a_unit_is_held_first_and_multiplied_then(self):
        rule = percent(500, per=Per.PERSON_NIGHT, most_unit=200, times_bp=32_500)

        (line,) = levies.due([rule], stay(2))

        assert line.amount == 4 * 650
        assert line.working.caps == {"unit": 200}


class TestOneLevyOnAnother:
    VAT = percent(1_900, number="V-1", code="vat", shares=(Share(Payee.TAX),))
    ON_TOP = percent(1_000, number="T-1", base=("night", "vat"))

    def test_the_one_that_is_a_base_comes_first_however_they_are_given(self):
        for rules in permutations([self.VAT, self.ON_TOP]):
            lines = levies.due(rules, stay(1))

            assert [(line.code, line.amount) for line in lines] == [
                ("vat", 1_900),
                ("tourist_tax", 1_190),
            ]

    def test_a_base_without_it_leaves_it_out(self):
        assert total([self.VAT, replace(self.ON_TOP, base=("night",))], stay(1)) == 2_900

    def test_what_is_based_on_itself_is_refused(self):
        circle = replace(self.VAT, base=("night", "tourist_tax"))

        with pytest.raises(ValueError, match="cycle"):
            levies.due([circle, self.ON_TOP], stay(1))


class TestForWhom:
    def test_thirteen_pays_and_twelve_does_not(self):
        rule = per_night(400, age_from=13)

        assert total([rule], stay(1, guests=[Guest(13)])) == 400
        assert total([rule], stay(1, guests=[Guest(12)])) == 0

    def test_a_childs_rate_is_a_levy_of_its_own(self):
        rules = [
            per_night(400, age_from=18),
            per_night(100, number="C-1", code="child_tax", age_from=6, age_below=18),
        ]

        lines = levies.due(rules, stay(2, guests=[Guest(18), Guest(17), Guest(6), Guest(5)]))

        assert [(line.code, line.amount) for line in lines] == [
            ("tourist_tax", 800),
            ("child_tax", 400),
        ]

    def test_who_has_no_age_is_grown_up(self):
        assert total([per_night(400, age_from=13)], stay(1, guests=[Guest()])) == 400
        assert total([per_night(400, age_below=13)], stay(1, guests=[Guest()])) == 0

    def test_an_exemption_needs_its_proof(self):
        medical = Exemption("medical", "Medical stays", proof="a letter of the hospital")
        rule = per_night(exemptions=(medical,))
        shown = stay(3, guests=[Guest(40, (Claim("medical", "paper-7"),)), Guest(38)])
        said = stay(3, guests=[Guest(40, (Claim("medical"),)), Guest(38)])

        (line,) = levies.due([rule], shown)
        assert (line.amount, line.working.exempt) == (750, ["Medical stays"])
        (line,) = levies.due([rule], said)
        assert (line.amount, line.working.unproven) == (1_500, ["Medical stays"])

    @pytest.mark.parametrize(
        ("frees", "payers"), [(Frees.GUEST, 2), (Frees.COMPANION, 1), (Frees.PARTY, 0)]
    )
    def test_one_letter_frees_one_two_or_all(self, frees, payers):
        rule = per_night(exemptions=(Exemption("medical", "Medical stays", frees=frees),))
        guests = [Guest(40, (Claim("medical"),)), Guest(38), Guest(36)]

        assert total([rule], stay(1, guests=guests)) == payers * 250

    def test_a_companion_is_somebody_who_would_pay(self):
        rule = per_night(
            age_from=18, exemptions=(Exemption("medical", "Medical", frees=Frees.COMPANION),)
        )
        guests = [Guest(40, (Claim("medical"),)), Guest(9), Guest(36), Guest(34)]

        assert total([rule], stay(1, guests=guests)) == 250

    def test_a_claim_for_the_whole_order_frees_the_order(self):
        rule = percent(1_000, exemptions=(Exemption("free", "Stays offered free"),))

        assert total([rule], stay(2, claims=(Claim("free"),))) == 0
        assert total([rule], stay(2, claims=(Claim("other"),))) == 2_000


class TestCaps:
    def test_seven_nights_of_ten(self):
        (line,) = levies.due([per_night(most_parts=7)], stay(10))

        assert line.amount == 7 * 2 * 250
        assert (line.working.parts, line.working.parts_in_all) == (7, 10)
        assert line.working.caps == {"parts": 7}

    def test_a_person_and_the_whole(self):
        assert total([per_night(most_person=600)], stay(10)) == 1_200
        assert total([per_night(most=1_111)], stay(10)) == 1_111

    def test_a_cap_counts_what_the_version_before_has_taken(self):
        old = per_night(100, number="T-1", ends=moment(2027, 5, 6), most_parts=7, most_person=900)
        new = replace(old, number="T-2", rate=200, begins=old.ends, ends=None)

        lines = levies.due([new, old], stay(10))

        # Five nights at 1.00, then two at 2.00, which is nine for each of them.
        assert [(line.rule, line.amount) for line in lines] == [("T-1", 1_000), ("T-2", 800)]

    def test_rounding_up_goes_no_higher_than_the_cap(self):
        old = percent(1, number="T-1", ends=moment(2027, 5, 2), most=2, direction=Direction.UP)
        new = replace(old, number="T-2", begins=old.ends, ends=None, rate=500)

        assert total([old, new], stay(2, amounts={"night": [10, 10_000]})) == 2


class TestWhenAndWhere:
    def test_a_stay_over_new_year_pays_each_night_by_its_own_rule(self):
        old = per_night(225, number="2027", ends=moment(2028, 1, 1))
        new = replace(old, number="2028", rate=450, begins=old.ends, ends=None)

        lines = levies.due([old, new], stay(4, first=date(2027, 12, 29)))

        assert [(line.rule, line.amount) for line in lines] == [("2027", 1_350), ("2028", 900)]

    def test_a_night_on_which_the_clocks_have_no_midnight(self):
        # Chile leaps from 23:59 to one o'clock on the first Sunday of September.
        rule = per_night(begins=datetime(2027, 9, 5, 4, tzinfo=UTC))

        assert total([rule], stay(3, first=date(2027, 9, 4))) == 2 * 2 * 250

    def test_hours_of_weekdays(self):
        rush = per_night(500, per=Per.RIDE, weekdays=(0, 1, 2, 3, 4), hour_from=7, hour_until=9)

        at = {when: total([rush], ride(moment(*when))) for when in [
            (2027, 5, 3, 6, 59), (2027, 5, 3, 7), (2027, 5, 3, 8, 59), (2027, 5, 3, 9),
            (2027, 5, 2, 8),
        ]}  # fmt: skip
        assert list(at.values()) == [0, 500, 500, 0, 0]

    def test_hours_over_midnight(self):
        night = per_night(500, per=Per.RIDE, hour_from=22, hour_until=6)

        assert [total([night], ride(moment(2027, 5, 3, hour))) for hour in (21, 22, 5, 6)] == [
            0,
            500,
            500,
            0,
        ]

    def test_an_hour_and_a_half_pays_each_hour_by_its_own_rule(self):
        dear = per_night(600, number="P-1", code="kerb", per=Per.HOUR, hour_from=8, hour_until=9)
        cheap = replace(dear, number="P-2", code="kerb_rest", rate=60, hour_from=9, hour_until=8)
        begins = moment(2027, 5, 3, 8, 30)
        parts = levies.hours(
            begins=begins, ends=begins + timedelta(minutes=90), amounts={"kerb": 900}
        )

        lines = levies.due([dear, cheap], Facts("mobility", parts))

        assert [(part.seconds, part.amounts) for part in parts] == [
            (1_800, {"kerb": 300}),
            (3_600, {"kerb": 600}),
        ]
        assert [(line.code, line.amount) for line in lines] == [("kerb", 300), ("kerb_rest", 60)]

    def test_the_narrowest_rule_holds(self):
        rules = [
            per_night(100, number="all"),
            per_night(200, number="north", zone="north"),
            per_night(300, number="airport", zone="airport"),
            per_night(400, number="hotel", category="hotel"),
        ]

        def in_force(**more) -> list[str]:
            return [line.rule for line in levies.due(rules, stay(1, **more))]

        assert in_force() == ["all"]
        assert in_force(zones=("north",)) == ["north"]
        assert in_force(zones=("airport", "north")) == ["airport"]
        assert in_force(zones=("north",), category="hotel") == ["hotel"]
        assert in_force(category="flat") == ["all"]

    def test_another_kind_of_service_pays_nothing(self):
        assert total([per_night(vertical="lodging")], replace(stay(1), vertical="retail")) == 0

    def test_two_rules_of_one_levy_for_the_same_thing_are_a_mistake(self):
        with pytest.raises(Ambiguous, match="T-1 and T-2"):
            levies.due([per_night(), per_night(number="T-2")], stay(1))


class TestRounding:
    FACTS = stay(3, guests=[Guest(40)], amounts={"night": [105, 105, 105]})

    @pytest.mark.parametrize(
        ("rounded", "direction", "amount"),
        [
            # 10.5 a night, 31.5 in all.
            (Point.UNIT, Direction.HALF_UP, 33),
            (Point.UNIT, Direction.HALF_EVEN, 30),
            (Point.UNIT, Direction.DOWN, 30),
            (Point.UNIT, Direction.UP, 33),
            (Point.LINE, Direction.HALF_UP, 32),
            (Point.LINE, Direction.HALF_EVEN, 32),
            (Point.LINE, Direction.DOWN, 31),
            (Point.LINE, Direction.UP, 32),
        ],
    )
    def test_each_unit_or_the_line(self, rounded, direction, amount):
        rule = percent(1_000, rounded=rounded, direction=direction)

        assert total([rule], self.FACTS) == amount

    def test_the_total_over_two_versions(self):
        old = percent(1_000, number="T-1", ends=moment(2027, 5, 2))
        new = replace(old, number="T-2", begins=old.ends, ends=None)
        whole = [replace(rule, rounded=Point.TOTAL) for rule in (old, new)]

        # 10.5 and 21.0: 11 + 21 by lines; 31.5 is 32 in all, of which the half is the first's.
        assert [line.amount for line in levies.due([old, new], self.FACTS)] == [11, 21]
        assert [line.amount for line in levies.due(whole, self.FACTS)] == [11, 21]
        down = [replace(rule, direction=Direction.DOWN) for rule in whole]
        assert [line.amount for line in levies.due(down, self.FACTS)] == [10, 21]


class TestWhoGetsIt:
    def test_parts_by_the_largest_remainder(self):
        rule = per_night(
            101,
            per=Per.NIGHT,
            shares=(
                Share(Payee.TAX, "region", 450),
                Share(Payee.CITY, "", 400),
                Share(Payee.CITY, "tourism-board", 150),
            ),
        )

        lines = levies.due([rule], stay(1))

        # 45.45, 40.40 and 15.15: the odd one goes to the largest fraction.
        assert [(line.to, line.beneficiary, line.amount) for line in lines] == [
            (Payee.TAX, "region", 46),
            (Payee.CITY, "", 40),
            (Payee.CITY, "tourism-board", 15),
        ]
        assert [line.working.share for line in lines] == [[450, 1_000], [400, 1_000], [150, 1_000]]


class TestGivingBack:
    def test_two_nights_less_than_were_paid(self):
        rules = [
            per_night(per=Per.NIGHT, shares=(Share(Payee.TAX, "region", 2), Share(Payee.CITY))),
            percent(1_000, number="P-1", code="percent"),
        ]

        back = levies.difference(levies.due(rules, stay(5)), levies.due(rules, stay(3)))

        assert [(line.code, line.beneficiary, line.amount) for line in back] == [
            ("tourist_tax", "region", 333),
            ("tourist_tax", "", 167),
            ("percent", "", 2_000),
        ]

    def test_nights_above_the_cap_give_nothing_back(self):
        rules = [per_night(most_parts=3)]

        assert levies.difference(levies.due(rules, stay(5)), levies.due(rules, stay(3))) == []

    def test_what_is_called_off_gives_all_back(self):
        paid = levies.due([per_night()], stay(2))

        assert [line.amount for line in levies.difference(paid, [])] == [1_000]


class TestPapers:
    def test_a_rule_can_be_written_down_and_read_again(self):
        rule = percent(
            750,
            begins=moment(2027, 1, 1),
            weekdays=(4, 5),
            most=9_000,
            exemptions=(Exemption("medical", "Medical", "a letter", Frees.COMPANION),),
            shares=(Share(Payee.TAX, "region", 2), Share(Payee.CITY)),
        )

        assert Rule.thawed(rule.frozen()) == rule
        assert Rule.thawed(per_night().frozen()) == per_night()

    def test_a_line_keeps_how_it_was_worked_out(self):
        (line,) = levies.due([per_night()], stay(2))

        assert Line.thawed(line.frozen()) == line
        # A line that is no tax is kept as it always was.
        assert Line("start", 600, Payee.PROVIDER).frozen() == {
            "code": "start",
            "amount": 600,
            "to": "PROVIDER",
            "quantity": None,
            "rate": None,
        }

    @pytest.mark.parametrize(
        "wrong",
        [
            {"rate": -1},
            {"times_bp": 0},
            {"most": -1},
            {"shares": ()},
            {"shares": (Share(Payee.CITY, weight=0),)},
            {"base": ("night",)},
            {"kind": Kind.PERCENT},
            {"kind": Kind.PERCENT, "base": ("tourist_tax",)},
            {"kind": Kind.PERCENT, "base": ("night",), "per": Per.KM},
            {"per": Per.RIDE, "age_from": 3},
            {"per": Per.RIDE, "hour_from": 3},
            {"hour_from": 3, "hour_until": 4},
        ],
    )
    def test_what_makes_no_sense_is_no_rule(self, wrong):
        with pytest.raises(ValueError, match="T-1"):
            replace(per_night(), **wrong)

    def test_a_stay_without_nights_and_a_time_without_length_are_none(self):
        with pytest.raises(ValueError, match="nights"):
            stay(0)
        with pytest.raises(ValueError, match="nights"):
            stay(2, amounts={"night": [1]})
        with pytest.raises(ValueError, match="two ends"):
            levies.hours(begins=moment(2027, 5, 1), ends=moment(2027, 5, 1), amounts={})
