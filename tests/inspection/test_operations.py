"""Starting, looking and ending: whose data, by whom, why and how long."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from apps.audit.models import Look, Record
from apps.inspection import operations as inspections
from apps.inspection import queries
from apps.inspection.models import Inspection
from apps.kernel.actors import Kind
from apps.notifications.models import Notice
from apps.notifications.words import said
from apps.parties import operations as parties
from apps.parties.models import Appointment, User
from tests import factories, rides
from tests.factories import CITY, NOON
from tests.inspection.scenes import case_of, officer, start
from tests.races import at_once

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def hernan():
    return officer()


@pytest.fixture
def camila():
    return factories.UserFactory(name="Camila Rojas")


def look(inspection, at=NOON, row="7"):
    inspections.look(
        ref=inspection.ref,
        what="orders.order",
        row=row,
        by=inspection.officer.acting(Kind.OFFICER),
        at=at,
    )


def told_of(topic):
    rides.relay_all(NOON + timedelta(hours=2))
    return [record.body for record in Record.objects.filter(topic=topic).order_by("pk")]


class TestStarting:
    def test_it_lasts_for_as_long_as_was_said_and_the_record_has_it(self, hernan, camila):
        made = start(hernan, camila, NOON, minutes=30, words="  a lost bag ")

        assert (made.until, made.words) == (NOON + 30 * MINUTE, "a lost bag")
        assert told_of("inspection.started") == [
            {
                "inspection": str(made.ref),
                "person": camila.pk,
                "provider": None,
                "reason": "A complaint: a lost bag",
                "until": "2027-05-01T12:30:00+00:00",
            }
        ]

    def test_the_purpose_is_in_the_language_of_whom_it_is_of(self, hernan):
        sofia = factories.UserFactory(language="es")
        assert start(hernan, sofia, NOON).why == "Un reclamo: a lost bag"

    @pytest.mark.parametrize(
        "change", [{"words": "  "}, {"purpose": "CURIOSITY"}, {"minutes": 61}, {"minutes": 0}]
    )
    def test_without_a_purpose_or_for_another_time_it_does_not_start(self, hernan, camila, change):
        with pytest.raises(ValueError, match="purpose in words"):
            start(hernan, camila, NOON, **change)

    def test_nobody_inspects_themself(self, hernan):
        with pytest.raises(inspections.NotYours):
            start(hernan, hernan, NOON)

    @pytest.mark.parametrize("role", ["clerk", "treasurer", "auditor", "duty", "rules"])
    def test_other_roles_inspect_nobody(self, camila, role):
        with pytest.raises(inspections.NotYours):
            start(officer(role), camila, NOON)

    def test_a_case_that_is_named_is_there_and_stands_in_the_purpose(self, hernan, camila):
        case = case_of(camila)
        assert start(hernan, camila, NOON, case_number=case.number).why == (
            f"A complaint ({case.number}): a lost bag"
        )

    def test_a_case_that_is_not_there_is_not_named(self, hernan, camila):
        with pytest.raises(inspections.NoSuchCase):
            start(hernan, camila, NOON, case_number="2027-999")

    def test_of_a_provider_there_must_be_somebody_who_sees_it(self, hernan):
        alone = factories.ProviderFactory()
        with pytest.raises(inspections.NobodyToTell):
            start(hernan, None, NOON, provider_id=alone.pk)
        owner = factories.MembershipFactory(provider=alone).user
        made = start(hernan, None, NOON, provider_id=alone.pk)
        assert queries.to_tell(made) == {owner.pk}

    def test_of_two_at_once_the_second_is_refused_until_the_first_is_over(self, hernan, camila):
        start(hernan, camila, NOON)
        other = factories.UserFactory()
        with pytest.raises(inspections.UnderWay):
            start(hernan, other, NOON + 14 * MINUTE)
        start(hernan, other, NOON + 15 * MINUTE)

        first = Inspection.objects.earliest("pk")
        assert (first.ending, first.ended_at) == ("TIME", NOON + 15 * MINUTE)


class TestTheDatabase:
    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ({"until": NOON + 61 * MINUTE}, "inspection_lasts_an_hour_at_most"),
            ({"until": NOON}, "inspection_lasts_an_hour_at_most"),
            ({"words": ""}, "inspection_says_why"),
            ({"person": None}, "inspection_of_one_person_or_provider"),
            ({"ended_at": NOON}, "inspection_ends_within_its_time_and_says_how"),
            (
                {"ended_at": NOON + 16 * MINUTE, "ending": "TIME"},
                "inspection_ends_within_its_time_and_says_how",
            ),
        ],
    )
    def test_holds_the_rules_without_us(self, hernan, camila, change, constraint):
        row = {
            "officer": hernan,
            "person": camila,
            "purpose": "SAFETY",
            "words": "x",
            "started_at": NOON,
            "until": NOON + 15 * MINUTE,
        }
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Inspection.objects.create(**(row | change))
        with pytest.raises(IntegrityError, match="themself"), transaction.atomic():
            Inspection.objects.create(**(row | {"person": hernan}))

    @pytest.mark.parametrize(
        "change", [{"until": NOON + 59 * MINUTE}, {"words": "another"}, {"ended_at": None}]
    )
    def test_lets_nothing_change_but_the_end(self, hernan, camila, change):
        start(hernan, camila, NOON)
        with pytest.raises(IntegrityError, match="only ends"):
            Inspection.objects.update(**change)

    def test_does_not_open_it_again_and_takes_none_out(self, hernan, camila):
        made = start(hernan, camila, NOON)
        inspections.end(ref=made.ref, ending="BY_HAND", by=CITY, at=NOON + MINUTE)
        with pytest.raises(IntegrityError, match="only ends"), transaction.atomic():
            Inspection.objects.update(ended_at=None, ending="")
        with pytest.raises(IntegrityError, match="append-only"):
            Inspection.objects.all()._raw_delete("default")


class TestLooking:
    def test_each_look_is_a_line_of_the_person_with_the_purpose(self, hernan, camila):
        made = start(hernan, camila, NOON)
        look(made)
        look(made, NOON + MINUTE, row="8")

        kept = Look.objects.filter(person=camila.pk).order_by("pk")
        assert list(kept.values_list("row", "why", "by", "inspection")) == [
            (row, "A complaint: a lost bag", f"officer:{hernan.pk}", made.ref) for row in ("7", "8")
        ]

    def test_at_the_minute_at_which_it_ends_nothing_more_is_seen(self, hernan, camila):
        made = start(hernan, camila, NOON)
        look(made, NOON + 15 * MINUTE - timedelta(microseconds=1))
        with pytest.raises(inspections.Over):
            look(made, NOON + 15 * MINUTE)
        assert Look.objects.count() == 1

    def test_nobody_looks_through_the_inspection_of_another(self, hernan, camila):
        made = start(hernan, camila, NOON)
        other = officer(name="Ana Reyes")
        with pytest.raises(inspections.Over):
            inspections.look(
                ref=made.ref, what="x", row="1", by=other.acting(Kind.OFFICER), at=NOON
            )


class TestEnding:
    def test_it_is_over_when_its_time_is_whether_or_not_a_task_ran(self, hernan, camila):
        made = start(hernan, camila, NOON)
        before, after = NOON + 14 * MINUTE, NOON + 15 * MINUTE
        assert inspections.under_way(officer_id=hernan.pk, at=before) == made

        assert inspections.under_way(officer_id=hernan.pk, at=after + 5 * MINUTE) is None

        made.refresh_from_db()
        assert (made.ending, made.ended_at) == ("TIME", after)

    def test_it_is_over_with_the_role(self, hernan, camila):
        start(hernan, camila, NOON)
        held = Appointment.objects.get(user=hernan)
        parties.take_role(appointment_id=held.pk, reason="tests", by=CITY, at=NOON)

        assert inspections.under_way(officer_id=hernan.pk, at=NOON + MINUTE) is None
        assert Inspection.objects.get().ending == "ROLE"

    def test_it_is_over_with_the_account(self, hernan, camila):
        start(hernan, camila, NOON)
        User.objects.filter(pk=hernan.pk).update(is_active=False)
        assert inspections.end_due(at=NOON + MINUTE) == 1
        assert Inspection.objects.get().ending == "ROLE"

    def test_the_task_ends_what_is_due_and_nothing_else(self, hernan, camila):
        start(hernan, camila, NOON)
        start(officer(name="Ana Reyes"), camila, NOON, minutes=60)

        assert inspections.end_due(at=NOON + 20 * MINUTE) == 1

        endings = Inspection.objects.order_by("pk").values_list("ending", flat=True)
        assert list(endings) == ["TIME", ""]

    def test_ending_twice_is_harmless(self, hernan, camila):
        made = start(hernan, camila, NOON)
        for at in (NOON + MINUTE, NOON + 2 * MINUTE):
            inspections.end(ref=made.ref, ending="BY_HAND", by=CITY, at=at)
        assert Inspection.objects.get().ended_at == NOON + MINUTE
        assert [body["ending"] for body in told_of("inspection.ended")] == ["BY_HAND"]

    def test_the_person_is_told_once_who_it_was_and_why(self, hernan, camila):
        made = start(hernan, camila, NOON)
        look(made)
        look(made)
        told_of("inspection.started")
        assert not Notice.objects.exists()

        inspections.end(ref=made.ref, ending="BY_HAND", by=CITY, at=NOON + MINUTE)
        told_of("inspection.ended")

        notice = Notice.objects.get()
        words = said(notice, language="en", now=NOON)
        assert (notice.user, notice.link) == (camila, "/me/looks/")
        assert words.title == "An officer of the city looked at your data"
        assert words.text == "Hernán Silva. A complaint: a lost bag. Pages seen: 2"
        assert said(notice, language="es", now=NOON).title != words.title

    def test_of_an_inspection_in_which_nothing_was_seen_nobody_is_told(self, hernan, camila):
        made = start(hernan, camila, NOON)
        inspections.end(ref=made.ref, ending="BY_HAND", by=CITY, at=NOON + MINUTE)
        told_of("inspection.ended")
        assert not Notice.objects.exists()


class TestDistricts:
    @pytest.fixture
    def town(self):
        town = rides.town()
        self.zone = factories.ZoneFactory(city=town.city)
        self.order = town.confirm()
        return town

    def test_an_inspector_inspects_who_had_to_do_with_their_district(self, town):
        ana = officer("inspector", self.zone.pk)
        for person in (town.rider, town.worker.user):
            made = start(ana, person, NOON)
            assert list(queries.orders_of(made, queries.reach_of(ana))) == [self.order]
            inspections.end(ref=made.ref, ending="BY_HAND", by=CITY, at=NOON)
        assert start(ana, None, NOON, provider_id=town.worker.provider_id)

    def test_and_nobody_else(self, town, camila):
        with pytest.raises(inspections.NotYours):
            start(officer("inspector", self.zone.pk), camila, NOON)

    def test_nor_anybody_of_another_district(self, town):
        shore = [[-71.30, -29.95], [-71.27, -29.95], [-71.27, -29.90], [-71.30, -29.95]]
        coast = factories.ZoneFactory(
            city=town.city,
            slug="coast",
            boundary={"type": "MultiPolygon", "coordinates": [[shore]]},
        )
        with pytest.raises(inspections.NotYours):
            start(officer("inspector", coast.pk), town.rider, NOON)


@pytest.mark.django_db(transaction=True)
class TestTheRace:
    @pytest.fixture
    def two(self):
        hernan, people = officer(), [factories.UserFactory() for _ in range(2)]
        return [lambda person=person: start(hernan, person, NOON) for person in people]

    def test_of_two_starts_at_once_one_is_refused(self, two):
        came = at_once(*two)

        assert sorted(type(one).__name__ for one in came) == ["Inspection", "UnderWay"]
        assert Inspection.objects.count() == 1

    def test_without_the_constraint_there_would_be_two(self, two):
        one = next(c for c in Inspection._meta.constraints if c.name == inspections.ONE_AT_A_TIME)
        with connection.schema_editor() as editor:
            editor.remove_constraint(Inspection, one)
        try:
            at_once(*two)
            assert Inspection.objects.count() == 2
        finally:
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE inspection_inspection")
            with connection.schema_editor() as editor:
                editor.add_constraint(Inspection, one)
