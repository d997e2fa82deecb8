"""While an inspection is under way its officer changes nothing, at whatever address."""

import pytest
from django.db import transaction
from django.test import Client

from apps.inspection.middleware import ALLOWED
from apps.inspection.models import Inspection
from apps.kernel import clock
from apps.parties import operations as parties
from tests.access import asking, routes, world
from tests.factories import CITY
from tests.inspection.scenes import desk_of, start

pytestmark = pytest.mark.django_db
UNSAFE = ("POST", "PUT", "PATCH", "DELETE", "PROPFIND")


@pytest.fixture
def city(settings):
    settings.ACCOUNT_RATE_LIMITS = False
    return world.build()


@pytest.fixture
def chief(city):
    """Whoever may do most of all, while they inspect the citizen."""
    chief = city.people["superuser"]
    start(chief, city.people["citizen"], minutes=60)
    return desk_of(chief)


def everywhere(city):
    """Every address of pages, the API and the office, filled with Camila's things."""
    for route in [*routes.pages(), *routes.api(), *routes.office()]:
        yield from route.filled(city.things)[:1]
    for model, _desk in routes.desks():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        yield from (base, f"{base}add/", f"{base}1/change/", f"{base}1/delete/")


def asked(client: Client, method: str, address: str):
    """What is answered; whatever it did is undone."""
    cookies = client.cookies.copy()
    with transaction.atomic():
        try:
            return client.generic(method, address)
        finally:
            transaction.set_rollback(True)
            client.cookies = cookies


def test_nothing_is_written_at_any_address(city, chief):
    addresses = list(everywhere(city))
    passed = {
        f"{method} {address}"
        for address in addresses
        for method in UNSAFE
        if asked(chief, method, address).status_code != 403
    }

    assert len(addresses) > 250
    ways_out = ("/admin/inspect/end/", "/accounts/logout/", "/admin/logout/")
    own_screen = ("/language/", "/theme/")
    assert passed == {f"{method} {one}" for one in (*ways_out, *own_screen) for method in UNSAFE}
    assert len(ALLOWED) == len(ways_out + own_screen)


def test_without_an_inspection_the_same_addresses_are_open(city, chief):
    """The control: it is the inspection that refuses, and nothing else."""
    order = city.things["orders"]["ref"][0]
    addresses = [
        "/me/",
        "/admin/who-may-do-what/",
        "/api/v1/me/notices",
        f"/orders/{order}/review/",
    ]
    assert {asked(chief, "POST", one).status_code for one in addresses} == {403}
    chief.post("/admin/inspect/end/")
    assert 403 not in {asked(chief, "POST", one).status_code for one in addresses}


def test_the_refusal_says_why_and_how_to_end_it(chief):
    answer = chief.post("/me/", {"name": "x"})
    said = answer.content.decode()
    assert answer.status_code == 403
    assert "Your inspection of Camila Rojas is under way" in said
    assert 'action="/admin/inspect/end/"' in said


def test_the_api_is_shut_to_the_browser_for_reading_too(chief, city):
    for route in routes.api():
        address = route.filled(city.things)[0]
        answer = asked(chief, "GET", address)
        assert answer.status_code == 403, address
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "inspection_under_way"


def test_the_officer_stays_who_they_are_and_gets_no_key_of_the_person(chief, city):
    citizen = city.people["citizen"]
    before = dict(chief.session)
    answer = chief.get("/admin/inspect/now/")
    assert answer.wsgi_request.user == city.people["superuser"]
    assert dict(chief.session) == before
    assert set(answer.cookies) <= {"csrftoken"}
    # Their own pages are their own: of the citizen's there is nothing.
    assert citizen.email not in chief.get("/me/").content.decode()
    assert chief.get(f"/rides/{city.things['orders']['ref'][0]}/").status_code == 404


def test_others_are_not_touched_by_it(city, chief):
    assert desk_of(city.people["citizen"]).post("/language/", {"language": "es"}).status_code == 302
    assert desk_of(city.people["citizen"]).get("/api/v1/orders").status_code == 200


def test_nothing_is_refused_once_its_time_is_over(city, chief):
    with transaction.atomic():
        Inspection.objects.all().update(ended_at=clock.now(), ending="BY_HAND")
    assert chief.get("/api/v1/orders").status_code == 200


def test_a_key_of_a_program_acts_for_the_officer_and_nobody_else(city, chief):
    _, secret = parties.issue_token(
        user_id=city.people["superuser"].pk, name="x", expires_at=None, by=CITY, at=clock.now()
    )
    order = city.things["orders"]["ref"][0]
    program = {"authorization": f"Bearer {secret}"}
    assert Client().get(f"/api/v1/orders/{order}", headers=program).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_sockets_of_the_person_stay_shut(city, chief):
    officer, order = city.people["superuser"], city.things["orders"]["ref"][0]
    assert asking.on_the_line(officer, f"/ws/order/{order}") == "4404"
    assert asking.on_the_line(officer, "/ws/driver") == "4403"
