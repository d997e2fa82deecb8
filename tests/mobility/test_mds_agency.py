"""Other apps' fleets tell the city what MDS asks: each row is taken or refused alone."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.cache import cache
from guardian.shortcuts import assign_perm
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.bus.models import Event
from apps.kernel import clock
from apps.mobility import mds, operations
from apps.mobility.mds import Vehicle
from apps.mobility.models import ForeignEvent, ForeignPoint, ForeignTrip, ForeignVehicle
from apps.mobility.operations.foreign import Car, Change
from apps.parties import operations as parties
from apps.parties.models import Membership
from apps.places.geometry import Point
from tests.factories import CITY, NOON, CityFactory, ProviderFactory, UserFactory

pytestmark = pytest.mark.django_db

CAR = "dddddddd-0000-4000-8000-000000000001"
OTHER = "dddddddd-0000-4000-8000-000000000002"
TRIP = "eeeeeeee-0000-4000-8000-000000000001"
PLAZA = {"lat": -29.9027, "lng": -71.252}
MDS = "application/vnd.mds+json;version=2.0"


def ms(at):
    return round(at.timestamp() * 1000)


class Fleet:
    """A provider's program: it has a token, and sends lists."""

    def __init__(self, client, role=Membership.Role.OWNER):
        cache.clear()
        self.client, self.provider = client, ProviderFactory()
        self.user = UserFactory()
        parties.add_member(
            provider_id=self.provider.pk, user_id=self.user.pk, role=role, by=CITY, at=NOON
        )
        _, self.secret = parties.issue_token(
            user_id=self.user.pk, name="fleet", expires_at=None, by=CITY, at=NOON
        )

    def send(self, path, *rows, method="post", body=None):
        return self.client.generic(
            method.upper(),
            f"/mds/{path}",
            body or json.dumps(rows),
            content_type=MDS,
            headers={"authorization": f"Bearer {self.secret}"},
        )

    def get(self, path):
        return self.client.get(f"/mds/{path}", headers={"authorization": f"Bearer {self.secret}"})

    def car(self, device=CAR, **more):
        return {
            "device_id": device,
            "provider_id": str(self.provider.ref),
            "vehicle_id": "ABCD-12",
            "vehicle_type": "car",
            "propulsion_types": ["electric"],
            **more,
        }

    def event(self, number, state, *events, minutes=0, device=CAR, **more):
        return {
            "device_id": device,
            "provider_id": str(self.provider.ref),
            "event_id": f"ffffffff-0000-4000-8000-{number:012}",
            "vehicle_state": state,
            "event_types": list(events),
            "timestamp": ms(clock.now() - timedelta(hours=1) + timedelta(minutes=minutes)),
            "location": PLAZA,
            "trip_ids": [TRIP],
            **more,
        }

    def trip(self, **more):
        begins = clock.now() - timedelta(hours=1)
        return {
            "device_id": CAR,
            "provider_id": str(self.provider.ref),
            "trip_id": TRIP,
            "trip_type": "private",
            "start_time": ms(begins),
            "end_time": ms(begins + timedelta(minutes=10)),
            "start_location": PLAZA,
            "end_location": PLAZA,
            "duration": 600,
            "distance": 4000,
            "trip_attributes": {
                "hail_type": "app",
                "requested_time": ms(begins - timedelta(minutes=5)),
                "wheelchair_transported": True,
                "driver_id": "12.345.678-9",
                "pickup_address": "Balmaceda 1",
            },
            "fare_attributes": {"driver_trip_pay": 3000},
            **more,
        }


@pytest.fixture
def fleet(client):
    CityFactory()
    return Fleet(client)


@pytest.fixture
def car(fleet):
    assert fleet.send("vehicles", fleet.car()).status_code == 201
    return ForeignVehicle.objects.get()


def outcome(answer):
    """The status, how many rows were taken, and what was wrong with the others."""
    body = answer.json()
    assert answer["Content-Type"] == MDS
    failures = [(one["error"], one["error_details"]) for one in body["failures"]]
    assert body["success"] + len(failures) == body["total"]
    return answer.status_code, body["success"], failures


