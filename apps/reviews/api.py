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
from apps.kernel.problems import Problem
from apps.orders.models import Order
from apps.reviews import operations

PROBLEMS = {
    operations.NotYours: Problem(404, "not_found", _("There is no such thing, or it is not yours.")),
    operations.NotYet: Problem(409, "not_done", _("The order is not done yet.")),
    operations.TooLate: Problem(409, "too_late", _("The fourteen days for a review are over.")),
}


class ReviewIn(serializers.Serializer[Any]):
    stars = serializers.IntegerField(min_value=1, max_value=5)
    text = serializers.CharField(max_length=1_000, required=False, default="", allow_blank=True)


class ReviewOut(ReviewIn):
    written_at = serializers.DateTimeField()
    shown_at = serializers.DateTimeField(allow_null=True)


class Reviews(APIView):
    @extend_schema(
        summary="Say how it was",
        description="Blind until both sides have written, or fourteen days have passed.",
        request=ReviewIn,
        responses={201: ReviewOut},
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = ReviewIn(data=request.data)
        asked.is_valid(raise_exception=True)
        sides = Q(consumer=request.user.pk) | Q(worker__user=request.user.pk)
        order = Order.objects.get(sides, ref=ref)
        is_consumer = order.consumer_id == request.user.pk
        with problems.told(PROBLEMS):
            review = operations.write(
                order_id=order.pk,
                author_id=request.user.pk,
                **asked.validated_data,
                by=request.user.acting(Kind.CONSUMER if is_consumer else Kind.WORKER),
                at=clock.now(),
            )
        return Response(ReviewOut(review).data, status=status.HTTP_201_CREATED)
