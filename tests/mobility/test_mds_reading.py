"""Policies of MDS become drafts of ours, and what we cannot say is said in words."""

import json
from datetime import UTC, datetime
from io import StringIO

import jsonschema
import pytest
import shapely
from django.core.management import CommandError, call_command
from guardian.shortcuts import assign_perm
from shapely.geometry import shape

from apps.places import geometry
from apps.places.geometry import Point
from apps.places.models import City, Zone
from apps.regulation import in_force
from apps.regulation import operations as regulation
from apps.regulation.models import Policy, PolicyVersion
from apps.regulation.rules import Act, Case, ask
from tests import policies
from tests.factories import NOON, OFFICER, CityFactory, ProviderFactory, ZoneFactory
from tests.mobility import mds_schemas

pytestmark = pytest.mark.django_db

ZONE = "aaaaaaaa-0000-4000-8000-000000000001"
OTHER = "aaaaaaaa-0000-4000-8000-000000000002"
POLICY = "bbbbbbbb-0000-4000-8000-000000000001"
PICKUPS = {"on_trip": ["trip_start"]}
DROPOFFS = {"available": ["trip_end"]}


def edge(ref=ZONE, name="Plaza", *, west=-71.256, south=-29.907, side=0.01, **more):
    ring = [[west, south], [west + side, south], [west + side, south + side], [west, south]]
    return {
        "geography_id": ref,
        "name": name,
        "published_date": 1_770_000_000_000,
        "geography_json": {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {},
                    "geometry": {"type": "Polygon", "coordinates": [ring]},
                }
            ],
        },
        **more,
    }


def rule(kind="count", units="devices", place=1, **more):
    return {
        "rule_id": f"cccccccc-0000-4000-8000-{place:012}",
        "name": "No pick-ups",
        "rule_type": kind,
        "rule_units": units,
        "geographies": [ZONE],
        "states": PICKUPS,
        **({"maximum": 0} if more.get("rate_amount") is None else {}),
        **more,
    }


def policy(*rules, **more):
    return {
        "policy_id": POLICY,
        "name": "Market",
        "description": "The market is for people on foot.",
        "mode_id": "passenger-services",
        "start_date": 1_770_000_000_000,
        "published_date": 1_770_000_000_000,
        "rules": list(rules),
        **more,
    }


@pytest.fixture
def officer():
    drafts, _ = policies.officers()
    assign_perm("regulation.propose_policy", drafts)
    return drafts


@pytest.fixture
def load(tmp_path, officer):
    CityFactory()

    def load(*found, edges=(), city="la-serena", version="2.0.0", **options):
        told = StringIO()
        files = [tmp_path / "policies.json", tmp_path / "geographies.json"]
        files[0].write_text(json.dumps({"version": version, "policies": found}))
        files[1].write_text(json.dumps({"version": version, "geographies": list(edges)}))
        call_command(
            "load_mds_policies",
            str(files[0]),
            geographies=files[1] if edges else None,
            city=city,
            officer=officer.email,
            stdout=told,
            **options,
        )
        return told.getvalue().splitlines()

    return load


def one_draft():
    version = PolicyVersion.objects.get()
    assert version.state == "DRAFT"
    return version.kind, version.scope, version.terms


SLUG = "plaza-aaaaaaaa"
RIDES = {"verticals": ["mobility"]}
HERE = RIDES | {"zones": [SLUG]}
EITHER = ["at", "pickup"]


