"""What comes in is read as described; what cannot be read is the sender's fault, not ours."""

import json

import pytest

from tests import rides
from tests.api.test_problems import problem
from tests.factories import ZoneFactory

pytestmark = pytest.mark.django_db
STOP = {"lat": -29.9027, "lon": -71.2520}


@pytest.fixture
def rider(client):
    client.force_login(rides.town().rider)
    return client


def send(client, path, body, method="POST", **headers):
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.generic(
        method, f"/api/v1/{path}", text, content_type="application/json", headers=headers
    )


class TestTypes:
    @pytest.mark.parametrize(
        ("body", "at_fault"),
        [
            ({"name": 5}, ["name"]),
            ({"name": True, "phone": []}, ["name", "phone"]),
            ({"language": 1}, ["language"]),
        ],
    )
    def test_a_number_is_no_text(self, rider, body, at_fault):
        answer = send(rider, "me", body, "PATCH")

        assert problem(answer) == (422, "invalid")
        assert sorted(answer.json()["errors"]) == at_fault

    @pytest.mark.parametrize("lat", ["-29.9", True, [1], {}, 10**400])
    def test_nothing_but_a_number_that_a_float_can_hold_is_a_latitude(self, rider, lat):
        kept = {"kind": "HOME", "address": "Here", "lat": lat, "lon": -71.25}

        answer = send(rider, "me/places", kept)

        assert problem(answer) == (422, "invalid")
        assert answer.json()["errors"] == {"lat": ["This has the wrong type."]}

    @pytest.mark.parametrize("flag", ["yes", 1, "true"])
    def test_only_true_and_false_are_yes_and_no(self, rider, flag):
        answer = send(
            rider, "rides/quotes", {"pickup": STOP, "dropoff": STOP, "remember_needs": flag}
        )

        assert answer.json()["errors"] == {"remember_needs": ["This has the wrong type."]}

    def test_a_whole_number_may_be_written_with_a_point(self, rider):
        answer = send(rider, "orders", {"quotes": [], "card": 1.0})

        assert list(answer.json()["errors"]) == ["quotes"]

    def test_every_field_at_fault_is_named_at_once(self, rider):
        answer = send(rider, "me/places", {"kind": "CAVE", "address": 5, "lat": 91})

        assert sorted(answer.json()["errors"]) == ["address", "kind", "lat", "lon"]


class TestWhatIsNoJson:
    @pytest.mark.parametrize(
        "body",
        [
            "[" * 100_000,
            '{"place": "\\ud800"}',
            '{"place": "BACK_SEAT", "what": "\\udfff"}',
            '{"what": NaN}',
            '{"what": ' + "9" * 5_000 + "}",
            b"\xff\xfe",
        ],
        ids=["deep", "half a sign", "other half", "NaN", "long number", "no UTF-8"],
    )
    def test_it_is_malformed(self, rider, body):
        answer = send(rider, "orders/6f1f0f0e-2f0c-4b62-9a3f-3f0a8d1c7d11/lost", body)

        assert problem(answer) == (400, "malformed")

    def test_a_sign_of_two_halves_is_text(self, rider):
        answer = send(rider, "me", '{"name": "Camila \\ud83d\\ude95"}', "PATCH")

        assert answer.json()["name"] == "Camila 🚕"

    def test_a_body_that_is_too_large_is_a_problem_not_a_page(self, rider):
        answer = send(rider, "me", {"name": "x" * 1_100_000}, "PATCH")

        assert problem(answer) == (400, "malformed")


