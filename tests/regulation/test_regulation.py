from datetime import date
from functools import partial
from threading import Barrier

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import translation

from apps.bus.models import Event
from apps.regulation import operations as regulation
from apps.regulation import queries
from apps.regulation.models import Allowance, Decision, Permit
from tests.factories import ADA, CITY, NOON, OFFICER, SOON, PermitFactory, ProviderFactory
from tests.policies import approved, case, enforced, proposed
from tests.races import at_once, without

MAY = [date(2027, 5, day) for day in (1, 2, 3)]
FIVE_NIGHTS = {"fact": "nights", "most": 5}


def decide(provider, nights=MAY, at=NOON, **rest):
    about = {"who": {"listing": 7}, "counts": {"nights": nights} if nights else {}}
    return regulation.decide(case(provider, moment=at, **about | rest), by=ADA, at=at)


def used():
    return list(Allowance.objects.order_by("pk").values_list("period", "used", "cap"))


def grant(provider, number="CITY-1", valid_from=NOON, valid_until=SOON):
    return regulation.grant_permit(
        provider_id=provider.pk,
        vertical="lodging",
        number=number,
        valid_from=valid_from,
        valid_until=valid_until,
        by=OFFICER,
        at=NOON,
    )


@pytest.fixture
def host():
    return PermitFactory(vertical="lodging").provider


@pytest.fixture
def five_nights():
    return enforced("cap", FIVE_NIGHTS, title="A home is let for five nights a year at most.")


@pytest.mark.django_db
class TestDecide:
    def test_what_was_asked_and_said_is_kept(self, host, five_nights):
        first, second = decide(host), decide(host)

        first, second = Decision.objects.order_by("pk")
        assert (first.refusal, first.asked) == ("", [["P-1", 1, "yes"]])
        assert first.taken == [["P-1:listing:7", "2027", "nights", 3]]
        assert (second.refusal, second.rule) == (f"policy_{five_nights.pk}", "P-1/1")
        assert second.facts["counts"] == {"nights": ["2027-05-01", "2027-05-02", "2027-05-03"]}
        assert (second.taken, used()) == ([], [("2027", 3, 5)])

    def test_one_full_cap_takes_nothing_from_the_others(self, host, five_nights):
        enforced("cap", {"fact": "guests", "most": 0})

        said = decide(host, counts={"nights": MAY, "guests": 1})

        assert (said.rule, used()) == ("P-2/1", [])

    def test_each_night_counts_in_its_own_year(self, host, five_nights):
        new_year = [date(2026, 12, 30), date(2026, 12, 31), date(2027, 1, 1)]

        decide(host, new_year)

        assert used() == [("2026", 2, 5), ("2027", 1, 5)]

    def test_giving_back_twice_is_harmless(self, host, five_nights):
        granted = decide(host)

        for _ in range(2):
            regulation.give_back(decision_id=granted.pk, by=ADA, at=NOON)

        assert used() == [("2027", 0, 5)]
        assert Event.objects.filter(topic="regulation.given_back").count() == 1

    def test_a_cap_that_is_lowered_holds_from_the_next_case_on(self, host, five_nights):
        decide(host)
        again = proposed(
            "cap", {"fact": "nights", "most": 4}, policy_id=five_nights.policy_id, at=NOON
        )
        approved(again, at=NOON)

        assert [decide(host, MAY[:2]).rule, decide(host, MAY[:1]).rule] == ["P-1/2", ""]
        assert used() == [("2027", 4, 4)]

    @pytest.mark.parametrize("so_many", [1, 3])
    def test_it_costs_two_statements(self, host, so_many, django_assert_num_queries):
        decide(host, [])
        cases = [case(host)] * so_many

        # Savepoint, permit, decision, release.
        with django_assert_num_queries(4):
            regulation.decide_all(cases, by=ADA, at=NOON)

    def test_a_decision_is_written_once(self, host):
        said = decide(host, [])

        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            Decision.objects.filter(pk=said.pk).update(refusal="no_permit")

    def test_a_permit_counts_from_its_first_moment_up_to_its_last(self):
        host = ProviderFactory()
        assert decide(host, []).refusal == "no_permit"

        grant(host, valid_from=SOON, valid_until=None)
        assert decide(host, []).refusal == "permit_not_begun"
        assert decide(host, [], at=SOON).refusal == ""

    def test_an_expired_permit_is_none(self):
        host = grant(ProviderFactory()).provider

        assert [decide(host, [], at).refusal for at in (NOON, SOON)] == ["", "permit_expired"]

    @pytest.mark.parametrize(
        ("refusal", "words"),
        [
            ("", ""),
            ("no_permit", "The provider has no permit for this service. (rule 1.1)"),
            ("permit_not_begun", "The provider's permit is not valid yet. (rule 1.2)"),
            ("permit_expired", "The provider's permit has expired. (rule 1.3)"),
            ("permit_revoked", "The city has revoked the provider's permit. (rule 1.4)"),
            ("something_else", "The city does not allow this."),
        ],
    )
    def test_refusals_are_explained(self, refusal, words):
        with translation.override("en"):
            assert queries.explain(refusal) == words


