"""The rules themselves, without a database: whom they concern, and what they say."""

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.regulation.rules import (
    KINDS,
    WHOLE,
    Act,
    Cap,
    Case,
    Closed,
    Commission,
    Crisis,
    Fee,
    Hours,
    Limit,
    Malformed,
    Pay,
    PermitNeeded,
    Price,
    Rule,
    Scope,
    Subsidy,
    ask,
)

# A Saturday; the city's clock is not asked here, so UTC stands for it.
SATURDAY = datetime(2027, 5, 1, 12, tzinfo=UTC)
ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)
RIDE = Case(act=Act.QUOTE, city_id=1, vertical="mobility", provider_id=7, moment=SATURDAY)


def rule(terms, scope=None, *, number="P-1", version=1, begins=ALWAYS, ends=None):
    return Rule(number, version, "A rule.", scope or Scope(), terms, begins, ends)


def said(*rules, case=RIDE, zones=None, now=SATURDAY):
    return ask(rules, case, zones=zones or {}, now=now)


def at(clock, day=1):
    return SATURDAY.replace(day=day, hour=int(clock[:2]), minute=int(clock[3:]))


class TestScope:
    @pytest.mark.parametrize(
        ("clock", "holds"),
        [("21:59", False), ("22:00", True), ("23:30", True), ("05:59", True), ("06:00", False)],
    )
    def test_a_window_may_pass_midnight(self, clock, holds):
        assert Scope(hour_from=time(22), hour_to=time(6)).is_on(at(clock)) is holds

    def test_the_small_hours_belong_to_the_evening_before(self):
        friday_night = Scope(weekdays=frozenset({4}), hour_from=time(22), hour_to=time(6))

        hours = [at("02:00"), at("23:00"), at("02:00", day=2)]
        assert [friday_night.is_on(now) for now in hours] == [True, False, False]

    @pytest.mark.parametrize(
        ("day", "holds"), [("12-14", False), ("12-15", True), ("02-29", True), ("03-16", False)]
    )
    def test_a_season_may_pass_the_new_year(self, day, holds):
        summer = Scope(season_from="12-15", season_to="03-15")

        assert summer.is_on(datetime.fromisoformat(f"2028-{day}T12:00:00+00:00")) is holds

    @pytest.mark.parametrize(
        ("zones", "holds"),
        [
            ({"pickup": ["beach"]}, True),
            ({"at": ["beach"]}, True),
            ({"dropoff": ["beach"]}, False),
            ({"pickup": ["centre"]}, False),
            ({}, False),
        ],
    )
    def test_a_zone_is_where_a_service_begins_unless_the_rule_says_otherwise(self, zones, holds):
        beach = Scope(zones=frozenset({"beach"}))

        assert bool(said(rule(Closed(), beach), zones=zones).findings) is holds

    def test_the_other_end_counts_when_the_rule_says_so(self):
        into = Scope(zones=frozenset({"beach"}), ends=frozenset({"dropoff"}))

        assert said(rule(Closed(), into), zones={"dropoff": ["beach"]}).refused_by

    @pytest.mark.parametrize(
        ("scope", "holds"),
        [
            (Scope(providers=frozenset({7})), True),
            (Scope(providers=frozenset({8})), False),
            (Scope(classes=frozenset({"large"})), True),
            (Scope(classes=frozenset({"standard"})), False),
        ],
    )
    def test_providers_and_classes(self, scope, holds):
        case = replace(RIDE, kind="large")

        assert bool(said(rule(Closed(), scope), case=case).findings) is holds

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"ends": []}, "ends"),
            ({"ends": ["roof"]}, "ends"),
            ({"weekdays": [7]}, "weekdays"),
            ({"weekdays": [True]}, "weekdays"),
            ({"hour_from": "22:00"}, "hour_to"),
            ({"hour_from": "22:00", "hour_to": "22:00"}, "hour_to"),
            ({"hour_from": "25:00", "hour_to": "26:00"}, "hour_from"),
            ({"season_from": "12-15"}, "season_to"),
            ({"season_from": "02-30", "season_to": "03-01"}, "season_from"),
            ({"zones": "beach"}, "zones"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_what_makes_no_sense_is_refused_with_its_field(self, wrong, field):
        with pytest.raises(Malformed) as no:
            Scope.thawed(wrong)

        assert no.value.field == field


class TestTerms:
    @pytest.mark.parametrize(
        ("kind", "wrong", "field"),
        [
            ("cap", {"fact": "nights"}, "most"),
            ("cap", {"fact": "nights", "most": -1}, "most"),
            ("cap", {"fact": "nights", "most": 90, "per": "week"}, "per"),
            ("limit", {"fact": "guests"}, "most"),
            ("limit", {"fact": "guests", "most": 1, "least": 2}, "most"),
            ("price", {}, "floor_minor"),
            ("price", {"floor_minor": 2, "ceiling_minor": 1}, "ceiling_minor"),
            ("price", {"surge_most_bp": 9_999}, "surge_most_bp"),
            ("price", {"floor_minor": 2.5}, "floor_minor"),
            ("commission", {"most_bp": 10_001}, "most_bp"),
            ("hours", {"opens": "09:00", "closes": "09:00"}, "closes"),
            ("subsidy", {"most_minor": 5}, "flat_minor"),
            ("fee", {}, ""),
            ("speed", {"kmh": "slow"}, "kmh"),
        ],
    )
    def test_what_makes_no_sense_is_refused_with_its_field(self, kind, wrong, field):
        with pytest.raises(Malformed) as no:
            KINDS[kind].thawed(wrong)

        assert no.value.field == field

    @pytest.mark.parametrize(
        "terms",
        [
            Cap("nights", 90),
            Cap("rides", 9, per="day", of="worker"),
            Limit("guests", most=6),
            Price(surge_most_bp=12_000),
            Hours(time(9), time(2)),
            PermitNeeded(needed=False),
            Crisis(frozenset({"stadium", "school"})),
        ],
    )
    def test_terms_come_back_as_they_were_kept(self, terms):
        assert type(terms).thawed(terms.frozen()) == terms


class TestAsking:
    def test_a_rule_holds_from_its_first_moment_up_to_its_last(self):
        begun = rule(Closed(), begins=SATURDAY)
        ended = rule(Closed(), ends=SATURDAY)

        assert (bool(said(begun).refused_by), bool(said(ended).findings)) == (True, False)

    def test_every_rule_that_was_asked_is_named_with_its_version_and_its_word(self):
        answer = said(
            rule(Limit("guests", most=4), number="P-1"),
            rule(Limit("guests", most=9), number="P-2", version=3),
            rule(Limit("beds", most=1), number="P-3"),
            case=replace(RIDE, facts={"guests": 6}),
        )

        assert answer.frozen() == [["P-1", 1, "no"], ["P-2", 3, "yes"]]
        assert answer.refused_by.name == "P-1/1"

    @pytest.mark.parametrize(
        ("guests", "refused"), [(0, True), (1, False), (6, False), (7, True), ("six", False)]
    )
    def test_limits_include_their_bounds(self, guests, refused):
        case = replace(RIDE, facts={"guests": guests})

        answer = said(rule(Limit("guests", most=6, least=1)), case=case)
        assert (answer.refused_by is not None) is refused

    @pytest.mark.parametrize(("clock", "refused"), [("09:00", False), ("02:00", True)])
    def test_outside_its_hours_it_is_closed(self, clock, refused):
        answer = said(rule(Hours(time(9), time(2))), now=at(clock))

        assert (answer.refused_by is not None) is refused

    def test_a_permit_is_needed_unless_every_rule_on_it_says_otherwise(self):
        lifted, needed = rule(PermitNeeded(needed=False)), rule(PermitNeeded())

        assert [said(*rules).needs_permit for rules in ([], [lifted], [lifted, needed])] == [
            True,
            False,
            True,
        ]

    def test_caps_are_asked_when_something_is_promised_and_not_for_a_price(self):
        cap = rule(Cap("rides", 9, per="day", of="worker"))
        case = replace(RIDE, counts={"rides": 1}, who={"worker": 5})

        assert said(cap, case=case).takes == ()
        (take,) = said(cap, case=replace(case, act=Act.BOOK)).takes
        assert (take.subject, take.period, take.amount) == ("P-1:worker:5", "2027-05-01", 1)

    @pytest.mark.parametrize(
        ("per", "periods"),
        [
            ("day", {"2026-12-31": 1, "2027-01-01": 1}),
            ("month", {"2026-12": 1, "2027-01": 1}),
            ("year", {"2026": 1, "2027": 1}),
            ("now", {"now": 2}),
        ],
    )
    def test_days_are_counted_each_in_its_period(self, per, periods):
        cap = rule(Cap("nights", 90, per=per, of="provider"))
        nights = [date(2026, 12, 31), date(2027, 1, 1)]
        case = replace(RIDE, act=Act.BOOK, counts={"nights": nights})

        assert {take.period: take.amount for take in said(cap, case=case).takes} == periods

    def test_of_several_bounds_the_strictest_holds(self):
        answer = said(
            rule(Price(floor_minor=800, ceiling_minor=9_000), number="P-1"),
            rule(Price(floor_minor=1_000, surge_most_bp=15_000), number="P-2"),
            rule(Price(ceiling_minor=8_000, surge_most_bp=12_000), number="P-3"),
            rule(Commission(most_bp=900), number="P-4"),
            rule(Commission(most_bp=1_500), number="P-5"),
            rule(Pay(per_km_minor=500), number="P-6"),
            rule(Fee(flat_minor=50), number="P-7"),
        )

        bounds = answer.bounds
        assert (bounds.floor, bounds.ceiling) == ((1_000, "P-2/1"), (8_000, "P-3/1"))
        assert (bounds.surge, bounds.commission) == ((12_000, "P-3/1"), (900, "P-4/1"))
        assert [name for _, name in bounds.pays] == ["P-6/1"]
        assert [name for _, name in bounds.fees] == ["P-7/1"]


class TestCrisis:
    FLOOD = rule(Crisis(shelters=frozenset({"stadium"})), Scope(zones=frozenset({"river"})))

    @pytest.mark.parametrize(
        ("zones", "refused", "free"),
        [
            ({"pickup": ["centre"], "dropoff": ["river"]}, True, False),
            ({"pickup": ["river"], "dropoff": ["stadium"]}, False, True),
            ({"pickup": ["river"], "dropoff": ["centre"]}, False, False),
            ({"at": ["river"]}, True, False),
            ({}, False, False),
        ],
    )
    def test_nobody_is_driven_in_and_ways_to_shelters_are_free(self, zones, refused, free):
        answer = said(self.FLOOD, zones=zones)

        assert (answer.refused_by is not None) is refused
        assert answer.bounds.surge == (WHOLE, "P-1/1")
        whole = ((Subsidy(share_bp=WHOLE), "P-1/1"),)
        assert answer.bounds.subsidies == (whole if free else ())


class TestRecomputing:
    @given(
        guests=st.integers(0, 12),
        hour=st.integers(0, 23),
        most=st.integers(0, 12),
        weekdays=st.frozensets(st.integers(0, 6)),
    )
    def test_a_decision_comes_out_the_same_from_what_was_kept(self, guests, hour, most, weekdays):
        """Rules and facts go through JSON and say the same again."""
        kept = rule(Limit("guests", most=most), Scope(weekdays=weekdays))
        again = rule(Limit.thawed(kept.terms.frozen()), Scope.thawed(kept.scope.frozen()))
        case, now = replace(RIDE, facts={"guests": guests}), SATURDAY.replace(hour=hour)

        answers = [said(one, case=case, now=now).frozen() for one in (kept, again)]
        assert answers[0] == answers[1]
        concerned = not weekdays or 5 in weekdays
        assert bool(answers[0]) is concerned