class TestVehicles:
    def test_a_fleet_registers_its_cars_and_reads_them_back(self, fleet):
        sent = fleet.car(accessibility_attributes=["wheelchair_accessible"])

        assert outcome(fleet.send("vehicles", sent)) == (201, 1, [])

        told = sent | {"cityplatform": {"state": "non_operational", "state_since": None}}
        listed = fleet.get("vehicles").json()
        assert listed == {"version": "2.0.2", "vehicles": [told], "links": {"next": None}}
        assert fleet.get(f"vehicles/{CAR}").json()["vehicles"] == [told]
        assert fleet.get(f"vehicles/{OTHER}").status_code == 404
        assert Event.objects.filter(topic="mobility.foreign_registered").count() == 1

    def test_the_same_again_is_harmless_and_another_under_its_number_is_refused(self, fleet, car):
        assert outcome(fleet.send("vehicles", fleet.car())) == (201, 1, [])
        assert outcome(fleet.send("vehicles", fleet.car(vehicle_id="WXYZ-99"))) == (
            400,
            0,
            [("already_registered", ["device_id"])],
        )
        assert ForeignVehicle.objects.get().plate == "ABCD-12"

    def test_what_changes_is_put(self, fleet, car):
        answer = fleet.send(
            "vehicles", fleet.car(vehicle_id="WXYZ-99"), fleet.car(OTHER), method="put"
        )

        assert outcome(answer) == (200, 1, [("unregistered", ["device_id"])])
        assert ForeignVehicle.objects.get().plate == "WXYZ-99"

    def test_each_row_is_taken_or_refused_alone(self, fleet):
        bare = fleet.car(OTHER)
        del bare["vehicle_id"], bare["propulsion_types"]

        answer = fleet.send(
            "vehicles",
            fleet.car(),
            bare,
            fleet.car(OTHER, vehicle_type="spaceship"),
            fleet.car(OTHER, provider_id=CAR),
            "a car",
        )

        assert outcome(answer) == (
            201,
            1,
            [
                ("missing_param", ["vehicle_id", "propulsion_types"]),
                ("bad_param", ["vehicle_type"]),
                ("bad_param", ["provider_id"]),
                ("bad_param", ["non_field_errors"]),
            ],
        )
        assert answer.json()["failures"][0]["item"] == bare

    def test_pages_follow_one_another(self, fleet, monkeypatch):
        monkeypatch.setattr("apps.mobility.api_mds_agency.MOST_VEHICLES", 1)
        fleet.send("vehicles", fleet.car(), fleet.car(OTHER))

        first = fleet.get("vehicles").json()
        second = fleet.get(first["links"]["next"].partition("/mds/")[2]).json()

        assert [first["vehicles"][0]["device_id"], second["vehicles"][0]["device_id"]] == [
            CAR,
            OTHER,
        ]
        assert second["links"] == {"next": None}


class TestWho:
    def test_nobody_sends_without_a_token(self, fleet):
        answer = fleet.client.post("/mds/vehicles", "[]", content_type="application/json")

        assert (answer.status_code, answer.json()["error"]) == (401, "not_signed_in")

    def test_a_worker_does_not_speak_for_the_fleet(self, client, fleet):
        driver = Fleet(client, Membership.Role.WORKER)

        answer = driver.send("vehicles", driver.car())

        assert (answer.status_code, answer.json()["error"]) == (403, "not_allowed")

    def test_one_fleet_neither_sees_nor_moves_another(self, client, fleet, car):
        other = Fleet(client)

        assert other.get("vehicles").json()["vehicles"] == []
        assert other.get(f"vehicles/{CAR}").status_code == 404
        theirs = fleet.event(1, "available", "service_start")
        assert outcome(other.send("events", theirs)) == (400, 0, [("bad_param", ["provider_id"])])
        mine = theirs | {"provider_id": str(other.provider.ref)}
        assert outcome(other.send("events", mine)) == (400, 0, [("unregistered", ["device_id"])])

    @pytest.mark.parametrize("body", ["{}", "[]", "null", "{"])
    def test_what_is_no_list_is_not_read(self, fleet, body):
        answer = fleet.send("events", body=body)

        assert answer.status_code == 400
        assert list(answer.json()) == ["error", "error_description", "error_details"]


