"""What providers hear of their permits, and both sides of a case of what was done in it."""

from datetime import timedelta
from uuid import uuid4

import pytest

from apps.kernel.actors import Kind
from apps.notifications import kinds
from apps.notifications.models import Notice
from apps.notifications.words import said
from apps.parties import operations as parties
from apps.regulation import operations
from tests import cases, rides
from tests.factories import CITY, FOR_GOOD, NOON, OFFICER, CityFactory, PermitFactory, UserFactory
from tests.regulation.test_appeals import answered, appealed, decided
from tests.regulation.test_applications import applied, terms
from tests.regulation.test_suspensions import announce, suspend

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def elqui():
    """A provider with an owner who acts for it, and somebody who only keeps its books."""
    CityFactory()
    found, found.owner = cases.provider(name="Cooperativa Elqui")
    return found


@pytest.fixture
def permit(elqui):
    return PermitFactory(provider=elqui, number="MOV-1")


def heard(user, language="en"):
    """Titles and texts of what somebody was told, the oldest first."""
    rides.relay_all(NOON + 30 * DAY)
    told = [
        said(notice, language=language, now=NOON)
        for notice in Notice.objects.filter(user=user).order_by("pk")
    ]
    return [(one.title, one.text) for one in told]


class TestPermits:
    def test_a_permit_that_is_granted(self, elqui):
        for _ in range(2):
            operations.grant_permit(
                provider_id=elqui.pk,
                vertical="mobility",
                number="MOV-7",
                valid_from=FOR_GOOD.lower,
                valid_until=None,
                by=OFFICER,
                at=NOON,
            )
        assert heard(elqui.owner) == [("Granted: permit MOV-7", "Cooperativa Elqui")]
        assert Notice.objects.get().link == "/permits/"

    def test_a_suspension_says_until_when_or_what_lifts_it(self, elqui, permit):
        suspend(permit, NOON + 9 * DAY)
        assert len(heard(elqui.owner)) == 1
        suspend(permit, None, reason="until the brakes are mended", at=NOON + DAY)
        assert heard(elqui.owner) == [
            (
                "Permit MOV-1 is suspended until Mon\xa010\xa0May, 08:00",
                "Cooperativa Elqui: no insurance",
            ),
            ("Permit MOV-1 is suspended", "Cooperativa Elqui: until the brakes are mended"),
        ]

    def test_one_that_is_lifted_and_one_that_is_revoked_and_restored(self, elqui, permit):
        told = {"permit_id": permit.pk, "by": OFFICER, "at": NOON}
        suspend(permit)
        operations.lift_suspension(reason="paid", **told)
        operations.revoke_permit(reason="fraud", **told)
        operations.restore_permit(reason="it was not", **told)
        assert heard(elqui.owner)[1:] == [
            ("Permit MOV-1 holds again", "Cooperativa Elqui: paid"),
            ("Permit MOV-1 is revoked", "Cooperativa Elqui: fraud"),
            ("Permit MOV-1 holds again", "Cooperativa Elqui: it was not"),
        ]

    def test_one_that_ends_soon_once_at_each_threshold(self, elqui):
        ends = NOON + 40 * DAY
        PermitFactory(provider=elqui, number="MOV-2", valid=(FOR_GOOD.lower, ends))
        for days in (0, 1, 15, 16):
            operations.remind_of_permits(at=NOON + days * DAY)
        title = "Permit MOV-2 ends on 10\xa0Jun, 08:00"
        told = heard(elqui.owner)
        assert [one for one, _ in told] == [title, title]
        assert told[0][1].startswith("Cooperativa Elqui: apply for the next one before")

    def test_whoever_does_not_act_for_the_provider_hears_nothing(self, elqui, permit):
        books = UserFactory()
        parties.add_member(
            provider_id=elqui.pk, user_id=books.pk, role="ACCOUNTANT", by=CITY, at=NOON
        )
        suspend(permit)
        assert heard(books) == []

    def test_in_spanish(self, elqui, permit):
        suspend(permit)
        assert heard(elqui.owner, "es") == [
            ("El permiso MOV-1 está suspendido", "Cooperativa Elqui: no insurance")
        ]


