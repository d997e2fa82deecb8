from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.dispatch import operations as dispatch
from apps.dispatch import queries as supply
from apps.dispatch import telemetry
from apps.kernel import clock, problems
from apps.kernel.actors import Actor, Kind
from apps.kernel.asked import Asked
from apps.kernel.problems import Problem
from apps.mobility import at_work, operations
from apps.mobility.needs import Need
from apps.parties.authentication import asking
from apps.parties.models import Worker
from apps.places.geometry import Point
from apps.places.models import City
from apps.pricing.models import Quote
from apps.regulation import operations as regulation
from apps.regulation.problems import refused

PROBLEMS: dict[type[Exception], problems.Answer] = {
    dispatch.NoSuchOffer: Problem(404, "no_such_offer", _("There is no such offer for you.")),
    dispatch.TooLate: Problem(409, "too_late", _("The offer ran out, or somebody was faster.")),
    dispatch.Full: Problem(409, "full", _("You are under way already, or have too few seats.")),
    dispatch.NotOnShift: Problem(409, "not_on_shift", _("You are not on line.")),
    dispatch.OnARun: Problem(409, "on_a_run", _("Finish the ride that you are on first.")),
    dispatch.OnShiftElsewhere: Problem(
        409, "on_shift_elsewhere", _("You are on line in another city.")
    ),
    regulation.NotPermitted: refused,
    telemetry.Implausible: Problem(
        422, "implausible_position", _("Nobody drives that fast. The position was not used.")
    ),
}
CANNOT_SERVE = {
    "outside_city": _("One end of the trip, or a stop, lies outside the city."),
    "same_place": _("Two places that follow one another are too near for a ride."),
    "too_many_stops": _("At most three stops on the way."),
    "unreachable": _("There is no way by road from here to there."),
    "no_service": _("No rides are on offer in the city right now."),
    "not_now": _("The destination of this ride cannot be changed now."),
    "same_destination": _("The ride goes there already."),
    "no_position": _("The car has not said lately where it is. Try again in a moment."),
    "no_such_hour": _("The clocks of the city leap over this hour."),
    "too_soon": _("A ride for later is ordered at least 30 minutes ahead."),
    "too_late": _("At most 7 days ahead: about so long a bank keeps its promise for a card."),
}

CANNOT_SERVE_PROBLEMS = tuple(Problem(422, code, title) for code, title in CANNOT_SERVE.items())
NO_CITY = Problem(503, "no_city", _("The city is not open yet."))


class StopIn(Asked):
    """One end of a ride, in WGS 84 degrees; the name is what people see."""

    lat = serializers.FloatField(min_value=-90, max_value=90)
    lon = serializers.FloatField(min_value=-180, max_value=180)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class Moment(serializers.DateTimeField):
    """A moment; one without an offset is left to be read on the city's clock."""

    def enforce_timezone(self, value: datetime) -> datetime:
        return value


class TripIn(Asked):
    pickup = StopIn()
    dropoff = StopIn()
    stops = StopIn(
        many=True, required=False, default=list, help_text="Up to three on the way, in their order."
    )
    pickup_at = Moment(
        required=False,
        allow_null=True,
        default=None,
        help_text="For a ride later: 30 minutes to 7 days ahead. Without an offset it is what the "
        "city's clocks show.",
    )
    needs = serializers.ListField(
        child=serializers.ChoiceField(choices=Need.choices),
        required=False,
        allow_null=True,
        default=None,
        help_text="What the rider needs; never a reason for another price. "
        "Null: what their profile says.",
    )
    remember_needs = serializers.BooleanField(
        required=False, default=False, help_text="Keep the needs on the rider's profile."
    )


