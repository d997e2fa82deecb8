from uuid import UUID

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
from apps.orders import changes, operations
from apps.orders.models import Change, Order
from apps.parties.authentication import asking
from apps.payments import operations as payments

PROBLEMS: dict[type[Exception], Problem] = {
    operations.OutOfTurn: Problem(409, "not_now", _("This order cannot be changed now.")),
    changes.PriceGone: Problem(410, "quote_gone", _("The new price is gone. Ask for another.")),
    changes.Pending: Problem(409, "change_pending", _("Another change waits for the bank.")),
    payments.NoSuchCard: Problem(
        422, "no_such_card", _("The card that pays for this order was removed.")
    ),
}


class ChangeIn(Asked):
    quote = serializers.UUIDField(help_text="A quote made in place of the one in force.")


class ChangeOut(serializers.Serializer[Change]):
    """A change of the price: AGREED when it is in force, ASKED while the bank thinks."""

    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=Change.State.choices)
    reason = serializers.CharField()
    before = serializers.UUIDField(source="before.ref")
    before_minor = serializers.IntegerField(source="before.total_minor")
    after = serializers.UUIDField(source="after.ref")
    after_minor = serializers.IntegerField(source="after.total_minor")
    asked_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)


@extend_schema(tags=["orders"])
class Changes(APIView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(summary="Show how an order of yours was changed", responses=ChangeOut(many=True))
    def get(self, request: Request, ref: UUID) -> Response:
        order = Order.objects.get(ref=ref, consumer=asking(request))
        found = order.changes.select_related("before", "after").order_by("number")
        return Response([ChangeOut(change).data for change in found])

    @extend_schema(
        summary="Accept a new price for an order of yours",
        description="If it is dearer, the bank is asked after the answer to promise the "
        "difference; until it has said yes the order stays what it was. Accepting a quote twice "
        "is one change.",
        request=ChangeIn,
        responses={201: ChangeOut},
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = ChangeIn(data=request.data)
        asked.is_valid(raise_exception=True)
        consumer = asking(request)
        order = Order.objects.get(ref=ref, consumer=consumer)
        with problems.told(PROBLEMS):
            change = changes.accept(
                ref=order.ref,
                quote_ref=asked.validated_data["quote"],
                by=consumer.acting(Kind.CONSUMER),
                at=clock.now(),
            )
        return Response(ChangeOut(change).data, status=status.HTTP_201_CREATED)
