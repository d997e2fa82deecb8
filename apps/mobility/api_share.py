from typing import Any
from uuid import UUID

from django.urls import reverse
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
from apps.orders.models import Order
from apps.parties.authentication import asking

PROBLEMS: dict[type[Exception], Problem] = {
    operations.RideOver: Problem(409, "ride_over", _("The ride has ended.")),
}


class ShareOut(serializers.Serializer[Any]):
    """A link to a ride under way. It is told this once; only its digest is kept."""

    url = serializers.URLField()
    expires_at = serializers.DateTimeField(
        help_text="At the latest; half an hour after the ride if that comes first."
    )


@extend_schema(tags=["rides"])
class Share(APIView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(
        summary="Share a ride of yours",
        description="Takes the link before it back: a ride has one at a time.",
        request=None,
        responses={201: ShareOut},
    )
    def post(self, request: Request, ref: UUID) -> Response:
        order = self.order(request, ref)
        with problems.told(PROBLEMS):
            link, token = operations.share_ride(
                order_id=order.pk, by=asking(request).acting(Kind.CONSUMER), at=clock.now()
            )
        url = request.build_absolute_uri(reverse("mobility:watch", args=[token]))
        told = ShareOut({"url": url, "expires_at": link.expires_at})
        return Response(told.data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Take the link to a ride back", request=None, responses={204: None})
    def delete(self, request: Request, ref: UUID) -> Response:
        operations.stop_sharing(
            order_id=self.order(request, ref).pk,
            by=asking(request).acting(Kind.CONSUMER),
            at=clock.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    def order(self, request: Request, ref: UUID) -> Order:
        """The rider's own ride, or nothing."""
        return Order.objects.get(ref=ref, consumer=asking(request), vertical=operations.VERTICAL)
