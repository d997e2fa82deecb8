"""Taxes and fees in the city's books: versions, ends, and what the database refuses."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction

from apps.bus.models import Event
from apps.pricing import levies, operations
from apps.pricing.levies import Exemption, Kind, Per, Rule, Share
from apps.pricing.models import Levy, LevyShare, Payee
from apps.pricing.queries import levies_of, rule_of
from tests import factories, races
from tests.factories import NOON, OFFICER

pytestmark = pytest.mark.django_db

RULE = Rule(
    number="2027-1",
    code="tourist_tax",
    name="Tourist tax",
    vertical="lodging",
    shares=(Share(Payee.TAX, "region", 450), Share(Payee.CITY, weight=400)),
    kind=Kind.AMOUNT,
    rate=850,
    per=Per.PERSON_NIGHT,
    age_from=17,
    most_parts=7,
    begins=datetime(2027, 1, 1, 3, tzinfo=UTC),
    exemptions=(
        Exemption("ill", "Medical stays", "a letter", levies.Frees.COMPANION),
        Exemption("free", "Stays offered free"),
    ),
)
NEXT = replace(RULE, number="2028-1", rate=950, begins=datetime(2028, 1, 1, 3, tzinfo=UTC))


@pytest.fixture
def city(db):
    return factories.CityFactory()


def put(city, rule: Rule = RULE, at: datetime = NOON) -> Levy:
    return operations.set_levy(city_id=city.pk, rule=rule, by=OFFICER, at=at)


def in_force(city, at: datetime, vertical: str = "lodging") -> list[str]:
    return [
        rule.number for rule in levies_of(city_id=city.pk, vertical=vertical, since=at, until=at)
    ]


def test_what_is_kept_is_what_was_said(city):
    said = sorted(RULE.exemptions, key=lambda one: one.code)

    assert rule_of(put(city)) == replace(RULE, exemptions=tuple(said))
    told = Event.objects.get(topic="pricing.levy_set")
    assert (told.by, told.body["number"]) == (str(OFFICER), "2027-1")


def test_saying_it_twice_is_harmless_and_another_thing_under_its_number_is_refused(city):
    levy = put(city)

    assert put(city) == levy
    with pytest.raises(operations.NumberTaken):
        put(city, replace(RULE, rate=851))

    assert Event.objects.filter(topic="pricing.levy_set").count() == 1


def test_a_new_version_ends_the_one_before(city):
    put(city)
    put(city, NEXT)

    begins = NEXT.begins
    assert in_force(city, begins - timedelta(seconds=1)) == ["2027-1"]
    assert in_force(city, begins) == ["2028-1"]
    rules = levies_of(
        city_id=city.pk, vertical="lodging", since=NOON, until=NOON + timedelta(days=365)
    )
    assert [rule.number for rule in rules] == ["2027-1", "2028-1"]
    # Said again, the first is not set anew.
    assert put(city).valid.upper == begins


def test_nothing_is_put_before_what_is_planned(city):
    put(city, NEXT)

    with pytest.raises(operations.LevyOverlaps):
        put(city)

    assert in_force(city, NOON) == []


def test_a_zone_and_the_rest_of_the_city_have_rules_of_their_own(city):
    zone = factories.zone(city)
    put(city)
    put(city, replace(RULE, number="Z-1", zone=zone.slug, rate=1_500))

    assert in_force(city, NOON) == ["2027-1", "Z-1"]
    with pytest.raises(operations.LevyOverlaps):
        put(city, replace(RULE, number="Z-2", zone=zone.slug))
    with pytest.raises(ValueError, match="no zone"):
        put(city, replace(RULE, number="Z-3", zone="nowhere"))


def test_what_is_for_every_service_is_found_for_each(city):
    put(city, replace(RULE, vertical=""))

    assert in_force(city, NOON, "mobility") == ["2027-1"]


class TestEnding:
    def test_it_holds_no_longer_from_now_on(self, city):
        levy = put(city)

        for _ in range(2):
            operations.end_levy(levy_id=levy.pk, reason="the court said so", by=OFFICER, at=NOON)

        assert in_force(city, NOON - timedelta(seconds=1)) == ["2027-1"]
        assert in_force(city, NOON) == []
        told = Event.objects.get(topic="pricing.levy_ended")
        assert told.body["reason"] == "the court said so"

    def test_what_has_not_begun_is_called_off_and_the_one_before_goes_on(self, city):
        put(city)
        planned = put(city, NEXT)

        operations.end_levy(levy_id=planned.pk, reason="a typing error", by=OFFICER, at=NOON)

        assert in_force(city, NEXT.begins) == ["2027-1"]
        assert Event.objects.filter(topic="pricing.levy_called_off").count() == 1
        # Its number is used up; the same rule may come under another.
        with pytest.raises(operations.NumberTaken):
            put(city, NEXT)
        put(city, replace(NEXT, number="2028-2"))
        assert in_force(city, NEXT.begins) == ["2028-2"]

    def test_a_version_with_an_end_of_its_own_gets_it_back(self, city):
        ends = datetime(2029, 1, 1, tzinfo=UTC)
        first = put(city, replace(RULE, ends=ends))
        planned = put(city, NEXT)

        operations.end_levy(levy_id=planned.pk, reason="not yet", by=OFFICER, at=NOON)

        first.refresh_from_db()
        assert first.valid.upper == ends

    def test_nothing_ends_without_a_reason(self, city):
        with pytest.raises(ValueError, match="reason"):
            operations.end_levy(levy_id=put(city).pk, reason=" ", by=OFFICER, at=NOON)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"kind": "PERCENT"}, "pricing_levy_base_is_of_a_share"),
        ({"base": ["night"]}, "pricing_levy_base_is_of_a_share"),
        ({"kind": "PERCENT", "base": ["night"], "per": "PERSON"}, "pricing_levy_share_of_what"),
        ({"times_bp": 0}, "pricing_levy_share_of_what"),
        ({"per": "NIGHT"}, "pricing_levy_people"),
        ({"age_below": 17}, "pricing_levy_ages"),
        ({"hour_from": 3}, "pricing_levy_hours"),
        ({"hour_from": 3, "hour_until": 4}, "pricing_levy_hours"),
        ({"per": "HOUR", "age_from": None, "hour_from": 3, "hour_until": 3}, "pricing_levy_hours"),
        ({"weekdays": [7]}, "pricing_levy_weekdays"),
        ({"valid": "empty"}, "pricing_levy_begins"),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_database(city, wrong, name):
    levy = put(city)

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Levy.objects.filter(pk=levy.pk).update(**wrong)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"to": "PROVIDER"}, "pricing_share_is_public"),
        ({"weight": 0}, "pricing_share_weighs"),
        ({"to": "TAX", "beneficiary": "region"}, "pricing_share_once"),
    ],
)
def test_a_share_that_makes_no_sense_is_refused_by_the_database(city, wrong, name):
    share = put(city).shares.get(to="CITY")

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        LevyShare.objects.filter(pk=share.pk).update(**wrong)


@pytest.mark.django_db(transaction=True)
class TestTwoOfficersAtOnce:
    def two(self, city):
        other = replace(RULE, number="2027-2", rate=900)
        return races.at_once(partial(put, city), partial(put, city, other))

    def test_one_version_is_set_and_the_other_officer_is_told(self, city):
        came_of_it = self.two(city)

        assert sorted(type(one).__name__ for one in came_of_it) == ["Levy", "LevyOverlaps"]
        assert len(in_force(city, NOON)) == 1

    def test_without_the_constraint_both_would_hold(self, city):
        with races.without(Levy, "pricing_one_levy_at_a_time"):
            # Both look before either writes: the second has not seen the first.
            self.two(city)
            both = len(in_force(city, NOON))

        assert both == 2
