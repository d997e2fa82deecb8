from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.kernel import clock, problems
from apps.kernel.actors import Kind
from apps.kernel.asked import Asked
from apps.kernel.problems import Problem
from apps.mobility import operations, queries
from apps.mobility.models import LostItem
from apps.orders.models import Order
from apps.parties.authentication import asking

PROBLEMS: dict[type[Exception], Problem] = {
    operations.NothingLost: Problem(
        409, "nothing_lost", _("A lost item is reported within a fortnight of the ride.")
    ),
    operations.LostOutOfTurn: Problem(
        409, "out_of_turn", _("The report has come too far for this, or it is not yours to say.")
    ),
}


class LostIn(Asked):
    what = serializers.CharField(max_length=120)
    place = serializers.ChoiceField(choices=LostItem.Place.choices)
    may_call = serializers.BooleanField(default=False)


class LostSaid(Asked):
    """What one side says next.  `found` needs a way back and where and when."""

    do = serializers.ChoiceField(choices=["found", "not_found", "returned", "withdraw"])
    way = serializers.ChoiceField(choices=LostItem.Way.choices, required=False)
    detail = serializers.CharField(max_length=200, required=False)

    def validate(self, told: dict[str, Any]) -> dict[str, Any]:
        if told["do"] == "found" and not (told.get("way") and told.get("detail")):
            raise serializers.ValidationError(_("Say where and when the rider gets it back."))
        return told


class LostStepOut(serializers.Serializer[Any]):
    state = serializers.CharField()
    said = serializers.CharField()
    taken_at = serializers.DateTimeField()


class LostOut(serializers.Serializer[Any]):
    what = serializers.CharField()
    place = serializers.CharField()
    state = serializers.CharField()
    way = serializers.CharField()
    detail = serializers.CharField()
    closes_at = serializers.DateTimeField()
    steps = LostStepOut(many=True)


@extend_schema(tags=["rides"])
class Lost(APIView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(summary="What was left in the car", responses=LostOut)
    def get(self, request: Request, ref: UUID) -> Response:
        return Response(LostOut(self.item(self.order(request, ref))).data)

    @extend_schema(
        summary="Report something left in the car", request=LostIn, responses={201: LostOut}
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = LostIn(data=request.data)
        asked.is_valid(raise_exception=True)
        order, by = self.order(request, ref), asking(request).acting(Kind.CONSUMER)
        with problems.told(PROBLEMS):
            item = operations.report_lost(
                order_id=order.pk, **asked.validated_data, by=by, at=clock.now()
            )
        return Response(LostOut(item).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Say what came of it",
        description="The driver found it or not; either side has it returned; the rider withdraws.",
        request=LostSaid,
        responses=LostOut,
    )
    def patch(self, request: Request, ref: UUID) -> Response:
        asked = LostSaid(data=request.data)
        asked.is_valid(raise_exception=True)
        told, order, person = asked.validated_data, self.order(request, ref), asking(request)
        kind = Kind.CONSUMER if order.consumer_id == person.pk else Kind.WORKER
        about: dict[str, Any] = {
            "item_id": self.item(order).pk,
            "by": person.acting(kind),
            "at": clock.now(),
        }
        with problems.told(PROBLEMS):
            match told["do"]:
                case "returned":
                    item = operations.note_returned(**about)
                case "withdraw":
                    item = operations.withdraw_lost(**about)
                case "found":
                    item = operations.answer_lost(way=told["way"], detail=told["detail"], **about)
                case _:
                    item = operations.answer_lost(way="", **about)
        return Response(LostOut(item).data)

    def order(self, request: Request, ref: UUID) -> Order:
        """A ride in which one has a part, or nothing."""
        person = asking(request)
        mine = Q(consumer=person) | Q(worker__user=person)
        return Order.objects.get(mine, ref=ref, vertical=operations.VERTICAL)

    def item(self, order: Order) -> LostItem:
        item = queries.lost_item(order)
        if item is None:
            raise LostItem.DoesNotExist
        return item
