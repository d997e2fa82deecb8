"""Taxes and fees in the city's books: versions, ends, and what the database refuses."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from apps.bus.models import Event
from apps.pricing import levies, operations
from apps.pricing.levies import Exemption, Kind, Per, Rule, Share
from apps.pricing.models import Levy, LevyShare, Payee
from apps.pricing.queries import levies_of, rule_of
from tests import factories, races
from tests import levies as levies_in_force
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
    return levies_in_force.put(city, rule, at=at)


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


class TestFourEyes:
    """One officer proposes, another decides, and the database holds to it."""

    @pytest.fixture
    def first(self, db):
        return factories.UserFactory()

    @pytest.fixture
    def second(self, db):
        return factories.UserFactory()

    def propose(self, city, who, rule=RULE, at=RULE.begins):
        return operations.propose_levy(
            city_id=city.pk, rule=rule, officer_id=who.pk, by=OFFICER, at=at
        )

    def approve(self, levy, who, at=RULE.begins):
        return operations.approve_levy(levy_id=levy.pk, officer_id=who.pk, by=OFFICER, at=at)

    def reject(self, levy, who, reason="Too much."):
        return operations.reject_levy(
            levy_id=levy.pk, officer_id=who.pk, reason=reason, by=OFFICER, at=RULE.begins
        )

    def test_a_proposal_binds_nobody_until_another_officer_approves_it(self, city, first, second):
        levy = self.propose(city, first)
        assert in_force(city, NOON) == []
        with pytest.raises(operations.FourEyes):
            self.approve(levy, first)
        for _ in range(2):
            self.approve(levy, second)

        assert in_force(city, NOON) == ["2027-1"]
        levy.refresh_from_db()
        assert (levy.proposed_by, levy.decided_by) == (first, second)
        told = Event.objects.filter(topic__startswith="pricing.levy_").order_by("pk")
        assert [one.topic for one in told] == ["pricing.levy_proposed", "pricing.levy_set"]

    def test_a_proposal_leaves_the_version_before_alone(self, city, first, second):
        before = put(city)
        levy = self.propose(city, first, NEXT)
        before.refresh_from_db()
        assert before.valid.upper is None
        self.approve(levy, second, NOON)
        before.refresh_from_db()
        assert before.valid.upper == NEXT.begins

    def test_approved_late_it_holds_from_then_on_and_taxes_no_past(self, city, first, second):
        late = RULE.begins + timedelta(days=3)
        levy = self.approve(self.propose(city, first), second, late)

        assert levy.valid.lower == late
        assert self.propose(city, first) == levy
        ended = self.propose(city, first, replace(RULE, number="E", code="e", ends=late))
        with pytest.raises(operations.BeginsTooLate):
            self.approve(ended, second, late)

    def test_a_rejection_says_why_and_frees_the_number(self, city, first, second):
        levy = self.propose(city, first)
        with pytest.raises(operations.FourEyes):
            self.reject(levy, first)
        with pytest.raises(ValueError, match="reason"):
            self.reject(levy, second, " ")
        for _ in range(2):
            self.reject(levy, second)
        with pytest.raises(operations.NotInTheMaking):
            self.approve(levy, second)
        with pytest.raises(operations.NotInTheMaking):
            operations.end_levy(levy_id=levy.pk, reason="x", by=OFFICER, at=NOON)

        assert self.propose(city, first).pk != levy.pk
        assert in_force(city, NOON) == []

    @pytest.mark.parametrize(
        ("wrong", "name"),
        [
            ({"decided_by": "first"}, "pricing_levy_four_eyes"),
            ({"state": "APPROVED"}, "pricing_levy_approved_by_a_second_officer"),
            ({"state": "APPROVED", "was_set_by_one": True}, "second officer"),
            ({"state": "REJECTED"}, "pricing_levy_no_rejection_without_a_reason"),
        ],
    )
    def test_whoever_goes_past_the_operations_is_stopped_by_the_database(
        self, city, first, wrong, name
    ):
        levy = self.propose(city, first)
        told = {key: first if value == "first" else value for key, value in wrong.items()}
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Levy.objects.filter(pk=levy.pk).update(**told)
        levy.pk = None
        for key, value in told.items():
            setattr(levy, key, value)
        levy.number = "new"
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            levy.save(force_insert=True)


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


@pytest.mark.django_db(transaction=True)
def test_what_one_officer_set_before_goes_on_and_can_be_ended(city):
    """The migration that asks for a second officer, there and back again."""

    def migrated(name):
        executor = MigrationExecutor(connection)
        executor.migrate([("pricing", name)])
        return executor.loader.project_state([("pricing", name)]).apps

    levy, waiting = put(city), partial(operations.propose_levy, city_id=city.pk, by=OFFICER)
    waiting(rule=NEXT, officer_id=factories.UserFactory().pk, at=NOON)
    try:
        old = migrated("0004_replacing_quotes").get_model("pricing", "Levy")
        # What nobody had approved is no tax where one officer is enough.
        assert list(old.objects.values_list("number", flat=True)) == ["2027-1"]
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes("pricing"))
    levy = Levy.objects.get()
    assert (levy.state, levy.was_set_by_one, levy.decided_by) == ("APPROVED", True, None)
    assert in_force(city, NOON) == ["2027-1"]
    operations.end_levy(levy_id=levy.pk, reason="the court said so", by=OFFICER, at=NOON)
    assert in_force(city, NOON) == []
