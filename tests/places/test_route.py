"""The way for a program that drives."""

import pytest
from rest_framework.test import APIClient

from tests import factories

pytestmark = pytest.mark.django_db
PLAZA, LIGHTHOUSE = "-29.9027,-71.2519", "-29.9058,-71.2741"


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.force_authenticate(factories.UserFactory())
    return client


def ask(client: APIClient, city, start: str = PLAZA, end: str = LIGHTHOUSE):
    return client.get("/api/v1/places/route", {"city": city.slug, "from": start, "to": end})


def test_a_way_has_its_time_its_length_and_its_line(api):
    told = ask(api, factories.CityFactory())
    assert told.status_code == 200
    body = told.json()
    assert set(body) == {"seconds", "metres", "is_estimate", "line"}
    assert body["is_estimate"] is True
    assert body["line"] == [[-71.2519, -29.9027], [-71.2741, -29.9058]]
    assert body["metres"] == pytest.approx(2_820, rel=0.05)


def test_what_lies_outside_is_told_by_code(api):
    told = ask(api, factories.CityFactory(), end="-33.45,-70.66")
    assert (told.status_code, told.json()["code"]) == (422, "outside_city")


def test_a_question_that_makes_no_sense_names_each_part(api):
    city = factories.CityFactory()
    told = api.get("/api/v1/places/route", {"city": city.slug, "from": "here"})
    assert told.status_code == 422
    assert {"from", "to"} <= set(str(told.json()).replace("'", " ").split())


def test_only_who_is_signed_in_is_driven_by_us():
    assert ask(APIClient(), factories.CityFactory()).status_code == 401