class TestDrafts:
    @pytest.mark.parametrize(
        ("told", "drafted"),
        [
            (rule(), ("closed", HERE, ["pickup"], {})),
            (rule(states=DROPOFFS), ("closed", HERE, ["dropoff"], {})),
            (
                rule(states=PICKUPS | DROPOFFS, days=["sat"], end_time="05:59:59"),
                (
                    "closed",
                    HERE | {"weekdays": [5], "hour_from": "00:00", "hour_to": "06:00"},
                    ["dropoff", "pickup"],
                    {},
                ),
            ),
            (
                rule("speed", "kph", states={}, maximum=30, start_time="07:00:00"),
                (
                    "speed",
                    HERE | {"hour_from": "07:00", "hour_to": "00:00"},
                    EITHER,
                    {"kmh": 30},
                ),
            ),
            (
                rule("speed", "mph", states={"on_trip": []}, maximum=10),
                ("speed", HERE, EITHER, {"kmh": 16}),
            ),
            (
                rule(
                    rate_amount=250,
                    minimum=1,
                    rate_recurrence="once_on_match",
                    rate_applies_when="in_bounds",
                ),
                ("fee", HERE, ["pickup"], {"flat_minor": 250}),
            ),
            (
                rule(
                    rate_amount=-250,
                    states=DROPOFFS,
                    rate_recurrence="once_on_match",
                    rate_applies_when="in_bounds",
                ),
                ("subsidy", HERE, ["dropoff"], {"flat_minor": 250}),
            ),
        ],
    )
    def test_what_our_rules_can_say_is_drafted(self, load, told, drafted):
        said = load(policy(told), edges=[edge()])

        kind, scope, terms = one_draft()
        # A pick-up is what a scope is about unless it says otherwise.
        ends = sorted(scope.pop("ends", ["at", "pickup"]))
        assert (kind, scope, ends, terms) == drafted
        assert said[0] == f"zone {SLUG} drawn"
        assert said[1].endswith("No pick-ups drafted")

    @pytest.mark.parametrize(
        ("told", "why"),
        [
            (rule("user", None), "words for people, which nobody can enforce"),
            (rule("time", "minutes", maximum=30), "rules on time spent in a state are not ours"),
            (rule(minimum=5, maximum=9), "we cannot make anybody be there"),
            (
                rule(states={"on_trip": []}),
                "our closed zones are about pick-ups and drop-offs, not about being there",
            ),
            (
                rule(states={"available": []}, maximum=500),
                "we count cars on line or with a rider, in the whole city, at all hours",
            ),
            (rule(geographies=[OTHER]), f"no edge has the number {OTHER}"),
            (rule(vehicle_types=["moped"]), "rides are driven in cars"),
            (rule(propulsion_types=["electric"]), "we have no propulsion_types"),
            (rule(inclusive_maximum=False), "our bounds are included"),
            (
                rule(start_time="22:00:00", end_time="05:00:00"),
                "a window that passes midnight is two rules",
            ),
            (rule(rate_amount=5), "our fees and subsidies are for each ride that begins or ends"),
            ({"name": "No pick-ups"}, "'geographies' is missing"),
        ],
    )
    def test_what_they_cannot_is_said_in_words(self, load, told, why):
        said = load(policy(told), edges=[edge()])

        assert said[1:] == [f"not taken: Market, No pick-ups: {why}"]
        assert not Policy.objects.exists()

    @pytest.mark.parametrize(
        ("more", "why"),
        [
            ({"mode_id": "micromobility"}, "it is about micromobility, not about rides"),
            ({"provider_ids": [OTHER]}, "it names a provider that we do not know"),
            ({"rules": []}, "it ends policies and says nothing itself: an officer stops them"),
        ],
    )
    def test_nor_is_a_policy_taken_that_is_not_about_us(self, load, more, why):
        assert load(policy(rule(), **more)) == [f"not taken: Market: {why}"]

    def test_where_an_earlier_rule_comes_before_a_later_one_only_the_first_is_read(self, load):
        apart = edge(OTHER, "Port", west=-71.36)

        said = load(
            policy(
                rule(maximum=0),
                rule(place=2, name="Again"),
                rule(place=3, name="At the port", geographies=[OTHER]),
                rule(place=4, name="Drop-offs", states=DROPOFFS),
            ),
            edges=[edge(), apart],
        )

        assert said[2:] == [
            "P-1/1: closed zone or street, No pick-ups drafted",
            "P-2/1: closed zone or street, At the port drafted",
            "P-3/1: closed zone or street, Drop-offs drafted",
            "not taken: Market, Again: an earlier rule of the policy comes before it "
            "where both hold",
        ]

    def test_it_is_for_the_providers_that_it_names(self, load):
        provider = ProviderFactory()

        load(policy(rule(), provider_ids=[str(provider.ref)]), edges=[edge()])

        assert one_draft()[1]["providers"] == [provider.pk]