class TestEvents:
    def test_a_whole_trip_in_any_order_of_telling(self, fleet, car):
        life = [
            fleet.event(1, "available", "service_start", trip_ids=None),
            fleet.event(2, "reserved", "reservation_start", minutes=1),
            fleet.event(3, "stopped", "reservation_stop", minutes=2),
            fleet.event(4, "on_trip", "trip_start", minutes=3),
            fleet.event(5, "available", "trip_stop", "trip_end", minutes=9),
        ]

        assert outcome(fleet.send("events", *reversed(life))) == (201, 5, [])
        assert outcome(fleet.send("events", *life)) == (201, 5, [])

        car.refresh_from_db()
        assert car.state == "available"
        told = ForeignEvent.objects.order_by("happened_at").values_list("state", flat=True)
        assert list(told) == ["available", "reserved", "stopped", "on_trip", "available"]
        assert Event.objects.filter(topic="mobility.foreign_events_noted").count() == 1

    @pytest.mark.parametrize(
        ("event", "details"),
        [
            (("on_trip", "trip_start"), "event_types: trip_start from {} to on_trip"),
            (("reserved", "service_start"), "event_types: service_start from {} to reserved"),
            (("parked", "service_start"), "vehicle_state"),
            (("available", "teleported"), "event_types: teleported from {} to available"),
        ],
    )
    def test_what_cannot_follow_is_refused(self, fleet, car, event, details):
        assert outcome(fleet.send("events", fleet.event(1, *event))) == (
            400,
            0,
            [("bad_param", [details.format("non_operational")])],
        )
        assert not ForeignEvent.objects.exists()

    def test_both_spellings_of_the_specification_are_read(self, fleet, car):
        answer = fleet.send(
            "events",
            fleet.event(1, "removed", "decommissioned", trip_ids=[]),
            fleet.event(2, "non_operational", "recommission", minutes=1, trip_ids=[]),
        )

        assert outcome(answer) == (201, 2, [])

    def test_an_event_told_too_late_too_early_or_without_its_trip_is_refused(self, fleet, car):
        fleet.send("events", fleet.event(1, "available", "service_start", minutes=5))

        answer = fleet.send(
            "events",
            fleet.event(2, "non_operational", "service_end"),
            fleet.event(3, "non_operational", "service_end", minutes=120),
            fleet.event(4, "reserved", "reservation_start", minutes=6, trip_ids=[]),
        )

        status, taken, failures = outcome(answer)
        assert (status, taken) == (400, 0)
        assert failures[0][1][0].startswith("timestamp: before ")
        assert failures[1:] == [
            ("bad_param", ["timestamp: it has not come yet"]),
            ("missing_param", ["trip_ids"]),
        ]


