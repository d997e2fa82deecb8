"""The city's rules as machines read them: MDS 2.0 policies and geographies."""

from datetime import UTC, datetime, time, timedelta

import jsonschema
import pytest
from django.core.cache import cache

from apps.mobility.mds import windows
from apps.mobility.mds.windows import Window
from apps.places import geographies
from apps.places import operations as places
from apps.places.models import Zone
from apps.regulation import operations as regulation
from apps.regulation.rules import Hours, Scope
from tests import policies
from tests.factories import CITY, NOON, OFFICER, CityFactory, ProviderFactory, ZoneFactory
from tests.mobility import mds_schemas

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_asked_before():
    """An address without an account answers so often a minute, and no more."""
    cache.clear()


MDS = "application/vnd.mds+json;version=2.0"
# Half a year before NOON, so that it is over when the tests are run as well as in the feed.
THEN = datetime(2026, 3, 1, tzinfo=UTC)


def ms(at):
    return round(at.timestamp() * 1000)


def enforced(kind, terms=None, **rest):
    return policies.enforced(kind, terms, at=THEN, **rest)


def feed(client, path="/mds/policies", **asked):
    answer = client.get(path, asked, headers={"accept": MDS})
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == MDS
    return answer.json()


def rules(client):
    """What each policy of the feed has machines hold cars to, less names and numbers."""
    body = feed(client)
    jsonschema.validate(body, mds_schemas.POLICIES)
    return [
        [
            {
                name: value
                for name, value in rule.items()
                if name not in {"rule_id", "name", "messages", "geographies"}
            }
            for rule in one["rules"]
        ]
        for one in body["policies"]
    ]


USER = {
    "rule_type": "user",
    "states": {"available": [], "reserved": [], "stopped": [], "on_trip": []},
}


def none(**states):
    return {"rule_type": "count", "rule_units": "devices", "maximum": 0, "states": states}


