from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.kernel import clock, problems
from apps.kernel.actors import Actor, Kind
from apps.kernel.asked import Asked
from apps.kernel.problems import Problem
from apps.mobility import operations
from apps.mobility.models import Alert, SafetyCheck
from apps.orders.models import Order
from apps.parties.authentication import asking
from apps.places.geometry import Point

PROBLEMS: dict[type[Exception], Problem] = {
    operations.NobodyToFear: Problem(
        409, "no_car", _("No car is with this ride. In an emergency call the emergency number.")
    ),
}


class HereIn(Asked):
    """Where you are; without it the city looks where the car was last seen."""

    lat = serializers.FloatField(min_value=-90, max_value=90)
    lon = serializers.FloatField(min_value=-180, max_value=180)


class AlertIn(Asked):
    here = HereIn(required=False, allow_null=True, default=None)


class AlertOut(serializers.Serializer[Alert]):
    part = serializers.ChoiceField(choices=Alert.Part.choices)
    raised_at = serializers.DateTimeField()
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    emergency_phone = serializers.CharField(source="order.city.emergency_phone")


class CheckAnswerIn(Asked):
    """WELL, or HELP, which calls the city for help as POST …/alert does."""

    answer = serializers.ChoiceField(choices=SafetyCheck.Said.choices)
    here = HereIn(required=False, allow_null=True, default=None)


class AnswerOut(serializers.Serializer[Any]):
    answer = serializers.ChoiceField(choices=SafetyCheck.Said.choices)
    alert = AlertOut(allow_null=True)


@extend_schema(tags=["rides"])
class AnswerCheck(APIView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(
        summary="Say whether everything is all right",
        description=(
            "As the rider or the driver. The ride's `check` says since when that is asked and why; "
            "one answer answers all that was asked so far. Without anything asked, WELL does "
            "nothing. When a rider does not answer, an officer looks."
        ),
        request=CheckAnswerIn,
        responses={200: AnswerOut},
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = CheckAnswerIn(data=request.data)
        asked.is_valid(raise_exception=True)
        here, order, by = asked.validated_data["here"], *_part(request, ref)
        with problems.told(PROBLEMS):
            alert = operations.answer_check(
                order_id=order.pk,
                answer=asked.validated_data["answer"],
                by=by,
                at=clock.now(),
                here=here and Point(here["lat"], here["lon"]),
            )
        told = {"answer": asked.validated_data["answer"], "alert": alert}
        return Response(AnswerOut(told).data)


@extend_schema(tags=["rides"])
class CallForHelp(APIView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(
        summary="Call the city for help",
        description="As the rider or the driver of the ride. Called again, it is the same call.",
        request=AlertIn,
        responses={201: AlertOut},
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = AlertIn(data=request.data)
        asked.is_valid(raise_exception=True)
        here, order, by = asked.validated_data["here"], *_part(request, ref)
        with problems.told(PROBLEMS):
            alert = operations.raise_alert(
                order_id=order.pk,
                by=by,
                at=clock.now(),
                here=here and Point(here["lat"], here["lon"]),
            )
        return Response(AlertOut(alert).data, status=status.HTTP_201_CREATED)


def _part(request: Request, ref: UUID) -> tuple[Order, Actor]:
    """The ride, and who asks: its rider or else its driver.  Other people's are not found."""
    person = asking(request)
    rides = Order.objects.filter(ref=ref, vertical=operations.VERTICAL)
    if order := rides.filter(consumer=person).first():
        return order, person.acting(Kind.CONSUMER)
    return rides.get(worker__user=person), person.acting(Kind.WORKER)
