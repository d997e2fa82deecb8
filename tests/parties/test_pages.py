import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from apps.bus.models import Event
from apps.parties import operations as parties
from apps.parties import queries
from apps.parties.models import ApiToken, Consumer, User
from tests.factories import ADA, CITY, NOON, ProviderFactory, UserFactory

KEYS = "/me/tokens/"


@pytest.fixture
def owner():
    return UserFactory(language="en")


@pytest.fixture
def own_page(client, owner):
    client.force_login(owner)
    return client


@pytest.mark.django_db
class TestKeys:
    def test_a_secret_is_shown_once(self, own_page, owner):
        answer = own_page.post(KEYS, {"name": "our planner", "days": "30"})

        (secret,) = re.findall(r"city_[\w-]{43}", answer.content.decode())
        assert queries.user_of_token(secret, ApiToken.objects.get().created_at) == owner
        assert "no-store" in answer["Cache-Control"]
        again = own_page.get(KEYS).content.decode()
        assert "our planner" in again
        assert secret not in again

    def test_a_key_without_an_end(self, own_page):
        own_page.post(KEYS, {"name": "our planner", "days": "0"})

        assert ApiToken.objects.get().expires_at is None
        assert "It works until you revoke it." in own_page.get(KEYS).content.decode()

    @pytest.mark.parametrize(
        "asked",
        [{}, {"name": ""}, {"name": "x" * 101}, {"name": "x", "days": "31"}, {"name": "\0"}],
    )
    def test_what_cannot_be_a_key_is_said_beside_the_field(self, own_page, asked):
        answer = own_page.post(KEYS, asked)

        assert answer.status_code == 422
        assert "field__error" in answer.content.decode()
        assert not ApiToken.objects.exists()

    def test_who_is_not_signed_in_is_asked_to(self, client):
        assert client.get(KEYS).status_code == 302

    def test_the_owner_revokes_and_the_stranger_finds_nothing(self, client, own_page, owner):
        token, secret = parties.issue_token(
            user_id=owner.pk, name="x", expires_at=None, by=ADA, at=NOON
        )
        revoke = reverse("parties:revoke_token", args=[token.pk])
        client.force_login(UserFactory())
        assert client.post(revoke).status_code == 404
        assert queries.user_of_token(secret, NOON) == owner

        client.force_login(owner)
        assert client.get(revoke).status_code == 405
        assert client.post(revoke, follow=True).status_code == 200
        assert queries.user_of_token(secret, NOON) is None


@pytest.mark.django_db
class TestSignUp:
    def sign_up(self, client, **told):
        told = {"email": "grace@example.org", "password1": "a long way from home"} | told
        return client.post("/accounts/signup/", told, HTTP_ACCEPT_LANGUAGE="es-CL,es;q=0.9")

    def test_who_makes_an_account_can_order_in_their_language(self, client):
        assert self.sign_up(client, name="Grace Hopper").status_code == 302

        user = User.objects.get()
        assert (user.name, user.language) == ("Grace Hopper", "es")
        assert Consumer.objects.get().user == user
        signed_up = Event.objects.get(topic="parties.signed_up")
        assert signed_up.by == f"consumer:{user.pk}"
        assert signed_up.source == "/accounts/signup/"

    def test_a_name_is_not_demanded(self, client):
        assert self.sign_up(client).status_code == 302

        assert User.objects.get().name == ""

    def test_the_same_address_in_other_letters_is_the_same_person(self, client):
        UserFactory(email="grace@example.org")

        self.sign_up(client, email="GRACE@example.org")

        assert User.objects.count() == 1


@pytest.mark.django_db
class TestOffice:
    def test_what_makes_somebody_powerful_is_given_by_those_who_are(self, client):
        clerk, chief = UserFactory(is_staff=True), UserFactory(is_superuser=True)
        clerk.user_permissions.set(Permission.objects.filter(codename__endswith="_user"))
        client.force_login(clerk)
        page = reverse("admin:parties_user_change", args=[clerk.pk])

        told = {"email": clerk.email, "name": "Clerk", "language": "en", "is_active": "on"}
        inline = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
        assert client.post(page, told | inline | {"is_superuser": "on"}).status_code == 302
        clerk.refresh_from_db()

        assert (clerk.name, clerk.is_superuser) == ("Clerk", False)
        theirs = reverse("admin:parties_user_change", args=[chief.pk])
        assert client.post(theirs, {"email": "taken@over.org"}).status_code == 403
        password = reverse("admin:auth_user_password_change", args=[chief.pk])
        assert client.post(password, {"password1": "x"}).status_code == 403

    def test_every_page_of_the_office_opens(self, admin_client, owner):
        provider = parties.found_provider(name="Elqui", owner_id=owner.pk, by=CITY, at=NOON)
        worker = parties.hire_worker(provider_id=provider.pk, user_id=owner.pk, by=CITY, at=NOON)
        token, _ = parties.issue_token(user_id=owner.pk, name="x", expires_at=None, by=ADA, at=NOON)
        consumer = parties.sign_up(user_id=owner.pk, by=ADA, at=NOON)
        for row in (owner, provider, worker, token, consumer):
            name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
            assert admin_client.get(reverse(f"{name}_changelist")).status_code == 200
            page = admin_client.get(reverse(f"{name}_change", args=[row.pk]))
            assert page.status_code == 200
            assert b'name="_save"' not in page.content or row == owner

    def test_an_officer_revokes_a_key_that_got_about(self, admin_client, owner):
        token, secret = parties.issue_token(
            user_id=owner.pk, name="x", expires_at=None, by=ADA, at=NOON
        )

        admin_client.post(
            reverse("admin:parties_apitoken_changelist"),
            {"action": "revoke", "_selected_action": [token.pk]},
        )

        assert queries.user_of_token(secret, NOON) is None
        told = Event.objects.get(topic="parties.token_revoked")
        assert told.by.startswith("officer:")

    def test_people_and_providers_are_not_deleted(self, admin_client, owner):
        for row in (owner, ProviderFactory()):
            name = f"admin:{row._meta.app_label}_{row._meta.model_name}_delete"
            assert (
                admin_client.post(reverse(name, args=[row.pk]), {"post": "yes"}).status_code == 403
            )