class TestFiles:
    def test_the_same_again_changes_nothing(self, load):
        load(policy(rule()), edges=[edge()])

        assert load(policy(rule()), edges=[edge()])[1:] == ["1 said just so already"]
        assert PolicyVersion.objects.count() == Zone.objects.count() == 1

    def test_a_dry_run_only_says_what_would_be(self, load):
        said = load(policy(rule()), edges=[edge()], dry_run=True)

        assert said == [
            f"zone {SLUG} would be drawn",
            "P-1/1: closed zone or street, No pick-ups would be drafted",
        ]
        assert not Policy.objects.exists()
        assert not Zone.objects.exists()

    def test_no_zone_of_the_city_is_drawn_over(self, load):
        mine = ZoneFactory(slug="plaza", name="Plaza")

        load(policy(rule()), edges=[edge()])

        assert set(Zone.objects.values_list("slug", flat=True)) == {"plaza", SLUG}
        mine_now = Zone.objects.get(slug="plaza")
        assert mine_now.boundary == mine.boundary

    def test_edges_elsewhere_without_ground_or_with_a_number_twice_are_not_taken(self, load):
        point = edge(OTHER, "Stop")
        point["geography_json"]["features"][0]["geometry"] = {
            "type": "Point",
            "coordinates": [-71.25, -29.9],
        }
        said = load(
            policy(rule()),
            edges=[edge(), edge(name="Plaza again"), point, edge(OTHER, "Paris", west=2.3)],
        )

        assert said == [
            "zone plaza-aaaaaaaa drawn",
            "zone plaza-again-aaaaaaaa drawn",
            "not taken: Stop: the GeoJSON holds no polygon",
            "not taken: Paris: it lies outside the city",
            f"not taken: Market, No pick-ups: two edges have the number {ZONE}",
        ]

    def test_what_we_published_comes_back_just_as_it_was(self, load, client):
        then = datetime(2026, 3, 1, tzinfo=UTC)
        provider = ProviderFactory()
        ZoneFactory()
        was = policies.enforced(
            "price",
            {"surge_most_bp": 15_000},
            scope={"zones": ["centre"], "season_from": "12-01", "season_to": "02-28",
                   "providers": [provider.pk]},
            at=then,
        )  # fmt: skip
        told = client.get("/mds/policies").json()["policies"]

        load(*[one | {"policy_id": POLICY} for one in told])

        again = PolicyVersion.objects.get(state="DRAFT")
        assert again.policy != was.policy
        same = ("kind", "title", "why", "scope", "terms")
        assert [getattr(again, name) for name in same] == [getattr(was, name) for name in same]

    def test_what_replaces_a_policy_of_ours_is_its_next_version(self, load):
        was = policies.enforced("closed", at=datetime(2026, 3, 1, tzinfo=UTC))

        load(policy(rule(), prev_policies=[str(was.ref)]), edges=[edge()])

        assert str(PolicyVersion.objects.get(state="DRAFT")) == "P-1/2"

    def test_what_waits_for_a_second_pair_of_eyes_is_left_alone(self, load, officer):
        load(policy(rule()), edges=[edge()])
        version = PolicyVersion.objects.get()
        regulation.propose_policy(version_id=version.pk, officer_id=officer.pk, by=OFFICER, at=NOON)

        said = load(policy(rule(states=DROPOFFS)), edges=[edge()])

        assert said[-1] == "not taken: No pick-ups: P-1/1 waits for its second pair of eyes"

    @pytest.mark.parametrize("policies", ['{"version": "2.0.0"}', "[]", "nothing"])
    def test_what_is_no_file_of_policies_is_said_to_be_none(
        self, load, tmp_path, officer, policies
    ):
        path = tmp_path / "other.json"
        path.write_text(policies)

        with pytest.raises(CommandError, match="other.json"):
            call_command("load_mds_policies", str(path), city="la-serena", officer=officer.email)

    @pytest.mark.parametrize("version", ["1.2.0", None])
    def test_another_version_is_not_read(self, load, version):
        with pytest.raises(CommandError, match="no answer of MDS 2"):
            load(policy(rule()), version=version)

    def test_only_who_may_draft_drafts(self, load, officer):
        officer.user_permissions.clear()

        with pytest.raises(CommandError, match="may not draft policies"):
            load(policy(rule()))


