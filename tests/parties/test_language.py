"""The language that a person chose goes with them to every phone and into every letter."""

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from apps.audit.models import Record
from apps.kernel.actors import Kind
from apps.parties import operations
from tests import factories, rides
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def camila():
    user = factories.UserFactory(language="es")
    user.set_password("lighthouse-17")
    user.save()
    return user


def test_a_choice_is_kept_with_the_account_and_told_once(camila):
    client = Client()
    client.force_login(camila)
    for _ in range(2):
        client.post("/language/", {"language": "en"})
    client.post("/language/", {"language": "xx"})
    rides.relay_all(NOON.replace(year=2100))

    camila.refresh_from_db()
    assert camila.language == "en"
    assert Record.objects.filter(topic="parties.language_chosen").count() == 1
    assert Client().post("/language/", {"language": "es"}).status_code == 302


def test_a_language_that_nobody_here_speaks_is_refused(camila):
    with pytest.raises(ValueError, match="does not speak"):
        operations.choose_language(
            user_id=camila.pk, language="xx", by=camila.acting(Kind.CONSUMER), at=NOON
        )


def test_who_signs_in_on_another_phone_is_spoken_to_as_they_chose(camila):
    client = Client(headers={"Accept-Language": "en"})
    sent = {"login": camila.email, "password": "lighthouse-17"}

    client.post("/accounts/login/", sent)

    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == "es"
    assert 'lang="es"' in client.get("/").content.decode()


def test_a_letter_is_written_in_the_language_of_whom_it_goes_to(camila):
    client = Client(headers={"Accept-Language": "en"})

    client.post("/accounts/password/reset/", {"email": camila.email})

    assert len(mail.outbox) == 1
    assert "contrase" in (mail.outbox[0].subject + mail.outbox[0].body).lower()
