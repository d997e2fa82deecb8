from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.parties import queries as parties
from apps.parties.authentication import asking
from apps.settlement import queries
from apps.settlement.models import Payout


class PayoutOut(serializers.ModelSerializer[Payout]):
    """What a provider of yours is paid for a period."""

    provider = serializers.UUIDField(source="provider.ref")

    class Meta:
        model = Payout
        fields = (
            "ref",
            "provider",
            "amount_minor",
            "currency",
            "state",
            "day",
            "settled_at",
            "paid_at",
            "failure",
        )


class LineOut(serializers.Serializer[queries.Line]):
    """A line of a statement: what you get is positive."""

    booked_at = serializers.DateTimeField()
    kind = serializers.CharField()
    amount_minor = serializers.IntegerField(source="amount.minor")
    running_minor = serializers.IntegerField(
        source="running.minor", help_text="The sum up to and with this line."
    )
    order = serializers.SerializerMethodField()

    def get_order(self, line: queries.Line) -> UUID | None:
        return line.order.ref if line.order else None


class Statement(PayoutOut):
    """A payout with every line of it; the last running sum is its amount."""

    lines = serializers.SerializerMethodField()

    class Meta(PayoutOut.Meta):
        fields = (*PayoutOut.Meta.fields, "lines")  # type: ignore[assignment]  # one more

    @extend_schema_field(LineOut(many=True))
    def get_lines(self, payout: Payout) -> Any:
        lines = queries.lines(list(queries.entries_of(payout)))
        return [LineOut(line).data for line in lines]


def mine(request: Request) -> Any:
    """The payouts of every provider whose money the asking person may see."""
    providers = parties.providers_of(asking(request), "see_provider_money")
    return Payout.objects.filter(provider__in=providers).select_related("provider")


@extend_schema_view(
    get=extend_schema(summary="List the payouts of your providers, newest first", tags=["money"])
)
class Payouts(generics.ListAPIView[Payout]):
    serializer_class = PayoutOut
    ordering = ("-day", "-pk")

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Payout.objects.none()
        return mine(self.request)


class OnePayout(APIView):
    @extend_schema(summary="Show a payout, line by line", responses=Statement, tags=["money"])
    def get(self, request: Request, ref: UUID) -> Response:
        return Response(Statement(mine(request).get(ref=ref)).data)