@pytest.mark.django_db
class TestPermits:
    def test_granting_twice_is_one_permit(self):
        host = ProviderFactory()

        assert grant(host) == grant(host)
        assert Event.objects.filter(topic="regulation.permit_granted").count() == 1

    def test_a_number_is_given_once(self):
        grant(ProviderFactory())

        with pytest.raises(regulation.NumberTaken):
            grant(ProviderFactory())

    def test_permits_for_one_service_do_not_overlap(self):
        host = ProviderFactory()
        grant(host)

        with pytest.raises(regulation.PermitOverlaps):
            grant(host, number="CITY-2", valid_until=None)
        assert grant(host, number="CITY-2", valid_from=SOON, valid_until=None)

    def test_revoked_and_restored_and_why(self):
        permit = grant(ProviderFactory(), valid_until=None)

        for _ in range(2):
            regulation.revoke_permit(permit_id=permit.pk, reason="no tax paid", by=OFFICER, at=SOON)

        permit.refresh_from_db()
        assert (permit.revoked_at, permit.reason) == (SOON, "no tax paid")
        assert decide(permit.provider, [], SOON).refusal == "permit_revoked"
        assert queries.valid_permit(permit.provider_id, "lodging", SOON) is None

        for _ in range(2):
            regulation.restore_permit(permit_id=permit.pk, reason="paid", by=OFFICER, at=SOON)

        assert queries.valid_permit(permit.provider_id, "lodging", SOON) == permit
        topics = Event.objects.filter(topic__contains="permit_").order_by("pk")
        assert list(topics.values_list("topic", "body__reason")) == [
            ("regulation.permit_granted", None),
            ("regulation.permit_revoked", "no tax paid"),
            ("regulation.permit_restored", "paid"),
        ]

    def test_a_revoked_permit_makes_room_and_does_not_come_back_into_it(self):
        first = grant(ProviderFactory())
        regulation.revoke_permit(permit_id=first.pk, reason="wrong name", by=OFFICER, at=NOON)
        grant(first.provider, number="CITY-2")

        with pytest.raises(regulation.PermitOverlaps):
            regulation.restore_permit(permit_id=first.pk, reason="right name", by=OFFICER, at=NOON)

    @pytest.mark.parametrize("act", [regulation.revoke_permit, regulation.restore_permit])
    def test_nothing_is_done_without_a_reason_or_to_a_permit_that_is_not(self, act):
        permit = grant(ProviderFactory())

        with pytest.raises(ValueError, match="without a reason"):
            act(permit_id=permit.pk, reason=" ", by=OFFICER, at=NOON)
        with pytest.raises(regulation.NoSuchPermit):
            act(permit_id=permit.pk + 1, reason="why not", by=OFFICER, at=NOON)


@pytest.mark.django_db(transaction=True)
class TestTwoPermitsAtOnce:
    def test_of_many_overlapping_grants_one_stands(self):
        host = ProviderFactory()

        answers = at_once(*[partial(grant, host, number=f"CITY-{n}") for n in range(6)])

        assert [type(answer) for answer in answers].count(regulation.PermitOverlaps) == 5
        assert Permit.objects.count() == 1
        assert Event.objects.filter(topic="regulation.permit_granted").count() == 1

    def test_naive_code_without_the_constraint_grants_two(self):
        host = ProviderFactory()
        both_have_looked = Barrier(2)

        def naive(number):
            is_free = not Permit.objects.filter(provider=host).exists()
            both_have_looked.wait(30)
            if is_free:
                PermitFactory(provider=host, number=number)

        with without(Permit, "regulation_one_permit_at_a_time"):
            at_once(partial(naive, "CITY-1"), partial(naive, "CITY-2"))

            assert Permit.objects.filter(provider=host).count() == 2


@pytest.mark.django_db(transaction=True)
class TestAtTheCap:
    def test_of_many_at_once_only_as_many_pass_as_there_is_room(self, host, five_nights):
        answers = at_once(*[partial(decide, host)] * 6)

        assert [answer.refusal for answer in answers].count("") == 1
        assert used() == [("2027", 3, 5)]

    def test_given_back_twice_at_once_is_given_back_once(self, host, five_nights):
        granted = decide(host)
        decide(host, MAY[:2])

        at_once(*[partial(regulation.give_back, decision_id=granted.pk, by=CITY, at=NOON)] * 4)

        assert used() == [("2027", 2, 5)]

    def test_naive_code_is_stopped_by_the_constraint(self, host, five_nights):
        answers = at_once(*[self.naive_take()] * 2)

        assert [type(answer) for answer in answers].count(IntegrityError) == 1

    def test_naive_code_without_the_constraint_passes_the_cap(self, host, five_nights):
        with without(Allowance, "regulation_allowance_within_cap"):
            at_once(*[self.naive_take()] * 2)

            assert used() == [("2027", 6, 5)]

    def naive_take(self):
        nights = {"subject": "P-1:listing:7", "period": "2027", "fact": "nights"}
        allowance, _ = Allowance.objects.get_or_create(**nights, defaults={"cap": 5})
        both_have_looked = Barrier(2)

        def take():
            has_room = Allowance.objects.get(pk=allowance.pk).used + 3 <= allowance.cap
            both_have_looked.wait(30)
            if has_room:
                Allowance.objects.filter(pk=allowance.pk).update(used=F("used") + 3)

        return take