class TestPolicies:
    def test_a_closed_zone_counts_no_pick_up_there(self, client):
        zone = ZoneFactory()
        version = enforced("closed", scope={"zones": ["centre"]}, title="Market day")

        body = feed(client)

        jsonschema.validate(body, mds_schemas.POLICIES)
        [policy] = body["policies"]
        ref = str(geographies.ref_of("la-serena", "centre", zone.drawn_at))
        assert policy == {
            "policy_id": str(version.ref),
            "name": "P-1/1",
            "description": "Market day",
            "mode_id": "passenger-services",
            "published_date": ms(THEN),
            "start_date": ms(THEN),
            "rules": [
                {
                    "rule_id": policy["rules"][0]["rule_id"],
                    "name": "Market day",
                    "rule_type": "count",
                    "rule_units": "devices",
                    "maximum": 0,
                    "geographies": [ref],
                    "states": {"on_trip": ["trip_start"]},
                    "messages": {"es-CL": "Market day"},
                }
            ],
            "cityplatform": {
                "number": "P-1",
                "version": 1,
                "why": "Tests need rules.",
                "kind": "closed",
                "scope": {"zones": ["centre"]},
                "terms": {},
                "unsaid": [],
            },
        }
        assert feed(client) == body

    @pytest.mark.parametrize(
        ("ends", "states"),
        [
            (["pickup"], {"on_trip": ["trip_start"]}),
            (["dropoff"], {"available": ["trip_end"]}),
            (
                ["pickup", "dropoff"],
                {"on_trip": ["trip_start"], "available": ["trip_end"]},
            ),
        ],
    )
    def test_which_end_is_closed_is_an_event(self, client, ends, states):
        ZoneFactory()
        enforced("closed", scope={"zones": ["centre"], "ends": ends})

        assert rules(client) == [[none(**states)]]

    def test_a_night_that_passes_midnight_is_two_windows_of_two_days(self, client):
        enforced("closed", scope={"weekdays": [4], "hour_from": "22:00", "hour_to": "05:30"})

        closed = none(on_trip=["trip_start"])
        assert rules(client) == [
            [
                closed | {"start_time": "22:00:00", "end_time": "23:59:59", "days": ["fri"]},
                closed | {"start_time": "00:00:00", "end_time": "05:29:59", "days": ["sat"]},
            ]
        ]

    def test_opening_hours_are_told_as_the_hours_that_are_not(self, client):
        enforced("hours", {"opens": "06:00", "closes": "23:00"})

        closed = none(on_trip=["trip_start"])
        assert rules(client) == [
            [
                closed | {"start_time": "00:00:00", "end_time": "05:59:59"},
                closed | {"start_time": "23:00:00", "end_time": "23:59:59"},
            ]
        ]

    def test_a_speed_is_a_speed(self, client):
        ZoneFactory()
        enforced("speed", {"kmh": 30}, scope={"zones": ["centre"]})

        assert rules(client) == [
            [USER | {"rule_type": "speed", "rule_units": "kph", "maximum": 30}]
        ]

    def test_a_cap_on_what_is_under_way_is_a_count(self, client):
        provider = ProviderFactory()
        enforced(
            "cap",
            {"fact": "rides", "most": 40, "per": "now", "of": "provider"},
            scope={"providers": [provider.pk]},
        )

        assert rules(client) == [[none(reserved=[], stopped=[], on_trip=[]) | {"maximum": 40}]]
        [policy] = feed(client)["policies"]
        assert policy["provider_ids"] == [str(provider.ref)]
        assert policy["cityplatform"]["scope"] == {"providers": [str(provider.ref)]}

    @pytest.mark.parametrize(
        ("kind", "terms", "amount"),
        [
            ("fee", {"flat_minor": 250}, 250),
            ("subsidy", {"flat_minor": 700}, -700),
            ("subsidy", {"flat_minor": 700, "most_minor": 500}, -500),
        ],
    )
    def test_a_sum_for_each_ride_is_a_rate(self, client, kind, terms, amount):
        enforced(kind, terms)

        assert rules(client) == [
            [
                {
                    "rule_type": "count",
                    "rule_units": "devices",
                    "minimum": 1,
                    "states": {"on_trip": ["trip_start"]},
                    "rate_amount": amount,
                    "rate_recurrence": "once_on_match",
                    "rate_applies_when": "in_bounds",
                }
            ]
        ]
        assert feed(client)["policies"][0]["currency"] == "CLP"

    @pytest.mark.parametrize(
        ("kind", "terms", "scope", "unsaid"),
        [
            ("price", {"surge_most_bp": 15_000}, {}, "price"),
            ("commission", {"most_bp": 2_000}, {}, "commission"),
            ("pay", {"per_km_minor": 500}, {}, "pay"),
            ("limit", {"fact": "hours", "most": 10}, {}, "limit"),
            ("permit", {}, {}, "permit"),
            ("fee", {"share_bp": 100}, {}, "fee"),
            ("cap", {"fact": "rides", "most": 9, "per": "day", "of": "worker"}, {}, "cap"),
            ("closed", {}, {"season_from": "12-01", "season_to": "02-28"}, "season_from"),
            ("closed", {}, {"classes": ["large"]}, "classes"),
            (
                "fee",
                {"flat_minor": 100},
                {"zones": ["centre"], "ends": ["pickup", "dropoff"]},
                "once for both ends",
            ),
        ],
    )
    def test_what_mds_cannot_say_is_words_and_an_exact_extension(
        self, client, kind, terms, scope, unsaid
    ):
        ZoneFactory()
        version = enforced(kind, terms, scope=scope)

        assert rules(client) == [[USER]]
        [policy] = feed(client)["policies"]
        assert policy["rules"][0]["messages"] == {"es-CL": "A rule"}
        assert policy["cityplatform"]["unsaid"] == [unsaid]
        assert policy["cityplatform"]["terms"] == version.terms

    def test_an_emergency_says_what_it_can_and_names_the_rest(self, client):
        ZoneFactory()
        enforced(
            "crisis",
            {"shelters": ["centre"]},
            scope={"zones": ["centre"]},
            ends=NOON + timedelta(days=3650),
        )

        assert rules(client) == [[none(available=["trip_end"]), USER]]
        [policy] = feed(client)["policies"]
        assert policy["end_date"] == ms(NOON + timedelta(days=3650))

    def test_rules_of_other_services_are_no_business_of_cars(self, client):
        enforced("closed", scope={"verticals": ["lodging"]})
        enforced("closed", scope={"verticals": ["mobility", "lodging"]})

        assert [one["name"] for one in feed(client)["policies"]] == ["P-2/1"]

    def test_neither_drafts_nor_what_was_stopped_before_it_began_are_told(self, client):
        policies.drafted("closed", at=THEN)
        policies.proposed("closed", at=THEN)
        planned = enforced("closed", begins=THEN + timedelta(days=9))
        first, _ = policies.officers()
        regulation.stop_policy(
            version_id=planned.pk,
            officer_id=first.pk,
            reason="Not after all",
            by=OFFICER,
            at=THEN + timedelta(days=1),
        )

        assert feed(client, start_date=ms(THEN))["policies"] == []
        assert client.get(f"/mds/policies/{planned.ref}").status_code == 404