class TestPlaces:
    def test_positions_are_written_once(self, fleet, car):
        seen = {
            "device_id": CAR,
            "provider_id": str(fleet.provider.ref),
            "timestamp": ms(clock.now()),
            "location": PLAZA,
        }

        answer = fleet.send(
            "telemetry",
            seen,
            seen,
            seen | {"location": {"lat": 91, "lng": 0}},
            seen | {"location": {"lat": "nan", "lng": 0}},
            seen | {"device_id": OTHER},
        )

        assert outcome(answer) == (
            201,
            2,
            [
                ("bad_param", ["location.lat"]),
                ("bad_param", ["location.lat"]),
                ("unregistered", ["device_id"]),
            ],
        )
        assert ForeignPoint.objects.count() == 1

    def test_a_trip_is_kept_without_driver_address_and_fare(self, fleet, car):
        sent = fleet.trip()

        assert outcome(fleet.send("trips", sent)) == (201, 1, [])
        assert outcome(fleet.send("trips", sent)) == (201, 1, [])

        trip = ForeignTrip.objects.get()
        assert (trip.ref, trip.hailed, trip.took_wheelchair) == (UUID(TRIP), "app", True)
        assert (trip.metres, trip.seconds) == (4000, 600)
        kept = {str(value) for value in vars(trip).values()}
        assert not kept & {"12.345.678-9", "Balmaceda 1", "3000"}
        assert Event.objects.filter(topic="mobility.foreign_trips_noted").count() == 1

    def test_a_trip_ends_after_it_began(self, fleet, car):
        backwards = fleet.trip(end_time=ms(clock.now() - timedelta(days=1)))

        assert outcome(fleet.send("trips", backwards)) == (
            400,
            0,
            [("bad_param", ["end_time: it is before the start"])],
        )

    def test_where_cars_were_is_forgotten_and_that_they_drove_is_not(self, fleet, car):
        seen = {"device_id": CAR, "provider_id": str(fleet.provider.ref), "location": PLAZA}
        now = clock.now()
        fleet.send("trips", fleet.trip())
        fleet.send("events", fleet.event(1, "available", "service_start"))
        fleet.send("telemetry", seen | {"timestamp": ms(now)})

        assert operations.forget_foreign_places(at=now + timedelta(days=29)) == 0
        assert operations.forget_foreign_places(at=now + timedelta(days=31)) == 3
        assert operations.forget_foreign_places(at=now + timedelta(days=31)) == 0

        assert not ForeignPoint.objects.exists()
        trip, event = ForeignTrip.objects.get(), ForeignEvent.objects.get()
        assert (trip.pickup_lat, trip.dropoff_lon, event.lat, event.lon) == (None,) * 4
        assert (trip.metres, event.state) == (4000, "available")


class TestOfficers:
    def test_officers_with_leave_read_what_fleets_told(self, client, fleet, car):
        fleet.send("trips", fleet.trip())
        fleet.send("events", fleet.event(1, "available", "service_start"))
        officer = UserFactory(is_staff=True)
        client.force_login(officer)

        for name in ("foreignvehicle", "foreignevent", "foreigntrip"):
            path = f"/admin/mobility/{name}/"
            assert client.get(path).status_code == 403
            assign_perm(f"mobility.view_{name}", officer)
            assert "ABCD-12" in client.get(path).content.decode()
            assert client.get(f"{path}add/").status_code == 403


EVENTS = sorted({event for _state, event in mds.TRANSITIONS})


class TestAnyLife(TestCase):
    """Whatever a fleet tells, what is written is a life that the specification permits."""

    @settings(deadline=None, max_examples=50)
    @given(
        st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from(list(Vehicle))), max_size=12)
    )
    def test_what_is_written_is_permitted(self, told):
        city, provider = CityFactory(), ProviderFactory()
        device = UUID(CAR)
        operations.register_foreign(
            city_id=city.pk,
            cars=[Car(provider.pk, device, "A", "car", ["electric"], False)],
            by=CITY,
            at=NOON,
        )
        changes = [
            Change(
                provider_id=provider.pk,
                device=device,
                ref=UUID(int=place),
                events=[event],
                state=state,
                trips=[UUID(TRIP)],
                point=Point(0, 0),
                at=NOON + timedelta(seconds=place),
            )
            for place, (event, state) in enumerate(told)
        ]

        result = operations.note_foreign_events(city_id=city.pk, changes=changes, by=CITY, at=NOON)

        written = ForeignEvent.objects.filter(vehicle__provider=provider).order_by("happened_at")
        state = Vehicle.NON_OPERATIONAL
        for one in written:
            assert Vehicle(one.state) in mds.TRANSITIONS[state, one.events[0]]
            state = Vehicle(one.state)
        assert len(written) + len(result.refused) == len(told)
