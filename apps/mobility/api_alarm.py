from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.kernel import clock, problems
from apps.kernel.actors import Kind
from apps.kernel.problems import Problem
from apps.mobility import operations
from apps.mobility.models import Alert
from apps.orders.models import Order
from apps.parties.authentication import asking
from apps.places.geometry import Point

PROBLEMS: dict[type[Exception], Problem] = {
    operations.NobodyToFear: Problem(
        409, "no_car", _("No car is with this ride. In an emergency call the emergency number.")
    ),
}


class HereIn(serializers.Serializer[Any]):
    """Where you are; without it the city looks where the car was last seen."""

    lat = serializers.FloatField(min_value=-90, max_value=90)
    lon = serializers.FloatField(min_value=-180, max_value=180)


class AlertIn(serializers.Serializer[Any]):
    here = HereIn(required=False, allow_null=True, default=None)


class AlertOut(serializers.Serializer[Alert]):
    part = serializers.ChoiceField(choices=Alert.Part.choices)
    raised_at = serializers.DateTimeField()
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    emergency_phone = serializers.CharField(source="order.city.emergency_phone")


@extend_schema(tags=["rides"])
class CallForHelp(APIView):
    @extend_schema(
        summary="Call the city for help",
        description="As the rider or the driver of the ride. Called again, it is the same call.",
        request=AlertIn,
        responses={201: AlertOut},
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = AlertIn(data=request.data)
        asked.is_valid(raise_exception=True)
        here, person = asked.validated_data["here"], asking(request)
        rides = Order.objects.filter(ref=ref, vertical=operations.VERTICAL)
        order, kind = rides.filter(consumer=person).first(), Kind.CONSUMER
        if order is None:
            order, kind = rides.get(worker__user=person), Kind.WORKER
        with problems.told(PROBLEMS):
            alert = operations.raise_alert(
                order_id=order.pk,
                by=person.acting(kind),
                at=clock.now(),
                here=here and Point(here["lat"], here["lon"]),
            )
        return Response(AlertOut(alert).data, status=status.HTTP_201_CREATED)
