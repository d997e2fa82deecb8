from datetime import timedelta
from functools import partial

import pytest

from apps.bus.models import Event
from apps.parties import operations as parties
from apps.parties import queries
from apps.parties.models import Consumer, Membership, Provider
from tests.factories import ADA, CITY, NOON, SOON, UserFactory
from tests.races import at_once

Role = Membership.Role


def topics():
    return list(Event.objects.order_by("pk").values_list("topic", flat=True))


def add(provider, user, role):
    return parties.add_member(provider_id=provider.pk, user_id=user.pk, role=role, by=CITY, at=NOON)


def remove(provider, user):
    parties.remove_member(provider_id=provider.pk, user_id=user.pk, by=CITY, at=NOON)


def hire(provider, user, **terms):
    return parties.hire_worker(provider_id=provider.pk, user_id=user.pk, by=CITY, at=NOON, **terms)


def may(user, provider):
    """What a person may do for a provider, asked the way pages ask."""
    return {
        perm
        for perm in ("operate_provider", "see_provider_money")
        if queries.providers_of(user, perm).contains(provider)
    }


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def teammate():
    return UserFactory()


@pytest.fixture
def stranger():
    return UserFactory()


@pytest.fixture
def provider(owner):
    return parties.found_provider(name="Rápidos del Elqui", owner_id=owner.pk, by=CITY, at=NOON)


@pytest.mark.django_db
class TestSignUp:
    def test_twice_is_one_consumer(self, owner):
        for _ in range(2):
            parties.sign_up(user_id=owner.pk, by=ADA, at=NOON)

        assert Consumer.objects.get().user == owner
        assert topics() == ["parties.signed_up"]

    def test_nobody_signs_up_who_is_not_there(self):
        with pytest.raises(parties.NoSuchPerson):
            parties.sign_up(user_id=7, by=ADA, at=NOON)


@pytest.mark.django_db
class TestTeam:
    @pytest.mark.parametrize(
        ("role", "allowed"),
        [
            (Role.OWNER, {"operate_provider", "see_provider_money"}),
            (Role.MANAGER, {"operate_provider", "see_provider_money"}),
            (Role.ACCOUNTANT, {"see_provider_money"}),
            (Role.WORKER, set()),
        ],
    )
    def test_what_the_owner_the_teammate_and_the_stranger_may(
        self, owner, teammate, stranger, provider, role, allowed
    ):
        add(provider, teammate, role)

        assert may(owner, provider) == {"operate_provider", "see_provider_money"}
        assert may(teammate, provider) == allowed
        assert may(stranger, provider) == set()

    def test_being_staff_opens_nobodys_books(self, provider):
        officer = UserFactory(is_staff=True, is_superuser=True)

        assert may(officer, provider) == set()

    def test_another_role_replaces_what_the_first_allowed(self, teammate, provider):
        add(provider, teammate, Role.MANAGER)
        add(provider, teammate, Role.ACCOUNTANT)

        assert may(teammate, provider) == {"see_provider_money"}
        assert provider.memberships.get(user=teammate).role == Role.ACCOUNTANT

    def test_the_same_role_again_is_no_news(self, teammate, provider):
        for _ in range(2):
            add(provider, teammate, Role.MANAGER)

        assert topics() == ["parties.provider_founded"] + ["parties.member_added"] * 2

    def test_what_a_member_was_allowed_ends_with_the_membership(self, teammate, provider):
        add(provider, teammate, Role.MANAGER)
        worker = hire(provider, teammate)

        for _ in range(2):
            remove(provider, teammate)

        worker.refresh_from_db()
        assert (may(teammate, provider), worker.is_active) == (set(), False)
        assert topics().count("parties.member_removed") == 1

    def test_a_provider_keeps_an_owner(self, owner, teammate, provider):
        add(provider, teammate, Role.MANAGER)

        with pytest.raises(parties.LastOwner):
            remove(provider, owner)
        with pytest.raises(parties.LastOwner):
            add(provider, owner, Role.WORKER)

        assert may(owner, provider) == {"operate_provider", "see_provider_money"}

    def test_an_unknown_provider_person_or_role_is_refused(self, owner, provider):
        with pytest.raises(parties.NoSuchProvider):
            add(Provider(pk=provider.pk + 1), owner, Role.OWNER)
        with pytest.raises(parties.NoSuchPerson):
            parties.add_member(
                provider_id=provider.pk, user_id=0, role=Role.OWNER, by=CITY, at=NOON
            )
        with pytest.raises(ValueError, match="KING"):
            add(provider, owner, "KING")


