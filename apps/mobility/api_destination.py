from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.kernel import clock, problems
from apps.kernel.actors import Kind
from apps.kernel.asked import Asked
from apps.kernel.problems import Problem
from apps.mobility import operations
from apps.mobility.api import (
    CANNOT_SERVE,
    CANNOT_SERVE_PROBLEMS,
    PROBLEMS,
    QuoteOut,
    StopIn,
    stop_of,
)
from apps.orders.models import Order
from apps.parties.authentication import asking


class DestinationIn(Asked):
    dropoff = StopIn()


class NewPrice(serializers.Serializer[Any]):
    """The whole ride with another destination, beside the price in force."""

    before = QuoteOut()
    after = QuoteOut()
    metres = serializers.IntegerField(source="after.request.metres")
    seconds = serializers.IntegerField(source="after.request.seconds")
    line = serializers.JSONField(source="after.request.line")


@extend_schema(tags=["rides"])
class Destination(APIView):
    complaints = (*PROBLEMS.values(), *CANNOT_SERVE_PROBLEMS)

    @extend_schema(
        summary="Price another destination for a ride of yours",
        description="Nothing changes until it is accepted: POST `after.ref` as `quote` to "
        "/orders/{ref}/changes while it is valid.",
        request=DestinationIn,
        responses={201: NewPrice},
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = DestinationIn(data=request.data)
        asked.is_valid(raise_exception=True)
        rider = asking(request)
        order = Order.objects.select_related("ride", "quote__listing", "listing", "city").get(
            ref=ref, consumer=rider, vertical=operations.VERTICAL
        )
        try:
            with problems.told(PROBLEMS):
                quote = operations.quote_change(
                    order=order,
                    dropoff=stop_of(asked.validated_data["dropoff"]),
                    by=rider.acting(Kind.CONSUMER),
                    at=clock.now(),
                )
        except operations.CannotServe as no:
            raise problems.Told(Problem(422, no.code, CANNOT_SERVE[no.code])) from no
        told = NewPrice({"before": order.quote, "after": quote})
        return Response(told.data, status=status.HTTP_201_CREATED)
