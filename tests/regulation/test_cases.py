"""Cases: opened, taken, heard, closed with words; each side sees what is meant for it."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, InternalError, connection, transaction

from apps.bus.models import Event
from apps.regulation import operations
from apps.regulation import queries_cases as read
from apps.regulation.models import CaseFile
from tests import cases, papers
from tests.factories import NOON, OFFICER, CityFactory, UserFactory
from tests.races import at_once, without

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def topics():
    return list(Event.objects.order_by("pk").values_list("topic", flat=True))


def history(case, eyes=None):
    events = case.events.all() if eyes is None else read.Seat(case, eyes).events
    return [(one.what, one.words) for one in events]


@pytest.mark.django_db
class TestDays:
    def test_a_case_is_due_after_working_days_of_the_city(self):
        # NOON is Saturday, the 1st of May 2027.
        city = CityFactory()
        assert read.working_day_after(city, date(2027, 5, 1), 1) == date(2027, 5, 3)
        operations.set_day_off(
            city_id=city.pk, day=date(2027, 5, 3), name="Fiesta", by=OFFICER, at=NOON
        )
        assert read.working_day_after(city, date(2027, 5, 1), 1) == date(2027, 5, 4)
        assert read.working_day_after(city, date(2027, 5, 1), 5) == date(2027, 5, 10)
        operations.set_deadline(
            city_id=city.pk, kind="complaint", working_days=1, by=OFFICER, at=NOON
        )
        assert cases.opened().due_on == date(2027, 5, 4)

    def test_the_day_is_counted_by_the_citys_clock(self):
        # In La Serena it is still Sunday, four hours behind.
        assert cases.opened(at=NOON + timedelta(days=1, hours=15)).due_on == date(2027, 5, 21)

    def test_a_setting_is_told_once(self):
        for _ in range(2):
            operations.set_deadline(
                city_id=CityFactory().pk, kind="appeal", working_days=7, by=OFFICER, at=NOON
            )
            operations.set_day_off(
                city_id=CityFactory().pk, day=date(2027, 9, 18), name="18", by=OFFICER, at=NOON
            )
        assert topics() == ["regulation.deadline_set", "regulation.day_off_set"]

    def test_what_is_late_is_known_by_the_citys_clock(self):
        case = cases.opened()
        late = NOON.replace(year=2027, month=case.due_on.month, day=case.due_on.day) + DAY
        assert not CaseFile.objects.filter(read.overdue(late - timedelta(hours=9))).exists()
        assert CaseFile.objects.filter(read.overdue(late)).exists()
        cases.close(cases.taken(case))
        assert not CaseFile.objects.filter(read.overdue(late)).exists()


@pytest.mark.django_db
class TestLife:
    def test_a_complaint_goes_its_way(self):
        provider, owner = cases.provider()
        citizen = UserFactory()
        case = cases.opened(citizen, provider=provider)
        assert (case.number, case.state) == ("C-1", "OPEN")
        who = cases.officer()
        cases.taken(case, who)
        operations.ask_for_statement(
            key=uuid4(),
            case_id=case.pk,
            words="What happened?",
            seen_by="provider",
            officer_id=who.pk,
            by=OFFICER,
            at=NOON,
        )
        case.refresh_from_db()
        assert case.state == "ASKED"
        assert read.Seat(case, "provider").is_asked
        assert not read.Seat(case, "opener").is_asked
        cases.say(case, citizen, "Hurry.")
        case.refresh_from_db()
        assert case.state == "ASKED"
        cases.say(case, owner, "A new colleague.", scan=papers.scan())
        case.refresh_from_db()
        assert case.state == "TAKEN"
        operations.note(
            key=uuid4(), case_id=case.pk, words="Known.", officer_id=who.pk, by=OFFICER, at=NOON
        )
        cases.close(case)
        case.refresh_from_db()
        assert (case.state, case.outcome, case.words) == ("CLOSED", "founded", "They were rude.")
        assert history(case, "opener") == [
            ("opened", "They hung up on me."),
            ("taken", ""),
            ("stated", "Hurry."),
            ("closed", "They were rude."),
        ]
        assert history(case, "provider") == [
            ("asked", "What happened?"),
            ("stated", "A new colleague."),
            ("closed", "They were rude."),
        ]
        assert len(history(case)) == 7
        assert topics()[-7:] == [
            f"regulation.case_{what}"
            for what in ("opened", "taken", "asked", "stated", "stated", "noted", "closed")
        ]

    def test_twice_is_harmless(self):
        who, key, spoken = cases.officer(), uuid4(), uuid4()
        citizen = UserFactory()
        case = cases.opened(citizen, key=key)
        assert cases.opened(citizen, key=key).pk == case.pk
        with pytest.raises(operations.AlreadyOpened):
            cases.opened(UserFactory(), key=key)
        for _ in range(2):
            cases.taken(case, who)
            cases.say(case, citizen, key=spoken)
        said, asked = uuid4(), uuid4()
        for _ in range(2):
            operations.note(
                key=said, case_id=case.pk, words="x", officer_id=who.pk, by=OFFICER, at=NOON
            )
            operations.ask_for_statement(
                key=asked,
                case_id=case.pk,
                words="y",
                seen_by="opener",
                officer_id=who.pk,
                by=OFFICER,
                at=NOON,
            )
        for _ in range(2):
            cases.close(case, who=who)
        assert topics().count("regulation.case_taken") == 1
        assert topics().count("regulation.case_noted") == 1
        assert topics().count("regulation.case_asked") == 1
        assert topics().count("regulation.case_stated") == 1
        assert topics().count("regulation.case_closed") == 1

    def test_a_closed_case_stays_closed(self):
        citizen, who = UserFactory(), cases.officer()
        case = cases.taken(cases.opened(citizen), who)
        cases.close(case)
        with pytest.raises(operations.CaseClosed):
            cases.close(case, "unfounded")
        with pytest.raises(operations.CaseClosed):
            cases.say(case, citizen)
        with pytest.raises(operations.CaseClosed):
            operations.hand_over(
                case_id=case.pk,
                to_id=cases.officer().pk,
                words="x",
                officer_id=who.pk,
                by=OFFICER,
                at=NOON,
            )
        with pytest.raises(operations.CaseClosed):
            operations.withdraw_case(
                case_id=case.pk, person_id=citizen.pk, words="x", by=OFFICER, at=NOON
            )

    def test_whoever_opened_it_may_withdraw_it_and_nobody_else(self):
        citizen = UserFactory()
        case = cases.opened(citizen)
        with pytest.raises(operations.NoSuchCase):
            operations.withdraw_case(
                case_id=case.pk, person_id=UserFactory().pk, words="x", by=OFFICER, at=NOON
            )
        for _ in range(2):
            operations.withdraw_case(
                case_id=case.pk, person_id=citizen.pk, words="settled", by=OFFICER, at=NOON
            )
        case.refresh_from_db()
        assert (case.state, case.outcome) == ("CLOSED", "withdrawn")

    def test_a_case_is_handed_over_and_only_its_owner_closes_it(self):
        first, second = cases.officer(), cases.officer()
        case = cases.taken(cases.opened(), first)
        with pytest.raises(operations.NotTheirs):
            cases.close(case, who=second)
        with pytest.raises(operations.TakenBySomebody):
            cases.taken(case, second)
        for _ in range(2):
            operations.hand_over(
                case_id=case.pk,
                to_id=second.pk,
                words="on leave",
                officer_id=first.pk,
                by=OFFICER,
                at=NOON,
            )
        assert history(case)[-1] == ("handed_over", "on leave")
        assert len(history(case)) == 3
        cases.close(case, who=second)

    def test_who_has_no_leave_is_given_none(self):
        with pytest.raises(operations.NotAnOfficer):
            cases.taken(cases.opened(), UserFactory(is_staff=True))

    def test_outcomes_belong_to_kinds(self):
        case = cases.taken(cases.opened())
        for outcome in ("passed", "withdrawn", "", "nonsense"):
            with pytest.raises(operations.UnfitOutcome):
                cases.close(case, outcome)
        with pytest.raises(ValueError, match="words"):
            cases.close(case, words=" ")

    def test_nobody_floods_the_office(self):
        citizen = UserFactory()
        for _ in range(20):
            cases.opened(citizen)
        with pytest.raises(operations.TooMany):
            cases.opened(citizen)


@pytest.mark.django_db
class TestTheDatabase:
    def test_no_close_without_words(self):
        case = cases.taken(cases.opened())
        for words, outcome in (("", "founded"), ("because", "")):
            with (
                pytest.raises(IntegrityError, match="no_close_without_words"),
                transaction.atomic(),
            ):
                CaseFile.objects.filter(pk=case.pk).update(
                    state="CLOSED",
                    closed_by=case.owner,
                    closed_at=NOON,
                    words=words,
                    outcome=outcome,
                )

    def test_nobody_judges_their_own(self):
        citizen, barred = UserFactory(), cases.officer()
        case = cases.opened(citizen, not_by=[barred.pk])
        with pytest.raises(operations.FourEyes):
            cases.taken(case, barred)
        own = cases.opened(barred)
        with pytest.raises(operations.FourEyes):
            cases.taken(own, barred)
        for row, judge in ((case, barred), (own, barred)):
            with pytest.raises(IntegrityError, match="no_judge_of_ones_own"), transaction.atomic():
                CaseFile.objects.filter(pk=row.pk).update(
                    state="CLOSED",
                    closed_by=judge,
                    closed_at=NOON,
                    words="mine",
                    outcome="unfounded",
                )

    def test_what_was_said_stays_said(self):
        case = cases.opened()
        with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
            case.events.update(words="nothing")
        with (
            pytest.raises((IntegrityError, InternalError)),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("DELETE FROM regulation_caseevent")


@pytest.mark.django_db
class TestSides:
    def test_a_provider_comes_in_once_it_is_told_something(self):
        provider, owner = cases.provider()
        case = cases.opened(provider=provider)
        assert read.seat_of(owner, case.ref) is None
        assert not read.cases_of(owner).exists()
        with pytest.raises(operations.NoSuchCase):
            cases.say(case, owner)
        who = cases.officer()
        operations.note(
            key=uuid4(),
            case_id=case.pk,
            words="Somebody complains.",
            seen_by="both",
            officer_id=who.pk,
            by=OFFICER,
            at=NOON,
        )
        assert read.seat_of(owner, case.ref).side == "provider"
        assert read.cases_of(owner).get() == case

    def test_a_team_stands_on_one_side(self):
        provider, owner = cases.provider()
        mate, stranger = UserFactory(), UserFactory()
        cases.provider(mate)
        case = cases.opened(mate, provider=provider, is_for_provider=True)
        assert read.seat_of(owner, case.ref).side == "opener"
        assert read.seat_of(stranger, case.ref) is None

    def test_a_file_does_not_stay_without_its_row(self, media):
        case = cases.opened(scan=papers.scan())
        assert len(list(media.glob("cases/*.jpg"))) == 1
        with pytest.raises(operations.NoSuchCase):
            cases.say(case, UserFactory(), scan=papers.scan())
        key = uuid4()
        for _ in range(2):
            cases.say(case, case.opened_by, key=key, scan=papers.scan())
        assert len(list(media.glob("cases/*.jpg"))) == 2


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_officers_take_it_at_once_and_the_first_has_it(self):
        case, first, second = cases.opened(), cases.officer(), cases.officer()
        told = at_once(
            *(
                lambda who=who: operations.take_case(
                    case_id=case.pk, officer_id=who.pk, by=OFFICER, at=NOON
                )
                for who in (first, second)
            )
        )
        assert sum(isinstance(one, operations.TakenBySomebody) for one in told) == 1
        assert topics().count("regulation.case_taken") == 1

    def test_without_looking_first_both_would_have_it(self):
        case, first, second = cases.opened(), cases.officer(), cases.officer()
        told = at_once(
            *(
                lambda who=who: CaseFile.objects.filter(pk=case.pk).update(owner=who, state="TAKEN")
                for who in (first, second)
            )
        )
        assert told == [1, 1]

    def test_numbers_are_given_once(self):
        citizens = [UserFactory() for _ in range(4)]
        CityFactory()
        told = at_once(*(lambda one=one: cases.opened(one).number for one in citizens))
        assert sorted(told) == ["C-1", "C-2", "C-3", "C-4"]

    def test_one_appeal_of_a_decision_from_each_side(self):
        citizen = UserFactory()
        CityFactory()

        def appeal():
            return cases.opened(citizen, kind="appeal", about_kind="decision", about="d-1")

        told = at_once(appeal, appeal, appeal)
        assert sum(isinstance(one, CaseFile) for one in told) == 1
        assert sum(isinstance(one, operations.AlreadyOpened) for one in told) == 2
        with pytest.raises(IntegrityError, match="one_appeal_of_a_decision"), transaction.atomic():
            CaseFile.objects.create(**row(citizen, number="C-99"))

    def test_without_the_constraint_two_appeals_would_stand(self):
        citizen = UserFactory()
        city = CityFactory()
        with without(CaseFile, "regulation_one_appeal_of_a_decision_from_each_side"):
            at_once(
                *(
                    lambda n=n: CaseFile.objects.create(**row(citizen, number=f"C-{n}", city=city))
                    for n in range(2)
                )
            )
            assert CaseFile.objects.count() == 2

    def test_a_statement_and_the_close_at_once_leave_a_whole_history(self):
        case = cases.taken(cases.opened())
        told = at_once(
            lambda: cases.say(case, case.opened_by),
            lambda: cases.close(case),
        )
        said = [one.what for one in case.events.all()]
        assert said[-1] == "closed"
        assert isinstance(told[0], operations.CaseClosed) == ("stated" not in said)


def row(citizen, **more):
    return {
        "city": CityFactory(),
        "kind": "appeal",
        "about_kind": "decision",
        "about": "d-1",
        "title": "x",
        "opened_by": citizen,
        "opened_at": NOON,
        "due_on": date(2027, 6, 1),
    } | more
