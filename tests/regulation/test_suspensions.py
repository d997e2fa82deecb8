"""Permits out of force for a while, hearings before one is lost, and permits that end soon."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.urls import reverse

from apps.bus.models import Event
from apps.dispatch.models import Shift
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.regulation import operations, queries
from apps.regulation.models import CaseFile, Hearing, Permit
from apps.regulation.queries_cases import seat_of
from apps.regulation.queries_permits import ending
from tests import cases, rides
from tests.browser import assert_accessible, screenshot, watch
from tests.factories import NOON, OFFICER, CityFactory, PermitFactory, UserFactory
from tests.policies import case
from tests.races import at_once, without

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def provider(db):
    return held()


def held(**more):
    CityFactory()
    found, owner = cases.provider(name="Cooperativa Elqui")
    found.permit = PermitFactory(provider=found, number="MOV-1", **more)
    found.owner = owner
    return found


def suspend(permit, until=None, *, reason="no insurance", by=OFFICER, at=NOON):
    operations.suspend_permit(permit_id=permit.pk, reason=reason, until=until, by=by, at=at)


def announce(permit, officer, *, key=None, means="REVOKE", until=NOON + 10 * DAY, **more):
    return operations.announce_hearing(
        key=key or uuid4(),
        permit_id=permit.pk,
        city_id=CityFactory().pk,
        means=means,
        reason="Three complaints.",
        statement_until=until,
        officer_id=officer.pk,
        by=officer.acting(Kind.OFFICER),
        at=more.pop("at", NOON),
        **more,
    )


def decide(hearing, officer, outcome="founded", *, at=NOON):
    return operations.decide_hearing(
        case_id=hearing.pk,
        officer_id=officer.pk,
        outcome=outcome,
        words="It is so.",
        by=officer.acting(Kind.OFFICER),
        at=at,
    )


def topics():
    told = Event.objects.filter(topic__startswith="regulation.").order_by("pk")
    return list(told.values_list("topic", flat=True))


class TestSuspending:
    def refusal(self, provider, moment=NOON):
        decision = operations.decide(
            case(provider, vertical="mobility", moment=moment), by=OFFICER, at=NOON
        )
        by_query = queries.refusal_of_permit(provider.pk, "mobility", moment)
        held = queries.valid_permit(provider.pk, "mobility", moment)
        assert (by_query, held is None) == (decision.refusal, not decision.is_granted)
        return decision.refusal, decision.rule

    def test_a_suspended_permit_refuses_by_rule_1_5_until_its_moment(self, provider):
        assert self.refusal(provider) == ("", "")
        for _ in range(2):
            suspend(provider.permit, NOON + DAY)
        assert self.refusal(provider) == ("permit_suspended", "1.5")
        assert self.refusal(provider, NOON + DAY) == ("", "")
        assert queries.explain("permit_suspended") == (
            "The city has suspended the provider's permit. (rule 1.5)"
        )
        assert topics() == ["regulation.permit_suspended"]

    def test_one_without_a_moment_holds_until_it_is_lifted(self, provider):
        suspend(provider.permit)
        assert self.refusal(provider, NOON + 900 * DAY) == ("permit_suspended", "1.5")
        for _ in range(2):
            operations.lift_suspension(
                permit_id=provider.permit.pk, reason="insured", by=OFFICER, at=NOON
            )
        assert self.refusal(provider) == ("", "")
        assert topics() == ["regulation.permit_suspended", "regulation.permit_resumed"]

    def test_what_is_revoked_or_without_reason_is_not_suspended(self, provider):
        with pytest.raises(ValueError, match="reason"):
            suspend(provider.permit, reason=" ")
        with pytest.raises(ValueError, match="over"):
            suspend(provider.permit, NOON)
        operations.revoke_permit(permit_id=provider.permit.pk, reason="fraud", by=OFFICER, at=NOON)
        with pytest.raises(operations.NoSuchPermit):
            suspend(provider.permit)
        with pytest.raises(operations.NoSuchPermit):
            operations.lift_suspension(permit_id=0, reason="x", by=OFFICER, at=NOON)
        for broken in ({"suspended_at": NOON}, {"suspended_until": NOON}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Permit.objects.update(**broken)

    def test_drivers_go_off_line(self):
        town = rides.town()
        town.on_shift()
        permit = town.worker.provider.permits.get()
        suspend(permit, at=NOON + DAY / 24)
        rides.relay_all(NOON + DAY / 24)
        assert Shift.objects.get(worker=town.worker).until == NOON + DAY / 24


class TestHearings:
    def test_a_permit_is_lost_only_after_the_time_to_speak(self, provider):
        first, second = cases.officer(), cases.officer()
        key = uuid4()
        hearing = announce(provider.permit, first, key=key)
        assert announce(provider.permit, first, key=key).pk == hearing.pk
        with pytest.raises(operations.AlreadyOpened):
            announce(provider.permit, first)
        assert seat_of(provider.owner, hearing.ref).side == "provider"
        with pytest.raises(operations.FourEyes):
            cases.taken(hearing, first)
        cases.taken(hearing, second)
        with pytest.raises(operations.StillToSpeak):
            decide(hearing, second)
        with pytest.raises(operations.UnfitOutcome):
            cases.close(hearing, "founded")
        for _ in range(2):
            decide(hearing, second, at=NOON + 10 * DAY)
        provider.permit.refresh_from_db()
        assert provider.permit.revoked_by == f"officer:{second.pk}"
        assert topics().count("regulation.permit_revoked") == 1

    def test_whoever_has_spoken_need_not_be_waited_for(self, provider):
        first, second = cases.officer(), cases.officer()
        hearing = cases.taken(announce(provider.permit, first), second)
        cases.say(hearing, provider.owner, "We insured them.")
        decide(hearing, second, "unfounded")
        provider.permit.refresh_from_db()
        assert provider.permit.revoked_at is None
        again = cases.taken(announce(provider.permit, first), second)
        cases.say(again, provider.owner, "We did.")
        decide(again, second)
        provider.permit.refresh_from_db()
        assert provider.permit.revoked_at == NOON

    def test_a_suspension_can_be_announced_too(self, provider):
        first, second = cases.officer(), cases.officer()
        more = {"means": "SUSPEND", "suspend_until": NOON + 40 * DAY}
        hearing = cases.taken(announce(provider.permit, first, **more), second)
        decide(hearing, second, at=NOON + 11 * DAY)
        provider.permit.refresh_from_db()
        assert provider.permit.suspended_until == NOON + 40 * DAY
        with pytest.raises(ValueError, match="time to speak"):
            announce(provider.permit, first, until=NOON)

    def test_a_lost_permit_is_contested_itself(self, provider):
        judge, reviser = cases.officer(), cases.officer()
        by = provider.owner.acting(Kind.PROVIDER)
        contest = {
            "permit_id": provider.permit.pk,
            "city_id": CityFactory().pk,
            "person_id": provider.owner.pk,
            "words": "We are insured.",
            "by": by,
        }
        with pytest.raises(operations.NoSuchPermit):
            operations.appeal_permit(**contest, at=NOON)
        suspend(provider.permit, by=judge.acting(Kind.OFFICER))
        with pytest.raises(operations.NoSuchPermit):
            operations.appeal_permit(**contest | {"person_id": UserFactory().pk}, at=NOON)
        with pytest.raises(operations.TooLateToAppeal):
            operations.appeal_permit(**contest, at=NOON + 31 * DAY)
        appeal = operations.appeal_permit(**contest, at=NOON)
        assert operations.appeal_permit(**contest, at=NOON).pk == appeal.pk
        with pytest.raises(operations.FourEyes):
            cases.taken(appeal, judge)
        cases.taken(appeal, reviser)
        for _ in range(2):
            operations.decide_appeal(
                case_id=appeal.pk,
                officer_id=reviser.pk,
                outcome="granted",
                words="So you are.",
                by=OFFICER,
                at=NOON,
            )
        provider.permit.refresh_from_db()
        assert provider.permit.suspended_at is None
        assert topics().count("regulation.permit_resumed") == 1

    def test_a_refusal_by_a_suspension_is_contested_and_lifted(self, provider):
        suspend(provider.permit)
        decision = operations.decide(case(provider, vertical="mobility"), by=OFFICER, at=NOON)
        appeal = operations.appeal_decision(
            ref=decision.ref,
            person_id=provider.owner.pk,
            words="Insured.",
            by=provider.owner.acting(Kind.PROVIDER),
            at=NOON,
        )
        who = cases.officer()
        cases.taken(appeal, who)
        operations.decide_appeal(
            case_id=appeal.pk,
            officer_id=who.pk,
            outcome="granted",
            words="Right.",
            by=OFFICER,
            at=NOON,
        )
        provider.permit.refresh_from_db()
        assert provider.permit.suspended_at is None


class TestEnding:
    def test_what_ends_soon_and_nothing_follows_is_on_the_list(self, provider):
        permit = provider.permit
        permit.valid = DateTimeTZRange(NOON - DAY, NOON + 20 * DAY)
        permit.save()

        def listed(days):
            return list(Permit.objects.filter(ending(NOON, days)))

        assert (listed(7), listed(30), listed(60)) == ([], [permit], [permit])
        follows = PermitFactory(
            provider=provider, valid=DateTimeTZRange(NOON + 20 * DAY, NOON + 400 * DAY)
        )
        assert listed(30) == []
        follows.delete()
        permit.revoked_at = NOON
        permit.save()
        assert listed(30) == []

    def test_each_threshold_is_told_once(self, provider):
        permit = provider.permit
        permit.valid = DateTimeTZRange(NOON, NOON + 60 * DAY)
        permit.save()
        told = [operations.remind_of_permits(at=NOON + n * DAY) for n in (0, 0, 1, 30, 31, 53, 60)]
        assert told == [1, 0, 0, 1, 0, 1, 0]
        days = [
            one.body["days"] for one in Event.objects.filter(topic="regulation.permit_runs_out")
        ]
        assert days == [60, 30, 7]


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_reminders_at_once_are_told_once(self):
        held(valid=DateTimeTZRange(NOON - DAY, NOON + 20 * DAY))
        at_once(*[lambda: operations.remind_of_permits(at=NOON)] * 3)
        assert topics() == ["regulation.permit_runs_out"]

    def test_two_hearings_at_once_are_one(self):
        provider, officer = held(), cases.officer()
        told = at_once(*[lambda: announce(provider.permit, officer)] * 2)
        assert sum(isinstance(one, operations.AlreadyOpened) for one in told) == 1
        assert Hearing.objects.count() == 1

    def test_without_the_constraint_two_hearings_would_stand(self):
        officer, city = cases.officer(), CityFactory()

        def bare(number):
            return CaseFile.objects.create(
                city=city,
                number=number,
                kind="hearing",
                about_kind="permit",
                about="MOV-1",
                title="x",
                opened_by=officer,
                opened_at=NOON,
                due_on=NOON.date(),
            )

        with without(CaseFile, "regulation_one_open_hearing"):
            at_once(lambda: bare("C-1"), lambda: bare("C-2"))
            assert CaseFile.objects.count() == 2
        bare("C-3")
        with pytest.raises(IntegrityError, match="one_open_hearing"), transaction.atomic():
            bare("C-4")


class TestPages:
    def act(self, client, permit, action, **told):
        answer = client.post(
            reverse("admin:regulation_permit_changelist"),
            {"action": action, "_selected_action": [permit.pk], **told},
        )
        permit.refresh_from_db()
        return answer

    def test_an_officer_suspends_lifts_and_announces(self, client, provider):
        officer, permit = cases.officer(), provider.permit
        leave = ("revoke_permit", "view_permit")
        officer.user_permissions.add(*Permission.objects.filter(codename__in=leave))
        client.force_login(officer)
        why = {"because": "1", "reason": "no insurance"}
        assert b'name="until"' in self.act(client, permit, "suspend").content
        gone = self.act(client, permit, "suspend", **why, until="2020-01-01")
        assert b"This day is over." in gone.content
        self.act(client, permit, "suspend", **why, until="2099-05-01")
        assert f"{CityFactory().now(permit.suspended_until):%Y-%m-%d %H:%M}" == "2099-05-02 00:00"
        listed = reverse("admin:regulation_permit_changelist")
        for worklist, rows in (("suspended", 1), ("7", 0), ("60", 0)):
            answer = client.get(listed, {"worklist": worklist})
            assert answer.context["cl"].result_count == rows
        self.act(client, permit, "lift", **why)
        assert permit.suspended_at is None
        means = {"means": "REVOKE", "statement_until": "2020-01-01"}
        assert b"until tomorrow" in self.act(client, permit, "announce", **why, **means).content
        self.act(client, permit, "announce", **why, means="REVOKE", statement_until="2099-01-01")
        hearing = CaseFile.objects.get()
        client.force_login(provider.owner)
        page = client.get(reverse("regulation:case", args=[hearing.ref])).content.decode()
        assert "The city means to revoke your permit" in page
        second = cases.officer()
        client.force_login(second)
        desk = reverse("admin:regulation_casefile_change", args=[hearing.pk])
        client.post(desk, {"act": "take"})
        told = {"act": "close", "outcome": "founded", "words": "So."}
        assert b"the holder may still speak" in client.post(desk, told, follow=True).content
        assert client.post(desk, told | {"outcome": "unfounded"}).status_code == 302

    def test_a_provider_reads_of_it_and_contests_it(self, client, provider):
        suspend(provider.permit, at=clock.now())
        client.force_login(provider.owner)
        at = reverse("regulation:appeal-permit", args=[provider.permit.pk])
        page = client.get("/permits/").content.decode()
        assert "no insurance" in page
        assert at in page
        assert client.get(at).status_code == 200
        assert client.post(at, {"key": uuid4(), "words": ""}).status_code == 422
        answer = client.post(at, {"key": uuid4(), "words": "Insured."}, follow=True)
        assert "Insured." in answer.content.decode()
        client.force_login(UserFactory())
        assert client.get(at).status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_in_a_browser(client, new_page, site, width, theme):
    provider = held()
    hearing = announce(
        provider.permit, cases.officer(), until=clock.now() + 10 * DAY, at=clock.now()
    )
    suspend(provider.permit, at=clock.now())
    phone = new_page(width=width, theme=theme)
    client.force_login(provider.owner)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}
    phone.context.add_cookies([cookie])
    told = watch(phone)
    pages = {
        "suspended": "/permits/",
        "lost": reverse("regulation:appeal-permit", args=[provider.permit.pk]),
        "hearing": reverse("regulation:case", args=[hearing.ref]),
    }
    for name, path in pages.items():
        phone.goto(f"{site}{path}")
        assert_accessible(phone)
        screenshot(phone, f"{name}-{width}-{theme}", full=True)
    assert told == []
