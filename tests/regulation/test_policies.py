"""How a rule comes into force and out of it, and how fast everybody knows."""

from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from apps.bus.models import Event
from apps.regulation import in_force
from apps.regulation import operations as regulation
from apps.regulation.models import Policy, PolicyVersion
from apps.regulation.queries import explain
from apps.regulation.rules import Malformed
from tests.factories import ADA, NOON, OFFICER, CityFactory, PermitFactory, ZoneFactory
from tests.policies import approved, case, drafted, enforced, officers, proposed
from tests.races import at_once, without

DAY = timedelta(days=1)
SIX_GUESTS = {"fact": "guests", "most": 6}


def decide(guests=7, at=NOON, **rest):
    provider = rest.pop("provider", None) or PermitFactory(vertical="lodging").provider
    asked = case(provider, moment=at, facts={"guests": guests}, **rest)
    return regulation.decide(asked, by=ADA, at=at)


def approve(version, officer_id, **rest):
    return regulation.approve_policy(
        version_id=version.pk, officer_id=officer_id, by=OFFICER, at=NOON, **rest
    )


def stop(version, at=NOON, reason="It does more harm than good."):
    officer, _ = officers()
    done = regulation.stop_policy(
        version_id=version.pk, officer_id=officer.pk, reason=reason, by=OFFICER, at=at
    )
    in_force.forget()
    return done


@pytest.mark.django_db
class TestTheWayIntoForce:
    def test_a_draft_and_a_proposal_say_nothing_yet(self):
        drafted("limit", SIX_GUESTS)
        proposed("limit", SIX_GUESTS)

        assert decide().is_granted

    def test_approved_it_refuses_with_its_number_and_its_words(self):
        version = enforced("limit", SIX_GUESTS, title="At most six guests in a home.")

        said = decide()
        assert (said.refusal, said.rule) == (f"policy_{version.pk}", "P-1/1")
        assert words(said) == "At most six guests in a home. (rule P-1/1)"
        assert decide(6).is_granted

    def test_numbers_follow_one_another_in_each_city(self):
        other = CityFactory(slug="coquimbo", name="Coquimbo")

        versions = [drafted("closed"), drafted("closed"), drafted("closed", city=other)]
        assert [str(version) for version in versions] == ["P-1/1", "P-2/1", "P-1/1"]

    def test_the_same_key_twice_is_one_policy(self):
        key = "0e3f1c6a-5a0e-4b0c-9d0a-6f6f6f6f6f6f"

        for title in ("One.", "Two."):
            drafted("closed", title=title, key=key)

        assert PolicyVersion.objects.get().title == "Two."

    @pytest.mark.parametrize("who", [0, 1])
    def test_whoever_drafted_or_proposed_it_does_not_approve_it(self, who):
        drafts, proposes = officers()
        version = drafted("closed")
        regulation.propose_policy(
            version_id=version.pk, officer_id=proposes.pk, by=OFFICER, at=NOON
        )

        with pytest.raises(regulation.FourEyes):
            approve(version, (drafts, proposes)[who].pk)

    def test_the_database_holds_to_four_eyes_too(self):
        version = proposed("closed")

        with pytest.raises(IntegrityError, match="regulation_four_eyes"), transaction.atomic():
            PolicyVersion.objects.filter(pk=version.pk).update(decided_by=version.drafted_by)

    def test_a_proposal_cannot_be_changed(self):
        version = proposed("limit", SIX_GUESTS)

        with pytest.raises(regulation.NotInTheMaking):
            drafted("limit", {"fact": "guests", "most": 60}, policy_id=version.policy_id)

    def test_a_rejection_says_why_and_makes_room_for_a_new_draft(self):
        version = proposed("limit", SIX_GUESTS)
        _, other = officers()

        with pytest.raises(ValueError, match="without a reason"):
            regulation.reject_policy(
                version_id=version.pk, officer_id=other.pk, reason=" ", by=OFFICER, at=NOON
            )
        for _ in range(2):
            regulation.reject_policy(
                version_id=version.pk, officer_id=other.pk, reason="Too few.", by=OFFICER, at=NOON
            )

        again = drafted("limit", {"fact": "guests", "most": 8}, policy_id=version.policy_id)
        assert str(again) == "P-1/2"
        topics = Event.objects.filter(topic="regulation.policy_rejected")
        assert [event.body["reason"] for event in topics] == ["Too few."]

    def test_approving_twice_is_harmless(self):
        version = enforced("closed")

        approved(version)

        assert Event.objects.filter(topic="regulation.policy_approved").count() == 1

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"kind": "wish"}, "kind"),
            ({"title": " "}, "title"),
            ({"title": "x" * 161}, "title"),
            ({"kind": "limit", "terms": {"fact": "guests"}}, "most"),
            ({"scope": {"zones": ["atlantis"]}}, "zones"),
            ({"kind": "crisis", "terms": {"shelters": ["atlantis"]}}, "zones"),
        ],
    )
    def test_what_makes_no_sense_is_refused_with_its_field(self, wrong, field):
        with pytest.raises(Malformed) as no:
            drafted(**{"kind": "closed"} | wrong)

        assert no.value.field == field
        assert not Policy.objects.exists()