class QuoteOut(serializers.Serializer[Quote]):
    """A price for one service class, frozen until `expires_at`."""

    ref = serializers.UUIDField()
    kind = serializers.CharField(source="listing.kind")
    title = serializers.CharField(source="listing.title")
    total_minor = serializers.IntegerField()
    currency = serializers.CharField()
    lines = serializers.JSONField()
    terms = serializers.JSONField()
    tariff = serializers.CharField()
    expires_at = serializers.DateTimeField()
    eta_seconds = serializers.SerializerMethodField()

    def get_eta_seconds(self, quote: Quote) -> int | None:
        if operations.hour_of(quote):
            return None
        trip = operations.trip_of(quote)
        return supply.eta_to(
            quote.listing.city, trip.pickup, needs=trip.needs, seats=trip.seats, at=clock.now()
        )


class Bundle(serializers.Serializer[Any]):
    """The prices of one trip in every service class, and the way over all its stops."""

    bundle = serializers.UUIDField()
    metres = serializers.IntegerField()
    seconds = serializers.IntegerField()
    is_estimate = serializers.BooleanField()
    stops = StopIn(many=True)
    legs = serializers.ListField(
        child=serializers.IntegerField(), help_text="Seconds from each point to the next."
    )
    stop_wait = serializers.IntegerField(help_text="Seconds of waiting at each stop in the price.")
    pickup_at = serializers.DateTimeField(allow_null=True, help_text="Null: as soon as may be.")
    needs = serializers.ListField(child=serializers.CharField())
    line = serializers.JSONField(help_text="The way as [lon, lat] pairs.")
    quotes = QuoteOut(many=True)


def bundle_of(quotes: list[Quote]) -> dict[str, Any]:
    asked = quotes[0].request
    way = {name: asked[name] for name in ("metres", "seconds", "is_estimate", "line")}
    return {
        "bundle": quotes[0].bundle,
        **way,
        "stops": asked.get("stops", []),
        "legs": asked.get("legs", [asked["seconds"]]),
        "stop_wait": asked.get("stop_wait", 0),
        "pickup_at": operations.hour_of(quotes[0]),
        "needs": asked.get("needs", []),
        "quotes": [QuoteOut(quote).data for quote in quotes],
    }


class Quotes(APIView):
    complaints = (*PROBLEMS.values(), *CANNOT_SERVE_PROBLEMS, NO_CITY)
    permission_classes = (permissions.AllowAny,)

    @extend_schema(summary="Price a ride", request=TripIn, responses={201: Bundle}, tags=["rides"])
    def post(self, request: Request) -> Response:
        asked = TripIn(data=request.data)
        asked.is_valid(raise_exception=True)
        city = City.objects.order_by("pk").first()
        if city is None:
            raise problems.Told(NO_CITY)
        user_id = request.user.pk if request.user.is_authenticated else None
        try:
            with problems.told(PROBLEMS):
                quotes = operations.quote_trip(
                    city=city,
                    pickup=stop_of(asked.validated_data["pickup"]),
                    dropoff=stop_of(asked.validated_data["dropoff"]),
                    stops=[stop_of(stop) for stop in asked.validated_data["stops"]],
                    pickup_at=asked.validated_data["pickup_at"],
                    needs=asked.validated_data["needs"],
                    remember_needs=asked.validated_data["remember_needs"],
                    consumer_id=user_id,
                    by=Actor(Kind.CONSUMER, str(user_id or "visitor")),
                    at=clock.now(),
                )
        except operations.CannotServe as no:
            raise problems.Told(Problem(422, no.code, CANNOT_SERVE[no.code])) from no
        return Response(bundle_of(quotes), status=status.HTTP_201_CREATED)


class OneBundle(APIView):
    permission_classes = (permissions.AllowAny,)

    @extend_schema(summary="Show prices again", responses=Bundle, tags=["rides"])
    def get(self, request: Request, bundle: UUID) -> Response:
        found = Quote.objects.filter(bundle=bundle, consumer__in=[request.user.pk])
        if not request.user.is_authenticated or not found.exists():
            found = Quote.objects.filter(bundle=bundle, consumer=None)
        quotes = list(found.select_related("listing__city").order_by("listing__position"))
        if not quotes:
            raise Quote.DoesNotExist
        return Response(bundle_of(quotes))