LOUISVILLE = "municipal-boundary.json"
NO_RIDES = "e00535dd-d8ff-4b1b-920d-34e7404d0208"
SLOW = "fc277865-79d3-4f0e-8459-53e9a647db99"
OPERATING = "8ad39dc3-005b-4348-9d61-c830c54c161b"


@pytest.fixture
def examples(data_dir):
    return data_dir / "city" / "mds" / "geography" / "examples"


@pytest.fixture
def louisville(examples):
    told = json.loads((examples / LOUISVILLE).read_text())["geography"]
    boundary = geometry.multipolygon(told["geography_json"])
    return CityFactory(
        slug="louisville",
        name="Louisville",
        timezone="America/Kentucky/Louisville",
        currency="USD",
        locale="en-US",
        boundary=boundary,
    )


@pytest.mark.data
class TestTheExamplesOfTheSpecification:
    """Of Louisville, as the Open Mobility Foundation publishes them (CC BY 4.0)."""

    def test_all_of_them_load(self, load, louisville, examples):
        edges = json.loads((examples / "geographies.json").read_text())["geographies"]
        for one in edges:
            jsonschema.validate(one["geography"], mds_schemas.GEOGRAPHY)

        said = load(city="louisville", edges=edges)

        assert said == [
            "zone operating-area-8ad39dc3 drawn",
            "zone distribution-zone-8-70a91abc drawn",
            "zone no-ride-zones-e00535dd drawn",
            "zone slow-ride-zones-fc277865 drawn",
            "not taken: Parking areas: the GeoJSON holds no polygon",
        ]

    def test_rules_on_them_hold_inside_and_not_outside(self, load, louisville, examples):
        names = ("no-ride-zone", "slow-ride-zone", "operating-area")
        files = [json.loads((examples / f"{name}.json").read_text()) for name in names]
        said = load(
            policy(
                rule(geographies=[NO_RIDES], states=PICKUPS | DROPOFFS),
                rule("speed", "mph", 2, geographies=[SLOW], states={}, maximum=10),
            ),
            policy(
                rule(
                    geographies=[OPERATING],
                    rate_amount=25,
                    rate_recurrence="once_on_match",
                    rate_applies_when="in_bounds",
                ),
                policy_id=OTHER,
                currency="USD",
            ),
            city="louisville",
            edges=files,
        )
        assert [line for line in said if line.startswith("not taken")] == []
        for version in PolicyVersion.objects.all():
            regulation.propose_policy(
                version_id=version.pk, officer_id=version.drafted_by_id, by=OFFICER, at=NOON
            )
            policies.approved(version, at=NOON)

        book = in_force.book(louisville.pk)
        area = shape(files[2]["geography"]["geography_json"]["features"][0]["geometry"])
        inside = {
            told["geography"]["name"]: [
                shape(feature["geometry"]).representative_point()
                for feature in told["geography"]["geography_json"]["features"]
            ]
            for told in files
        }
        assert [len(points) for points in inside.values()] == [4, 6, 1]
        for name, points in inside.items():
            for point in points:
                fee = 25 if area.intersects(point) else None
                assert self.asked(book, louisville, point) == (name == "No Ride Zones", fee)
        far = shapely.Point(-85.45, 38.25)
        assert self.asked(book, louisville, far) == (False, None)
        assert PolicyVersion.objects.get(kind="speed").terms == {"kmh": 16}

    def asked(self, book, city: City, at: shapely.Point):
        """Whether a ride from here is refused, and what the city asks for it."""
        zones = book.zones({"pickup": Point(lat=at.y, lon=at.x)})
        case = Case(act=Act.QUOTE, city_id=city.pk, vertical="mobility", provider_id=1, moment=NOON)
        answer = ask(book.rules("mobility", zones), case, zones=zones, now=city.now(NOON))
        fees = [fee.flat_minor for fee, _ in answer.bounds.fees]
        return answer.refused_by is not None, sum(fees) if fees else None