@pytest.mark.django_db
class TestWhenItHolds:
    def test_a_planned_policy_waits_for_its_hour(self):
        approved(proposed("limit", SIX_GUESTS, at=NOON), at=NOON, begins=NOON + DAY)

        assert [decide(at=at).is_granted for at in (NOON, NOON + DAY)] == [True, False]

    def test_a_new_version_ends_the_one_before(self):
        first = enforced("limit", SIX_GUESTS)
        eight = {"fact": "guests", "most": 8}
        approved(proposed("limit", eight, policy_id=first.policy_id, at=NOON), at=NOON)

        assert [decide(7, at).rule for at in (NOON - DAY, NOON)] == ["P-1/1", ""]
        assert decide(9).rule == "P-1/2"

    def test_nothing_is_put_before_a_later_version_that_is_planned(self):
        first = proposed("limit", SIX_GUESTS, at=NOON)
        approved(first, at=NOON, begins=NOON + DAY)
        again = proposed("limit", SIX_GUESTS, policy_id=first.policy_id, at=NOON)

        with pytest.raises(regulation.BeginsTooLate):
            approved(again, at=NOON)

    @pytest.mark.parametrize("at", [NOON, NOON - 60 * DAY])
    def test_stopped_it_says_nothing_more_and_why_is_kept(self, at):
        """In force, or planned and never begun."""
        version = enforced("limit", SIX_GUESTS)

        for _ in range(2):
            stop(version, at)

        assert decide().is_granted
        version.refresh_from_db()
        assert version.reason == "It does more harm than good."
        assert Event.objects.filter(topic="regulation.policy_stopped").count() == 1

    def test_an_emergency_has_an_end(self):
        ZoneFactory(slug="river")
        flood = proposed("crisis", scope={"zones": ["river"]}, at=NOON)

        with pytest.raises(regulation.AnEmergencyEnds):
            approved(flood, at=NOON)
        assert approved(flood, at=NOON, ends=NOON + DAY).valid.upper == NOON + DAY


@pytest.mark.django_db(transaction=True)
class TestEverywhere:
    def test_another_process_knows_within_two_seconds(self, monkeypatch):
        """Its copy is as old as may be; the clock that it looks at is ours."""
        provider = PermitFactory(vertical="lodging").provider
        version = proposed("limit", SIX_GUESTS)
        now = 1_000.0
        monkeypatch.setattr(in_force, "monotonic", lambda: now)
        assert decide(provider=provider).is_granted

        # What happened elsewhere: nobody told this process.
        monkeypatch.setattr(in_force, "forget", lambda: None)
        approve(version, officers()[1].pk)
        assert decide(provider=provider).is_granted

        now += in_force.FRESH_SECONDS
        assert decide(provider=provider).rule == "P-1/1"

    def test_this_process_knows_at_once(self):
        version = proposed("limit", SIX_GUESTS)
        assert decide().is_granted

        approve(version, officers()[1].pk)

        assert decide().rule == "P-1/1"

    def test_what_is_rolled_back_was_never_in_force(self):
        version = proposed("limit", SIX_GUESTS)

        with transaction.atomic():
            approve(version, officers()[1].pk)
            transaction.set_rollback(True)

        assert decide().is_granted


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_of_many_approvals_one_version_is_in_force(self):
        version = proposed("limit", SIX_GUESTS)

        at_once(*[partial(approve, version, officers()[1].pk)] * 4)

        assert PolicyVersion.objects.in_force(NOON).count() == 1
        assert Event.objects.filter(topic="regulation.policy_approved").count() == 1

    def test_naive_code_without_the_constraint_puts_two_in_force(self):
        first = enforced("limit", SIX_GUESTS)
        second = proposed("limit", SIX_GUESTS, policy_id=first.policy_id, at=NOON)
        third = PolicyVersion(
            policy=first.policy, version=3, title="x", why="x", kind="closed", state="DRAFT",
            drafted_by=first.drafted_by, drafted_at=NOON,
        )  # fmt: skip
        both_have_looked = Barrier(2)

        def naive(version):
            both_have_looked.wait(30)
            decides = officers()[1]
            version.state, version.valid, version.decided_by = "APPROVED", first.valid, decides
            version.decided_at = NOON
            version.save()

        answers = at_once(partial(naive, second), partial(naive, third))
        assert [type(answer) for answer in answers] == [IntegrityError] * 2
        both_have_looked.reset()

        with without(PolicyVersion, "regulation_one_version_in_force"):
            at_once(partial(naive, second), partial(naive, third))

            assert PolicyVersion.objects.in_force(NOON).count() == 3


def words(decision):
    with translation.override("en"):
        return explain(decision.refusal)
