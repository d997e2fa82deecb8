"""Every error of the API is a problem with a code that a program can act on."""

import pytest
from openapi_spec_validator import validate

from apps.parties import operations as parties
from tests import factories, rides
from tests.factories import CITY, NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def rider(client):
    town = rides.town()
    client.force_login(town.rider)
    return client


def problem(answer):
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["title"]
    return answer.status_code, body["code"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("get", "/api/v1/orders/6f1f0f0e-2f0c-4b62-9a3f-3f0a8d1c7d11", None, 404, "not_found"),
        ("post", "/api/v1/orders", "{", 400, "malformed"),
        ("post", "/api/v1/orders", "[]", 422, "invalid"),
        ("post", "/api/v1/orders", '{"quotes": ["no"], "card": "x"}', 422, "invalid"),
        ("put", "/api/v1/orders", "{}", 405, "method_not_allowed"),
        ("get", "/api/v1/driver", None, 403, "not_allowed"),
        ("post", "/api/v1/rides/quotes", '{"pickup": {"lat": 91, "lon": 0}}', 422, "invalid"),
        (
            "post",
            "/api/v1/rides/quotes",
            '{"pickup": {"lat": 0, "lon": 0}, "dropoff": {"lat": 1, "lon": 1}}',
            422,
            "outside_city",
        ),
    ],
)
def test_what_is_wrong_has_a_code(rider, method, path, body, status, code):
    answer = rider.generic(method.upper(), path, body or "", content_type="application/json")

    assert problem(answer) == (status, code)


def test_other_content_than_json_is_not_read(rider):
    answer = rider.post("/api/v1/orders", "a=1", content_type="application/x-www-form-urlencoded")

    assert problem(answer) == (415, "unsupported_media_type")


class TestTokens:
    def test_a_token_speaks_for_its_person_until_it_is_revoked(self, client):
        user = factories.UserFactory(name="Camila Rojas")
        token, secret = parties.issue_token(
            user_id=user.pk, name="my bot", expires_at=None, by=CITY, at=NOON
        )
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
        assert client.get("/api/v1/me", **bearer).json()["name"] == "Camila Rojas"

        parties.revoke_token(user_id=user.pk, token_id=token.pk, by=CITY, at=NOON)

        assert problem(client.get("/api/v1/me", **bearer)) == (401, "not_signed_in")

    @pytest.mark.parametrize("header", ["Bearer city_forged", "Bearer", "Bearer \xff\xfe"])
    def test_a_forged_token_opens_nothing(self, client, header):
        answer = client.get("/api/v1/me", HTTP_AUTHORIZATION=header)

        assert problem(answer) == (401, "not_signed_in")
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


def test_the_description_is_valid_openapi_and_every_operation_is_in_the_reference(client):

    described = client.get("/api/v1/openapi.json?format=json").json()

    validate(described)
    assert described["openapi"].startswith("3.1")
    page = client.get("/api/v1/docs/").content.decode()
    operations = [
        operation["operationId"]
        for item in described["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "operationId" in operation
    ]
    assert [name for name in operations if f'id="{name}"' not in page] == []