def stop_of(data: dict[str, Any]) -> operations.Stop:
    """A place as an operation takes it; without a name it is called by its point."""
    point = Point(data["lat"], data["lon"])
    return operations.Stop(point, data["name"] or str(point))


class IsDriver(permissions.BasePermission):
    message = _("Only drivers have a shift.")

    def has_permission(self, request: Request, view: APIView) -> bool:
        worker = getattr(request.user, "worker", None)
        return worker is not None and worker.is_active


class DriverView(APIView):
    permission_classes = (permissions.IsAuthenticated, IsDriver)

    def worker(self) -> Worker:
        return asking(self.request).worker

    def state(self) -> Response:
        return Response(at_work.state_of(self.worker(), clock.now()))

    def do(self, operation: Any, **what: Any) -> Response:
        """One call of one operation, as this driver, now; then where things stand."""
        worker = self.worker()
        with problems.told(PROBLEMS):
            operation(worker_id=worker.pk, by=worker.actor, at=clock.now(), **what)
        return self.state()


class PositionIn(Asked):
    lat = serializers.FloatField(min_value=-90, max_value=90)
    lon = serializers.FloatField(min_value=-180, max_value=180)
    heading = serializers.IntegerField(min_value=0, max_value=359, required=False, allow_null=True)


class ShiftIn(Asked):
    action = serializers.ChoiceField(choices=["on_line", "pause", "resume", "off_line"])


class AnswerIn(Asked):
    answer = serializers.ChoiceField(choices=["accept", "decline", "more_time"])
    reason = serializers.CharField(max_length=50, required=False, allow_blank=True, default="")


@extend_schema(tags=["driver"], responses={200: dict})
class Driver(DriverView):
    @extend_schema(summary="Show your shift, the offer that rings and the rides under way")
    def get(self, request: Request) -> Response:
        return self.state()


@extend_schema(tags=["driver"], responses={200: dict})
class DriverShift(DriverView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(summary="Go on line, pause, resume or go off line", request=ShiftIn)
    def post(self, request: Request) -> Response:
        asked = ShiftIn(data=request.data)
        asked.is_valid(raise_exception=True)
        match asked.validated_data["action"]:
            case "on_line":
                city = City.objects.order_by("pk").first()
                return self.do(operations.go_on_shift, city_id=city.pk if city else 0)
            case "pause":
                return self.do(dispatch.pause_shift)
            case "resume":
                return self.do(dispatch.resume_shift)
            case _:
                return self.do(operations.leave_shift)


@extend_schema(tags=["driver"], responses={202: None})
class DriverPosition(DriverView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(summary="Say where you are", request=PositionIn)
    def post(self, request: Request) -> Response:
        asked = PositionIn(data=request.data)
        asked.is_valid(raise_exception=True)
        here = asked.validated_data
        shift = self.worker().shifts.open().select_related("city").first()
        with problems.told(PROBLEMS):
            if shift is None:
                raise dispatch.NotOnShift
            telemetry.report(
                shift.city.slug,
                self.worker().pk,
                Point(here["lat"], here["lon"]),
                here.get("heading"),
                clock.now(),
            )
        return Response(status=status.HTTP_202_ACCEPTED)


@extend_schema(tags=["driver"], responses={200: dict})
class DriverOffer(DriverView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(summary="Answer an offer", request=AnswerIn)
    def post(self, request: Request, offer: int) -> Response:
        asked = AnswerIn(data=request.data)
        asked.is_valid(raise_exception=True)
        match asked.validated_data["answer"]:
            case "accept":
                return self.do(operations.accept_offer, offer_id=offer)
            case "decline":
                reason = asked.validated_data["reason"]
                return self.do(dispatch.decline, offer_id=offer, reason=reason)
            case _:
                return self.do(dispatch.extend, offer_id=offer)