@pytest.fixture
def three_versions():
    """In force in March 2026, from April on, and from 2030 on."""
    found = []
    for begins in (THEN, datetime(2026, 4, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)):
        found.append(
            policies.approved(
                policies.proposed(
                    "closed", at=THEN, policy_id=found[0].policy_id if found else None
                ),
                at=THEN,
                begins=begins,
            )
        )
    return found


class TestTime:
    def test_each_version_replaces_the_one_before(self, client, three_versions):
        _, second, third = three_versions

        told = feed(client)["policies"]

        assert [one["name"] for one in told] == ["P-1/2", "P-1/3"]
        assert [one["prev_policies"] for one in told] == [
            [str(three_versions[0].ref)],
            [str(second.ref)],
        ]
        assert told[0]["end_date"] == told[1]["start_date"] == ms(third.valid.lower)

    @pytest.mark.parametrize(
        ("asked", "names"),
        [
            ({"start_date": ms(THEN)}, ["P-1/1", "P-1/2", "P-1/3"]),
            ({"start_date": ms(THEN), "active_only": "true"}, ["P-1/2", "P-1/3"]),
            (
                {"start_date": ms(THEN), "end_date": ms(THEN + timedelta(days=1))},
                ["P-1/1"],
            ),
            ({"start_date": ms(datetime(2031, 1, 1, tzinfo=UTC))}, ["P-1/3"]),
        ],
    )
    def test_who_asks_for_a_time_gets_what_is_in_force_then(
        self, client, three_versions, asked, names
    ):
        assert [one["name"] for one in feed(client, **asked)["policies"]] == names

    def test_what_was_stopped_before_it_began_replaced_nothing(self, client):
        first = enforced("closed")
        for begins in (datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)):
            planned = policies.approved(
                policies.proposed("closed", at=THEN, policy_id=first.policy_id),
                at=THEN,
                begins=begins,
            )
            if begins.year == 2030:
                regulation.stop_policy(
                    version_id=planned.pk,
                    officer_id=planned.drafted_by_id,
                    reason="Not after all",
                    by=OFFICER,
                    at=THEN,
                )

        told = feed(client)["policies"]

        assert [one.get("prev_policies") for one in told] == [None, [str(first.ref)]]

    def test_one_is_told_also_when_it_is_over(self, client, three_versions):
        first = three_versions[0]

        for body in (
            feed(client, f"/mds/policies/{first.ref}"),
            feed(client, policy_id=first.ref),
        ):
            jsonschema.validate(body, mds_schemas.POLICIES)
            assert [one["name"] for one in body["policies"]] == ["P-1/1"]

    def test_whether_anything_changed_can_be_asked_alone(self, client, three_versions):
        assert feed(client, last_updated="true") == {
            "version": "2.0.2",
            "last_updated": ms(THEN),
        }

    @pytest.mark.parametrize(
        "asked",
        [{"start_date": "yesterday"}, {"start_date": 9, "end_date": 8}, {"policy_id": "P-1"}],
    )
    def test_what_is_no_time_is_a_bad_request(self, client, three_versions, asked):
        answer = client.get("/mds/policies", asked)

        assert answer.status_code == 400
        assert answer.json()["error"] == "bad_param"
        assert list(answer.json()) == ["error", "error_description", "error_details"]


class TestTheWire:
    def test_who_knows_it_already_is_told_so(self, client):
        enforced("closed")
        first = client.get("/mds/policies", headers={"accept": MDS})
        assert first["Last-Modified"] == "Sun, 01 Mar 2026 00:00:00 GMT"

        again = client.get("/mds/policies", headers={"if-none-match": first["ETag"]})
        since = client.get("/mds/policies", headers={"if-modified-since": first["Last-Modified"]})
        enforced("closed", title="Another")
        changed = client.get("/mds/policies", headers={"if-none-match": first["ETag"]})

        assert (again.status_code, again.content) == (304, b"")
        assert since.status_code == 304
        assert changed.status_code == 200
        assert changed["ETag"] != first["ETag"]

    @pytest.mark.parametrize(
        ("accept", "status"),
        [
            (MDS, 200),
            ("application/vnd.mds+json", 200),
            ("application/json", 200),
            ("*/*", 200),
            ("application/vnd.mds+json;version=1.2", 406),
            ("application/vnd.mds+json;version=1.2, application/vnd.mds+json;version=2.0", 200),
            ("text/html", 406),
        ],
    )
    def test_another_version_is_not_acceptable(self, client, accept, status):
        CityFactory()

        answer = client.get("/mds/geographies", headers={"accept": accept})

        assert answer.status_code == status
        assert answer["Content-Type"] == MDS
        if status == 406:
            assert answer.json()["error_details"] == [MDS]

    def test_without_a_city_there_is_nothing(self, client):
        for path in ("policies", "geographies"):
            assert client.get(f"/mds/{path}").json()["error"] == "not_found"


