"""Appeals: whom a refusal concerned contests it; another officer decides; an exemption holds."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from django.utils import translation

from apps.bus.models import Event
from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.parties import operations as parties
from apps.regulation import in_force, operations
from apps.regulation.models import Allowance, CaseFile, Exemption
from apps.regulation.operations import Exempt
from apps.regulation.queries_cases import title_of
from apps.regulation.rules import Act
from tests import cases
from tests.browser import assert_accessible, screenshot, watch
from tests.factories import (
    CITY,
    FOR_GOOD,
    NOON,
    OFFICER,
    CityFactory,
    ListingFactory,
    PermitFactory,
    UserFactory,
    WorkerFactory,
)
from tests.policies import case, enforced, officers, stamp
from tests.races import at_once, without

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LATER = NOON + 90 * DAY


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def city(db):
    return CityFactory()


@pytest.fixture
def provider(city):
    found, owner = cases.provider(name="Cooperativa Elqui")
    PermitFactory(provider=found, vertical="lodging")
    found.owner = owner
    return found


def decided(provider, by=None, *, at=NOON, **more):
    by = by if isinstance(by, Actor) else Actor(Kind.CONSUMER, str((by or UserFactory()).pk))
    in_force.forget()
    return operations.decide(case(provider, **more), by=by, at=at)


def appealed(decision, user, *, at=NOON, **more):
    return operations.appeal_decision(
        ref=decision.ref,
        person_id=user.pk,
        words=more.pop("words", "It is for my mother."),
        by=user.acting(Kind.CONSUMER),
        at=at,
        **more,
    )


def answered(appeal, who=None, outcome="granted", *, at=NOON, exempt=None, words="You are right."):
    who = who or cases.officer()
    appeal.refresh_from_db()
    if appeal.is_open:
        cases.taken(appeal, who)
    done = operations.decide_appeal(
        case_id=appeal.pk,
        officer_id=who.pk,
        outcome=outcome,
        words=words,
        exempt=exempt,
        by=OFFICER,
        at=at,
    )
    in_force.forget()
    return done


def given(policy, provider, *, begins=NOON, ends=LATER, kind="provider", subject=None):
    row = operations.give_exemption(
        policy_id=policy.pk,
        subject_kind=kind,
        subject=subject or provider.pk,
        begins=begins,
        ends=ends,
        reason="a hospital",
        officer_id=officers()[0].pk,
        by=OFFICER,
        at=NOON,
    )
    in_force.forget()
    return row


class TestWho:
    def test_the_consumer_appeals_what_was_said_to_them(self, provider):
        closed = enforced("closed", title="Nobody sleeps here")
        citizen = UserFactory()
        decision = decided(provider, citizen)
        appeal = appealed(decision, citizen)
        assert (appeal.kind, appeal.about) == ("appeal", str(decision.ref))
        assert (appeal.title, appeal.refusal) == ("", f"policy_{closed.pk}")
        assert title_of(appeal) == f"Nobody sleeps here (rule {closed})"
        assert sorted(appeal.not_by) == sorted(one.pk for one in officers())
        assert appealed(decision, citizen).pk == appeal.pk
        assert Event.objects.filter(topic="regulation.case_opened").count() == 1

    def test_what_it_is_about_is_read_in_ones_own_language(self, client, provider):
        provider.permits.all().delete()
        citizen = UserFactory()
        appeal = appealed(decided(provider, citizen), citizen)
        client.force_login(citizen)
        page = reverse("regulation:case", args=[appeal.ref])
        for lang, says in (
            ("en", "The provider has no permit for this service. (rule 1.1)"),
            ("es", "El proveedor no tiene permiso para este servicio. (regla 1.1)"),
        ):
            with translation.override(lang):
                assert title_of(appeal) == says
            client.cookies[settings.LANGUAGE_COOKIE_NAME] = lang
            for shown in (page, "/cases/"):
                assert says in client.get(shown).content.decode()

    @pytest.mark.django_db(transaction=True)
    def test_appeals_from_before_are_told_what_they_are_about(self, provider):
        provider.permits.all().delete()
        citizen = UserFactory()
        appeal = appealed(decided(provider, citizen), citizen)

        def migrated(name):
            MigrationExecutor(connection).migrate([("regulation", name)])

        try:
            migrated("0009_fees_paid_by_card")
        finally:
            migrated("0010_cases_say_what_they_are_about")
        again = CaseFile.objects.get()
        assert (again.title, again.refusal) == (appeal.about, "no_permit")

    def test_the_worker_and_the_provider_too_each_for_their_side(self, provider):
        worker = WorkerFactory(provider=provider)
        decision = decided(provider, worker.actor, act=Act.GO_ON_LINE, vertical="mobility")
        first, second = appealed(decision, worker.user), appealed(decision, provider.owner)
        assert (first.is_for_provider, second.is_for_provider) == (False, True)
        mate = UserFactory()
        parties.add_member(
            provider_id=provider.pk, user_id=mate.pk, role="MANAGER", by=CITY, at=NOON
        )
        with pytest.raises(operations.AlreadyOpened) as no:
            appealed(decision, mate)
        assert no.value.ref == second.ref

    def test_strangers_do_not_and_what_was_granted_is_not(self, provider):
        decision = decided(provider)
        assert decision.is_granted
        with pytest.raises(operations.NoSuchDecision):
            appealed(decision, provider.owner)
        enforced("closed")
        with pytest.raises(operations.NoSuchDecision):
            appealed(decided(provider), UserFactory())

    def test_thirty_days_are_the_time(self, provider):
        enforced("closed")
        citizen = UserFactory()
        decision = decided(provider, citizen)
        with pytest.raises(operations.TooLateToAppeal):
            appealed(decision, citizen, at=NOON + 30 * DAY + timedelta(seconds=1))
        appealed(decision, citizen, at=NOON + 30 * DAY)


class TestDeciding:
    def test_whoever_stands_behind_the_rule_does_not_decide(self, provider):
        enforced("closed")
        citizen = UserFactory()
        appeal = appealed(decided(provider, citizen), citizen)
        drafts, decides = officers()
        for behind in (drafts, decides):
            behind.user_permissions.set(cases.officer().user_permissions.all())
            with pytest.raises(operations.FourEyes):
                cases.taken(appeal, behind)
        assert answered(appeal, outcome="refused").outcome == "refused"
        assert not Exemption.objects.exists()

    def test_a_granted_appeal_exempts_and_the_next_is_not_refused(self, provider):
        closed = enforced("closed")
        citizen = UserFactory()
        decision = decided(provider, citizen)
        appeal = appealed(decision, citizen)
        before = stamp()
        who = cases.officer()
        for _ in range(2):
            answered(appeal, who, exempt=Exempt("provider", provider.pk, LATER))
        exemption = Exemption.objects.get()
        assert (exemption.policy, exemption.case) == (closed.policy, appeal)
        assert exemption.valid == DateTimeTZRange(NOON, LATER)
        assert stamp() != before
        again = decided(provider, citizen)
        assert again.is_granted
        assert again.asked == [["P-1", 1, "exempt"]]
        assert not decided(provider, citizen, moment=LATER).is_granted
        assert not decided(cases.provider()[0], citizen).is_granted
        assert Event.objects.filter(topic="regulation.exemption_given").count() == 1

    def test_a_permit_is_given_back(self, provider):
        judge, reviser = cases.officer(), cases.officer()
        permit = provider.permits.get()
        operations.revoke_permit(
            permit_id=permit.pk, reason="noise", by=judge.acting(Kind.OFFICER), at=NOON
        )
        decision = decided(provider)
        assert decision.refusal == "permit_revoked"
        appeal = appealed(decision, provider.owner)
        assert appeal.not_by == [judge.pk]
        with pytest.raises(operations.FourEyes):
            answered(appeal, judge)
        for _ in range(2):
            answered(appeal, reviser)
        permit.refresh_from_db()
        assert (permit.revoked_at, permit.revoked_by) == (None, "")
        assert decided(provider).is_granted
        operations.revoke_permit(permit_id=permit.pk, reason="again", by=OFFICER, at=NOON)
        answered(appeal, reviser)
        permit.refresh_from_db()
        assert permit.reason == "again"

    def test_a_permit_whose_place_is_taken_stays_away_and_the_case_open(self, provider):
        permit = provider.permits.get()
        operations.revoke_permit(permit_id=permit.pk, reason="noise", by=OFFICER, at=NOON)
        appeal = appealed(decided(provider), provider.owner)
        PermitFactory(provider=provider, vertical="lodging", valid=FOR_GOOD)
        with pytest.raises(operations.PermitOverlaps), transaction.atomic():
            answered(appeal)
        appeal.refresh_from_db()
        assert appeal.is_open

    def test_only_those_of_the_decision_are_exempt_and_only_when_granted(self, provider):
        enforced("closed")
        citizen = UserFactory()
        appeal = appealed(decided(provider, citizen), citizen)
        for outcome, kind, subject in (
            ("granted", "provider", provider.pk + 1),
            ("granted", "worker", provider.pk),
            ("refused", "provider", provider.pk),
        ):
            with pytest.raises(operations.UnfitOutcome), transaction.atomic():
                answered(appeal, outcome=outcome, exempt=Exempt(kind, subject, LATER))
        with pytest.raises(operations.UnfitOutcome):
            cases.close(cases.taken(appeal), "granted")

    def test_a_decision_that_no_policy_made_exempts_nobody(self, provider):
        decision = decided(cases.provider()[0])
        assert decision.refusal == "no_permit"
        owner = decision.provider.memberships.get().user
        appeal = appealed(decision, owner)
        with pytest.raises(operations.UnfitOutcome), transaction.atomic():
            answered(appeal, exempt=Exempt("provider", decision.provider_id, LATER))
        assert answered(appeal).outcome == "granted"


class TestExemptions:
    def test_whoever_is_exempt_is_not_counted(self, provider):
        cap = enforced("cap", {"fact": "nights", "of": "listing", "per": "year", "most": 1})
        listing = ListingFactory(provider=provider)
        asks = {"who": {"listing": listing.pk}, "counts": {"nights": 3}}
        assert not decided(provider, **asks).is_granted
        given(cap.policy, provider, kind="listing", subject=listing.pk)
        again = decided(provider, **asks)
        assert (again.is_granted, again.taken) == (True, [])
        assert again.asked == [["P-1", 1, "exempt"]]
        assert not Allowance.objects.exists()

    @pytest.mark.parametrize(
        ("kind", "terms", "asks"),
        [
            ("hours", {"opens": "01:00", "closes": "02:00"}, {}),
            ("limit", {"fact": "guests", "most": 2}, {"facts": {"guests": 3}}),
            ("closed", {}, {}),
        ],
    )
    def test_every_rule_that_refuses_can_spare_somebody(self, provider, kind, terms, asks):
        rule = enforced(kind, terms)
        assert not decided(provider, **asks).is_granted
        given(rule.policy, provider)
        assert decided(provider, **asks).is_granted

    def test_it_is_ended_at_once_with_a_reason(self, provider):
        rule = enforced("closed")
        row = given(rule.policy, provider)
        assert decided(provider).is_granted
        for _ in range(2):
            operations.end_exemption(exemption_id=row.pk, reason="over", by=OFFICER, at=NOON)
        assert not decided(provider).is_granted
        row.refresh_from_db()
        assert (row.end_reason, row.valid.isempty) == ("over", True)
        assert Event.objects.filter(topic="regulation.exemption_ended").count() == 1
        with pytest.raises(ValueError, match="reason"):
            operations.end_exemption(exemption_id=row.pk, reason=" ", by=OFFICER, at=NOON)

    def test_it_ends_and_says_why(self, provider):
        rule = enforced("closed")
        row = given(rule.policy, provider)
        assert given(rule.policy, provider).pk == row.pk
        with pytest.raises(operations.AlreadyExempt):
            given(rule.policy, provider, ends=LATER + DAY)
        with pytest.raises(ValueError, match="before it begins"):
            given(rule.policy, provider, begins=LATER, ends=NOON)
        for broken in ({"reason": ""}, {"valid": DateTimeTZRange(NOON, None)}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Exemption.objects.filter(pk=row.pk).update(**broken)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_exemptions_at_once_are_one(self):
        provider, _owner = cases.provider()
        rule = enforced("closed")
        told = at_once(
            lambda: given(rule.policy, provider),
            lambda: given(rule.policy, provider, ends=LATER + DAY),
        )
        assert sum(isinstance(one, operations.AlreadyExempt) for one in told) == 1
        assert Exemption.objects.count() == 1

    def test_without_the_constraint_both_would_stand(self):
        provider, _owner = cases.provider()
        rule = enforced("closed")
        with without(Exemption, "regulation_one_exemption_at_a_time"):
            at_once(
                lambda: given(rule.policy, provider),
                lambda: given(rule.policy, provider, ends=LATER + DAY),
            )
            assert Exemption.objects.count() == 2

    def test_two_words_on_one_appeal_leave_one(self):
        provider, owner = cases.provider()
        enforced("closed")
        PermitFactory(provider=provider, vertical="lodging")
        who = cases.officer()
        appeal = cases.taken(appealed(decided(provider), owner), who)
        told = at_once(
            *(
                lambda outcome=outcome: operations.decide_appeal(
                    case_id=appeal.pk,
                    officer_id=who.pk,
                    outcome=outcome,
                    words="so",
                    by=OFFICER,
                    at=NOON,
                )
                for outcome in ("granted", "refused")
            )
        )
        assert sum(isinstance(one, operations.CaseClosed) for one in told) == 1
        assert sum(isinstance(one, CaseFile) for one in told) == 1


class TestPages:
    def test_a_refusal_is_contested_and_answered(self, client, provider):
        enforced("closed", title="Nobody sleeps here", at=clock.now() - DAY)
        citizen = UserFactory()
        decision = decided(provider, citizen, at=clock.now(), moment=clock.now())
        at = reverse("regulation:appeal", args=[decision.ref])
        client.force_login(citizen)
        assert at in client.get("/cases/").content.decode()
        shown = client.get(at).content.decode()
        assert "Nobody sleeps here (rule P-1/1)" in shown
        assert "Tests need rules." in shown
        assert client.post(at, {"key": uuid4(), "words": ""}).status_code == 422
        answer = client.post(at, {"key": uuid4(), "words": "My mother."}, follow=True)
        assert "My mother." in answer.content.decode()
        appeal = CaseFile.objects.get()
        assert client.get(at).headers["Location"] == f"/cases/{appeal.ref}/"
        for stranger in (UserFactory(), UserFactory(is_staff=True)):
            client.force_login(stranger)
            assert client.get(at).status_code == 404
            assert client.post(at, {"key": uuid4(), "words": "x"}).status_code == 404
        who = cases.officer(*cases.LEAVE, "view_decision", "view_exemption", "end_exemption")
        client.force_login(who)
        desk = reverse("admin:regulation_casefile_change", args=[appeal.pk])
        client.post(desk, {"act": "take"})
        page = client.get(desk).content.decode()
        assert "P-1/1: no" in page
        told = {"act": "close", "outcome": "granted", "words": "Yes."}
        exempt = {"exempt": f"provider:{provider.pk}"}
        late = {"until": (clock.now() - 3 * DAY).date()}
        for wrong in (exempt, exempt | late, exempt | late | {"outcome": "refused"}):
            assert client.post(desk, told | wrong).status_code == 422
        last = date(2099, 5, 1)
        assert client.post(desk, told | exempt | {"until": last}).status_code == 302
        row = Exemption.objects.get()
        assert CityFactory().now(row.valid.upper).isoformat()[:16] == "2099-05-02T00:00"
        listed = reverse("admin:regulation_exemption_changelist")
        assert client.get(listed).status_code == 200
        client.post(
            listed,
            {"action": "end", "_selected_action": [row.pk], "because": "1", "reason": "enough"},
        )
        row.refresh_from_db()
        assert row.end_reason == "enough"

    def test_too_late_is_said(self, client, provider):
        enforced("closed")
        citizen = UserFactory()
        decision = decided(provider, citizen, at=clock.now() - 31 * DAY)
        client.force_login(citizen)
        at = reverse("regulation:appeal", args=[decision.ref])
        assert "too late" in client.get(at).content.decode()
        client.post(at, {"key": uuid4(), "words": "x"})
        assert not CaseFile.objects.exists()

    def test_a_program_is_told_the_way_and_takes_it(self, client, provider):
        enforced("closed")
        citizen = UserFactory()
        decision = decided(provider, citizen, at=clock.now())
        at = f"/api/v1/decisions/{decision.ref}/appeal"
        secret = parties.issue_token(
            user_id=citizen.pk, name="tests", expires_at=None, by=CITY, at=clock.now()
        )[1]
        mine = {"headers": {"Authorization": f"Bearer {secret}"}}
        refusal = client.get(at, **mine).json()
        assert (refusal["rule"], refusal["case"]) == ("P-1/1", None)
        body = {"data": {"words": "My mother."}, "content_type": "application/json"}
        answer = client.post(at, **body, **mine)
        assert answer.status_code == 201
        assert client.post(at, **body, **mine).json() == answer.json()
        assert client.get(at, **mine).json()["case"] == answer.json()["ref"]
        assert client.get(f"/api/v1/decisions/{uuid4()}/appeal", **mine).status_code == 404
        late = decided(provider, citizen, at=clock.now() - 31 * DAY)
        gone = client.post(f"/api/v1/decisions/{late.ref}/appeal", **body, **mine)
        assert (gone.status_code, gone.json()["code"]) == (410, "too_late_to_appeal")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_in_a_browser(client, new_page, site, provider, width, theme):
    enforced("closed", title="Nobody sleeps here", at=clock.now() - DAY)
    citizen = UserFactory()
    decision = decided(provider, citizen, at=clock.now(), moment=clock.now())
    phone = new_page(width=width, theme=theme)
    client.force_login(citizen)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}
    phone.context.add_cookies([cookie])
    told = watch(phone)
    phone.goto(f"{site}/cases/")
    assert_accessible(phone)
    screenshot(phone, f"refused-{width}-{theme}", full=True)
    phone.goto(f"{site}{reverse('regulation:appeal', args=[decision.ref])}")
    assert_accessible(phone)
    screenshot(phone, f"appeal-{width}-{theme}", full=True)
    assert told == []
