"""What other apps' fleets send the city: MDS 2.0, agency.  A token speaks for whoever runs one."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.asked import Asked
from apps.mobility import operations
from apps.mobility.api_mds import StampField
from apps.mobility.mds import Vehicle, wire
from apps.mobility.mds.policies import stamp
from apps.mobility.models import ForeignVehicle
from apps.mobility.operations import foreign
from apps.mobility.operations.foreign import Outcome, Refused
from apps.parties.authentication import TokenAuthentication, asking
from apps.parties.queries import providers_of
from apps.places.current import current_city
from apps.places.geometry import Point

MOST_ROWS = 1000
MOST_VEHICLES = 500
WHEELCHAIR = "wheelchair_accessible"
TYPES = ["car", "bus", "truck", "motorcycle", "moped", "other"]
PROPULSION = [
    "human", "electric_assist", "electric", "combustion", "combustion_diesel", "hybrid",
    "hydrogen_fuel_cell", "plug_in_hybrid",
]  # fmt: skip
WORDS = {
    "bad_param": "A validation error occurred",
    "missing_param": "A required parameter is missing",
    "unregistered": "This device_id is unregistered",
    "already_registered": "A vehicle with device_id is already registered",
}


class GpsSerializer(Asked):
    lat = serializers.FloatField(min_value=-90, max_value=90)
    lng = serializers.FloatField(min_value=-180, max_value=180)

    def validate(self, told: dict[str, Any]) -> Any:
        return Point(told["lat"], told["lng"])


class OfDevice(Asked):
    device_id = serializers.UUIDField()
    provider_id = serializers.UUIDField()


class VehicleSerializer(OfDevice):
    vehicle_id = serializers.CharField(max_length=255, help_text="What stands on the car: a plate")
    vehicle_type = serializers.ChoiceField(TYPES)
    propulsion_types = serializers.ListField(
        child=serializers.ChoiceField(PROPULSION), allow_empty=False
    )
    accessibility_attributes = serializers.ListField(
        child=serializers.ChoiceField([WHEELCHAIR]), required=False, default=list
    )


class EventSerializer(OfDevice):
    event_id = serializers.UUIDField()
    vehicle_state = serializers.ChoiceField([str(one) for one in Vehicle])
    event_types = serializers.ListField(
        child=serializers.SlugField(), allow_empty=False, max_length=5
    )
    timestamp = StampField()
    location = GpsSerializer()
    trip_ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, allow_null=True, default=list, max_length=20
    )


class TelemetrySerializer(OfDevice):
    timestamp = StampField()
    location = GpsSerializer()


class TripAttributes(Asked):
    hail_type = serializers.SlugField(required=False)
    requested_time = StampField(required=False)
    wheelchair_transported = serializers.BooleanField(required=False, default=False)


class TripSerializer(OfDevice):
    trip_id = serializers.UUIDField()
    trip_type = serializers.ChoiceField(
        ["private", "shared", "reservation", "empty"], required=False
    )
    start_time = StampField()
    end_time = StampField()
    start_location = GpsSerializer()
    end_location = GpsSerializer()
    duration = serializers.IntegerField(min_value=0, max_value=10_000_000)
    distance = serializers.IntegerField(min_value=0, max_value=100_000_000)
    trip_attributes = TripAttributes(required=False)


class FleetSerializer(serializers.Serializer[dict[str, Any]]):
    version = serializers.CharField()
    vehicles = serializers.ListField(child=VehicleSerializer())
    links = serializers.DictField(child=serializers.CharField(allow_null=True), required=False)


def rows(kind: type[OfDevice]) -> Any:
    """How a batch is described."""
    return serializers.ListSerializer(child=kind(), min_length=1, max_length=MOST_ROWS)


class Fleet(wire.MdsView):
    """Addresses of providers: each row says for whom, and whoever sends it acts for them."""

    authentication_classes = [TokenAuthentication]

    def city_id(self) -> int:
        city = current_city()
        if city is None:
            raise Http404
        return city.pk

    def mine(self) -> dict[UUID, int]:
        """The providers for whom the token may speak.  Raises 403 where there is none."""
        found = dict(
            providers_of(asking(self.request), "operate_provider").values_list("ref", "pk")
        )
        if not found:
            raise wire.Complaint("not_allowed", _("You act for no provider."), status=403)
        return found

    def take(
        self,
        request: Request,
        kind: type[OfDevice],
        read: Callable[[dict[str, Any], int], Any],
        write: Callable[..., Outcome],
        called: str,
        *,
        status: int = 201,
    ) -> Response:
        """Read each row of a batch, write what is right, and say what is wrong with the rest.

        `write` takes the rows by the name that they are `called`.
        """
        city, mine, sent = self.city_id(), self.mine(), request.data
        if not isinstance(sent, list) or not 1 <= len(sent) <= MOST_ROWS:
            said = _("Send a list of 1 to %(most)s rows.") % {"most": MOST_ROWS}
            raise wire.Complaint("bad_param", said)
        failures: dict[int, Refused] = {}
        good: list[tuple[int, Any]] = []
        for place, row in enumerate(sent):
            try:
                good.append((place, _read(kind, row, mine, read)))
            except Refused as refused:
                failures[place] = refused
        outcome = write(
            city_id=city,
            **{called: [row for _place, row in good]},
            by=asking(request).acting(Kind.PROVIDER),
            at=clock.now(),
        )
        failures |= {good[place][0]: refused for place, refused in outcome.refused.items()}
        body = {
            "version": wire.VERSION,
            "success": len(sent) - len(failures),
            "total": len(sent),
            "failures": [
                {
                    "item": sent[place],
                    **wire.complaint(refused.error, WORDS[refused.error], *refused.details),
                }
                for place, refused in sorted(failures.items())
            ],
        }
        return Response(body, status=400 if len(failures) == len(sent) else status)


def _read(
    kind: type[OfDevice],
    row: Any,
    mine: Mapping[UUID, int],
    read: Callable[[dict[str, Any], int], Any],
) -> Any:
    checked = kind(data=row)
    if not checked.is_valid():
        faults = list(_faults(checked.errors))
        lacking = [name for name, code in faults if code == "required"]
        if lacking:
            raise Refused("missing_param", *lacking)
        raise Refused("bad_param", *(name for name, _code in faults))
    told = checked.validated_data
    if told["provider_id"] not in mine:
        raise Refused("bad_param", "provider_id")
    return read(told, mine[told["provider_id"]])


def _faults(errors: Any, path: str = "") -> Any:
    if isinstance(errors, dict):
        for name, inner in errors.items():
            yield from _faults(inner, f"{path}.{name}".lstrip("."))
    else:
        for error in errors:
            yield path, getattr(error, "code", "invalid")


def _car(told: dict[str, Any], provider: int) -> foreign.Car:
    return foreign.Car(
        provider_id=provider,
        device=told["device_id"],
        plate=told["vehicle_id"],
        vehicle_type=told["vehicle_type"],
        propulsion=told["propulsion_types"],
        is_accessible=WHEELCHAIR in told["accessibility_attributes"],
    )


def _change(told: dict[str, Any], provider: int) -> foreign.Change:
    return foreign.Change(
        provider_id=provider,
        device=told["device_id"],
        ref=told["event_id"],
        events=told["event_types"],
        state=Vehicle(told["vehicle_state"]),
        trips=told["trip_ids"] or (),
        point=told["location"],
        at=told["timestamp"],
    )


def _sighting(told: dict[str, Any], provider: int) -> foreign.Sighting:
    return foreign.Sighting(
        provider_id=provider,
        device=told["device_id"],
        point=told["location"],
        at=told["timestamp"],
    )


def _trip(told: dict[str, Any], provider: int) -> foreign.Trip:
    more = told.get("trip_attributes", {})
    return foreign.Trip(
        provider_id=provider,
        device=told["device_id"],
        ref=told["trip_id"],
        kind=told.get("trip_type", ""),
        hailed=more.get("hail_type", ""),
        asked_at=more.get("requested_time"),
        began_at=told["start_time"],
        ended_at=told["end_time"],
        pickup=told["start_location"],
        dropoff=told["end_location"],
        metres=told["distance"],
        seconds=told["duration"],
        took_wheelchair=more.get("wheelchair_transported", False),
    )


def _vehicle(one: ForeignVehicle) -> dict[str, Any]:
    told: dict[str, Any] = {
        "device_id": str(one.device),
        "provider_id": str(one.provider.ref),
        "vehicle_id": one.plate,
        "vehicle_type": one.vehicle_type,
        "propulsion_types": one.propulsion,
        "accessibility_attributes": [WHEELCHAIR] if one.is_accessible else [],
    }
    # No field of MDS here: what the next event has to follow.
    state_at = None if one.state_at is None else stamp(one.state_at)
    return told | {"cityplatform": {"state": one.state, "state_since": state_at}}


class Vehicles(Fleet):
    """The cars of the fleets for which a token may speak."""

    @extend_schema(
        operation_id="mds_vehicles",
        parameters=[
            OpenApiParameter(
                "after",
                {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
                description="The list goes on after this one; `links.next` says it",
            )
        ],
        responses=FleetSerializer,
        tags=["mds"],
    )
    def get(self, request: Request) -> Response:
        mine = self.mine()
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 19):
            raise wire.Complaint("bad_param", _("A parameter is not right."), "after")
        found = list(
            ForeignVehicle.objects.filter(
                city=self.city_id(), provider__in=mine.values(), pk__gt=int(after)
            )
            .select_related("provider")
            .order_by("pk")[: MOST_VEHICLES + 1]
        )
        told = found[:MOST_VEHICLES]
        following = f"{request.path}?after={told[-1].pk}" if len(found) > len(told) else None
        return Response(
            {
                "version": wire.VERSION,
                "vehicles": [_vehicle(one) for one in told],
                "links": {"next": following and request.build_absolute_uri(following)},
            }
        )

    @extend_schema(
        operation_id="mds_vehicles_register",
        request=rows(VehicleSerializer),
        responses={201: wire.BulkSerializer, 400: wire.REFUSED},
        tags=["mds"],
    )
    def post(self, request: Request) -> Response:
        """Register cars."""
        return self.take(request, VehicleSerializer, _car, operations.register_foreign, "cars")

    @extend_schema(
        operation_id="mds_vehicles_update",
        request=rows(VehicleSerializer),
        responses={200: wire.BulkSerializer, 400: wire.REFUSED},
        tags=["mds"],
    )
    def put(self, request: Request) -> Response:
        """Say what changed about cars that are registered."""
        write = operations.change_foreign
        return self.take(request, VehicleSerializer, _car, write, "cars", status=200)


class OneVehicle(Fleet):
    """One car of a fleet for which a token may speak."""

    @extend_schema(
        operation_id="mds_vehicle",
        responses=FleetSerializer,
        tags=["mds"],
    )
    def get(self, request: Request, device_id: UUID) -> Response:
        found = ForeignVehicle.objects.filter(
            city=self.city_id(), provider__in=self.mine().values(), device=device_id
        ).select_related("provider")
        if not found:
            raise Http404
        return Response({"version": wire.VERSION, "vehicles": [_vehicle(one) for one in found]})


class Events(Fleet):
    """What happened to cars: each event has to be one that may follow the one before."""

    @extend_schema(
        operation_id="mds_events",
        request=rows(EventSerializer),
        responses={201: wire.BulkSerializer, 400: wire.REFUSED},
        tags=["mds"],
    )
    def post(self, request: Request) -> Response:
        write = operations.note_foreign_events
        return self.take(request, EventSerializer, _change, write, "changes")


class Telemetry(Fleet):
    """Where cars were."""

    @extend_schema(
        operation_id="mds_telemetry",
        request=rows(TelemetrySerializer),
        responses={201: wire.BulkSerializer, 400: wire.REFUSED},
        tags=["mds"],
    )
    def post(self, request: Request) -> Response:
        write = operations.note_foreign_points
        return self.take(request, TelemetrySerializer, _sighting, write, "sightings")


class Trips(Fleet):
    """Trips that are over; drivers, addresses and fares are not read, and not kept."""

    @extend_schema(
        operation_id="mds_trips",
        request=rows(TripSerializer),
        responses={201: wire.BulkSerializer, 400: wire.REFUSED},
        tags=["mds"],
    )
    def post(self, request: Request) -> Response:
        return self.take(request, TripSerializer, _trip, operations.note_foreign_trips, "trips")