class TestGeographies:
    def test_the_city_and_its_zones_are_told(self, client):
        CityFactory()
        ZoneFactory(slug="beach", kind=Zone.Kind.NO_PICKUP)
        ZoneFactory()

        body = feed(client, "/mds/geographies")

        jsonschema.validate(body, mds_schemas.GEOGRAPHIES)
        assert [(one["name"], one["geography_type"]) for one in body["geographies"]] == [
            ("La Serena", "municipal_boundary"),
            ("Beach", "policy_zone"),
            ("Centre", "neighborhood"),
        ]
        alone = feed(client, f"/mds/geographies/{body['geographies'][1]['geography_id']}")
        jsonschema.validate(alone, mds_schemas.ONE_GEOGRAPHY)
        assert alone["geography"] == body["geographies"][1]

    def test_an_edge_that_is_drawn_anew_is_another_and_the_old_one_stays(self, client):
        zone = ZoneFactory()
        old = feed(client, "/mds/geographies")["geographies"][1]
        smaller = {
            "type": "Polygon",
            "coordinates": [[[-71.25, -29.9], [-71.24, -29.9], [-71.24, -29.89], [-71.25, -29.9]]],
        }

        for _ in range(2):
            places.draw_zones(
                city_id=zone.city_id,
                districts=[places.District("centre", "Centre", smaller)],
                by=CITY,
                at=NOON,
            )
        # An edge of which a rule speaks stays as it is, so the rule comes after.
        enforced("closed", scope={"zones": ["centre"]})

        body = feed(client, "/mds/geographies")
        jsonschema.validate(body, mds_schemas.GEOGRAPHIES)
        _, was, new = body["geographies"]
        assert was == old | {"retire_date": ms(NOON)}
        assert new["prev_geographies"] == [old["geography_id"]]
        assert new["published_date"] == body["last_updated"] == ms(NOON)
        [policy] = feed(client)["policies"]
        assert policy["rules"][0]["geographies"] == [new["geography_id"]]

    def test_there_is_no_other(self, client):
        CityFactory()
        path = "/mds/geographies/6f1f0f0e-2f0c-4b62-9a3f-3f0a8d1c7d11"

        assert client.get(path).json()["error"] == "not_found"


class TestWindows:
    @pytest.mark.parametrize(
        ("opens", "closes", "closed"),
        [
            (time(6), time(23), [(0, 6 * 3600), (23 * 3600, 24 * 3600)]),
            (time(20), time(4), [(4 * 3600, 20 * 3600)]),
            (time(0), time(4), [(4 * 3600, 24 * 3600)]),
            (time(4), time(0), [(0, 4 * 3600)]),
        ],
    )
    def test_what_is_not_open_is_closed(self, opens, closes, closed):
        found = windows.closed(Hours(opens=opens, closes=closes))

        assert [(one.begins, one.ends) for one in found] == closed

    @pytest.mark.parametrize("weekdays", [[], [0, 2], [6]])
    @pytest.mark.parametrize(
        ("hour_from", "hour_to"), [(None, None), (6, 9), (22, 5), (22, 0), (0, 3)]
    )
    def test_a_window_holds_when_the_rule_does(self, weekdays, hour_from, hour_to):
        scope = Scope(
            weekdays=frozenset(weekdays),
            hour_from=None if hour_from is None else time(hour_from),
            hour_to=None if hour_to is None else time(hour_to),
        )
        told = [Window.read(one.told()) for one in windows.of_scope(scope)]

        for minutes in range(0, 7 * 24 * 60, 30):
            moment = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=minutes)
            second = (minutes % (24 * 60)) * 60
            holds = [
                one
                for one in told
                if moment.weekday() in one.days and one.begins <= second < one.ends
            ]
            assert (len(holds) == 1) == scope.is_on(moment), moment