class TestCases:
    def ask(self, case, seen_by):
        operations.ask_for_statement(
            key=uuid4(),
            case_id=case.pk,
            words="What happened?",
            seen_by=seen_by,
            officer_id=case.owner.pk,
            by=case.owner.acting(OFFICER.kind),
            at=NOON,
        )

    def test_whoever_opens_one_hears_its_number_and_its_day_and_the_provider_nothing_yet(
        self, elqui
    ):
        citizen = UserFactory()
        cases.opened(citizen, provider=elqui)
        assert heard(citizen) == [
            ("Case C-1 is open", "Rude on the phone. The city answers by 21\xa0May.")
        ]
        assert heard(elqui.owner) == []

    def test_each_side_hears_what_is_for_its_eyes(self, elqui):
        citizen = UserFactory()
        case = cases.taken(cases.opened(citizen, provider=elqui))
        operations.note(
            key=uuid4(),
            case_id=case.pk,
            words="for the office",
            officer_id=case.owner.pk,
            by=OFFICER,
            at=NOON,
        )
        self.ask(case, "provider")
        cases.close(case)

        asked = ("The city asks you something in case C-1", "Rude on the phone")
        closed = ("Case C-1 is decided", "Rude on the phone")
        assert heard(elqui.owner) == [asked, closed]
        assert heard(citizen)[1:] == [closed]
        assert heard(case.owner) == []

    def test_a_provider_that_was_not_heard_is_not_told_that_it_is_closed(self, elqui):
        cases.close(cases.taken(cases.opened(provider=elqui)), "unfounded")
        assert heard(elqui.owner) == []

    @pytest.mark.parametrize(
        ("outcome", "title"),
        [("granted", "Your appeal C-1 is granted"), ("refused", "Your appeal C-1 is refused")],
    )
    def test_an_appeal_says_how_it_ended(self, elqui, permit, outcome, title):
        suspend(permit)
        heard(elqui.owner)
        case = operations.appeal_permit(
            permit_id=permit.pk,
            city_id=CityFactory().pk,
            person_id=elqui.owner.pk,
            words="We are insured.",
            by=elqui.owner.acting(Kind.PROVIDER),
            at=NOON,
        )
        answered(case, outcome=outcome)
        assert (title, "MOV-1: no insurance") in heard(elqui.owner)

    def test_what_an_appeal_is_about_is_said_in_the_language_of_each_reader(self, elqui):
        """The city keeps the code of its refusal and words it for whoever reads."""
        told = {}
        for language in ("en", "es"):
            citizen = UserFactory(language=language)
            appealed(decided(elqui, citizen), citizen)
            ((_title, told[language]),) = heard(citizen, language)
        assert told["en"].startswith("The provider has no permit for this service. (rule 1.1)")
        assert told["es"].startswith(
            "El proveedor no tiene permiso para este servicio. (regla 1.1)"
        )

    def test_an_application_that_is_refused(self, elqui):
        terms()
        case = applied(elqui).case
        officer = cases.officer()
        cases.taken(case, officer)
        operations.decide_application(
            case_id=case.pk,
            officer_id=officer.pk,
            outcome="refused",
            words="Ten cars are too many.",
            by=OFFICER,
            at=NOON,
        )
        assert heard(elqui.owner)[1:] == [
            (
                "Refused: your application C-1",
                "Why, and how you can appeal, stands in the case.",
            )
        ]
        assert Notice.objects.latest("pk").link == f"/cases/{case.ref}/"

    def test_a_hearing_says_by_when_the_provider_may_speak(self, elqui, permit):
        officer = cases.officer("work_case", "view_casefile", "revoke_permit")
        announce(permit, officer)
        (title, text), *rest = heard(elqui.owner)
        assert title == "You can speak before the city decides: case C-1"
        assert text.endswith("Say what there is to say by Tue\xa011\xa0May, 08:00.")
        assert rest == []
        assert heard(officer) == []

    def test_whoever_withdraws_is_not_told_of_it(self, elqui):
        citizen = UserFactory()
        case = cases.opened(citizen, provider=elqui)
        operations.withdraw_case(
            case_id=case.pk, person_id=citizen.pk, words="It is settled.", by=OFFICER, at=NOON
        )
        assert len(heard(citizen)) == 1


def test_what_has_a_deadline_or_takes_work_away_cannot_be_turned_off():
    slugs = (
        "permit_refused",
        "permit_runs_out",
        "permit_suspended_until",
        "permit_suspended",
        "permit_revoked",
        "hearing_opened",
        "case_asked",
        "case_closed",
        "appeal_granted",
        "appeal_refused",
    )
    assert {slug: bool(kinds.get(slug).always) for slug in slugs} == dict.fromkeys(slugs, True)