class TestAddresses:
    @pytest.mark.parametrize(
        "path",
        ["nothing", "orders/none", "driver/offers/x", "cards/-1", "me/places/1.5", "orders/"],
    )
    def test_where_nothing_is_there_is_a_problem_not_a_page(self, rider, path):
        assert problem(rider.get(f"/api/v1/{path}")) == (404, "not_found")

    def test_a_reader_of_mds_hears_it_in_mds(self, client):
        answer = client.get("/mds/nothing")

        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/vnd.mds+json;version=2.0"
        assert answer.json()["error"] == "not_found"

    def test_people_still_see_a_page(self, client):
        answer = client.get("/nothing-here/")

        assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")

    def test_the_form_of_an_answer_is_not_asked_in_the_address(self, rider):
        assert rider.get("/api/v1/me?format=xml").status_code == 200

    def test_a_part_of_an_address_that_says_nothing_is_not_left_out(self, client):
        rides.town()

        answer = client.get("/mds/policies?policy_id=")

        assert answer.status_code == 400
        assert answer.json()["error_details"] == ["policy_id: Must be a valid UUID."]

    @pytest.mark.parametrize(
        "point", ["nan,nan", "inf,0", "91,0", "90.1,0", "0,180.5", "1_0,1", "1e1,1", "١,١", "1,2,3"]
    )
    def test_a_point_is_written_in_decimal_degrees(self, client, point):
        ZoneFactory(city=rides.town().city)

        answer = client.get("/api/v1/places/reverse", {"city": "la-serena", "point": point})

        assert problem(answer) == (422, "invalid")


class TestPages:
    @pytest.mark.parametrize("limit", ["AAA", "0", "-1", "1.5", "", "١", "9" * 30])
    def test_a_page_has_a_number_of_rows(self, rider, limit):
        answer = rider.get("/api/v1/orders", {"limit": limit})

        assert problem(answer) == (422, "invalid")
        assert list(answer.json()["errors"]) == ["limit"]

    def test_a_page_has_at_most_a_hundred_rows(self, rider):
        assert rider.get("/api/v1/orders?limit=100000").status_code == 200

    @pytest.mark.parametrize(
        ("path", "cursor"),
        [
            ("orders", "cD0yMDI2"),
            ("orders", "cD0lMDA="),
            ("notices", "cD1hYmM="),
            ("payouts", "cD1hYmM="),
            ("me/looks", "cD0xLjU="),
            ("orders", "zzz"),
        ],
    )
    def test_a_cursor_that_we_never_gave_leads_nowhere(self, rider, path, cursor):
        answer = rider.get(f"/api/v1/{path}", {"cursor": cursor})

        assert problem(answer) == (404, "not_found")


class TestFiles:
    def test_json_has_no_file_in_it(self, rider):
        answer = send(
            rider,
            "cases/6f1f0f0e-2f0c-4b62-9a3f-3f0a8d1c7d11/statements",
            {"words": "So it was.", "file": "none"},
        )

        assert problem(answer) == (404, "not_found")


class TestWhatIsSaid:
    @pytest.fixture
    def described(self, client):
        return client.get("/api/v1/openapi.json").json()

    def test_every_operation_says_who_is_turned_away_and_how(self, described):
        for path, item in described["paths"].items():
            for operation in item.values():
                said = set(operation["responses"])
                assert {"406", "429"} <= said, path
                if {} not in operation["security"]:
                    assert {"401", "403"} <= said, path
                if "requestBody" in operation:
                    assert {"400", "415"} <= said, path
                if "{" in path:
                    assert "404" in said, path

    def test_a_problem_is_described_with_the_codes_that_it_may_have(self, described):
        answers = described["paths"]["/api/v1/orders/{ref}/tip"]["post"]["responses"]

        assert answers["409"]["description"] == "key_reused, tip_closed, tip_given"
        assert list(answers["409"]["content"]) == ["application/problem+json"]
        assert answers["401"]["headers"] == {"WWW-Authenticate": {"schema": {"type": "string"}}}
        assert answers["429"]["headers"] == {"Retry-After": {"schema": {"type": "string"}}}

    def test_an_order_is_placed_without_a_page(self, described):
        placed = described["paths"]["/api/v1/orders"]["post"]["parameters"]

        assert [one["name"] for one in placed] == ["Idempotency-Key"]
        assert placed[0]["schema"] == {
            "type": "string", "minLength": 1, "maxLength": 200, "pattern": r"\S",
        }  # fmt: skip

    def test_what_is_renamed_needs_its_new_name(self, described):
        body = described["paths"]["/api/v1/me/places/{favourite}"]["patch"]["requestBody"]

        assert body["content"]["application/json"]["schema"]["$ref"].endswith("/NameIn")
        assert described["components"]["schemas"]["NameIn"]["required"] == ["name"]