@pytest.mark.django_db
class TestHire:
    def test_a_worker_belongs_to_the_team(self, teammate, provider):
        worker = hire(provider, teammate, seats=3, abilities=["large", "accessible", "large"])

        assert (worker.seats, worker.abilities) == (3, ["accessible", "large"])
        assert provider.memberships.get(user=teammate).role == Role.WORKER

    def test_hiring_again_brings_the_terms_up_to_date(self, owner, provider):
        first = hire(provider, owner, seats=3)
        assert hire(provider, owner, seats=3) == first
        assert topics().count("parties.worker_hired") == 1

        assert hire(provider, owner, seats=6).seats == 6
        assert provider.memberships.get(user=owner).role == Role.OWNER
        assert topics().count("parties.worker_hired") == 2

    def test_nobody_drives_for_two_at_once(self, stranger, teammate, provider):
        hire(provider, teammate)
        other = parties.found_provider(name="Otros", owner_id=stranger.pk, by=CITY, at=NOON)

        with pytest.raises(parties.WorksElsewhere):
            hire(other, teammate)

        remove(provider, teammate)
        assert hire(other, teammate).provider == other


@pytest.mark.django_db
class TestTokens:
    @pytest.fixture
    def token_and_secret(self, owner):
        return parties.issue_token(
            user_id=owner.pk, name="our planner", expires_at=SOON, by=ADA, at=NOON
        )

    def test_a_secret_speaks_for_its_person_until_it_expires(self, owner, token_and_secret):
        token, secret = token_and_secret

        assert queries.user_of_token(secret, NOON) == owner
        assert queries.user_of_token(secret, SOON) is None
        assert secret.startswith("city_")
        assert len(secret) == 48
        assert secret not in str(token.__dict__)

    @pytest.mark.parametrize(
        "forged", ["", "city_", "city_" + "A" * 43, "ciudad_x", "\0", "é" * 99]
    )
    def test_a_forged_secret_speaks_for_nobody(self, token_and_secret, forged):
        assert queries.user_of_token(forged, NOON) is None

    def test_a_revoked_secret_speaks_for_nobody(self, owner, token_and_secret):
        token, secret = token_and_secret

        for _ in range(2):
            parties.revoke_token(token_id=token.pk, user_id=owner.pk, by=ADA, at=NOON)

        assert queries.user_of_token(secret, NOON) is None
        assert topics() == ["parties.token_issued", "parties.token_revoked"]

    def test_a_blocked_person_is_not_spoken_for(self, owner, token_and_secret):
        owner.is_active = False
        owner.save()

        assert queries.user_of_token(token_and_secret[1], NOON) is None

    def test_nobody_revokes_a_strangers_token(self, stranger, token_and_secret):
        token, secret = token_and_secret

        with pytest.raises(parties.NoSuchToken):
            parties.revoke_token(token_id=token.pk, user_id=stranger.pk, by=ADA, at=NOON)

        assert queries.user_of_token(secret, NOON)

    def test_its_use_is_noted_at_most_once_a_minute(self, token_and_secret):
        token, secret = token_and_secret
        noted = []
        for seconds in (0, 30, 60, 61, 90):
            queries.user_of_token(secret, NOON + timedelta(seconds=seconds))
            token.refresh_from_db()
            noted.append((token.last_used_at - NOON).seconds)

        assert noted == [0, 0, 0, 61, 61]


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_leave_at_once_one_stays(owner, teammate, provider):
    add(provider, teammate, Role.OWNER)

    answers = at_once(partial(remove, provider, owner), partial(remove, provider, teammate))

    assert [type(answer) for answer in answers].count(parties.LastOwner) == 1
    assert provider.memberships.count() == 1
