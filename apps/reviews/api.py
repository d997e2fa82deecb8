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
from apps.orders.models import Order
from apps.parties.authentication import asking
from apps.reviews import operations

PROBLEMS = {
    operations.NotYours: Problem(404, "not_found", _("There is no such order of yours.")),
    operations.NotYet: Problem(409, "not_done", _("The order is not done yet.")),
    operations.TooLate: Problem(409, "too_late", _("The fourteen days for a review are over.")),
}


class ReviewIn(Asked):
    stars = serializers.IntegerField(min_value=1, max_value=5)
    text = serializers.CharField(max_length=1_000, required=False, default="", allow_blank=True)


class ReviewOut(ReviewIn):
    written_at = serializers.DateTimeField()
    shown_at = serializers.DateTimeField(allow_null=True)


class Reviews(APIView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(
        summary="Say how it was",
        description="Blind until both sides have written, or fourteen days have passed.",
        request=ReviewIn,
        responses={201: ReviewOut},
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = ReviewIn(data=request.data)
        asked.is_valid(raise_exception=True)
        author = asking(request)
        order = Order.objects.get(Q(consumer=author) | Q(worker__user=author), ref=ref)
        kind = Kind.CONSUMER if order.consumer_id == author.pk else Kind.WORKER
        with problems.told(PROBLEMS):
            review = operations.write(
                order_id=order.pk,
                author_id=author.pk,
                **asked.validated_data,
                by=author.acting(kind),
                at=clock.now(),
            )
        return Response(ReviewOut(review).data, status=status.HTTP_201_CREATED)
