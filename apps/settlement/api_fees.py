"""The fee of an application for a permit, for programs."""

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
from apps.orders.api import KEY, key_in
from apps.parties.authentication import asking
from apps.parties.models import User
from apps.payments import operations as payments
from apps.payments.models import Payment
from apps.regulation.models import Application
from apps.settlement import fees
from apps.settlement.views_fees import REFUSALS, applied_by

NOT_FOUND = Problem(404, "not_found", _("There is no such thing, or it is not yours."))
FEE_PROBLEMS: dict[type[Exception], problems.Answer] = {
    fees.NothingDue: Problem(409, "nothing_due", REFUSALS[fees.NothingDue]),
    payments.NoSuchCard: Problem(422, "no_such_card", REFUSALS[payments.NoSuchCard]),
    payments.KeyReused: Problem(
        409, "key_reused", _("This key was used before, for something else.")
    ),
}


class FeeIn(Asked):
    card = serializers.IntegerField(help_text="One of your cards, as GET /cards lists them.")


class FeeOut(serializers.Serializer[Payment]):
    """A fee: CAPTURED when the city has it, REFUSED when the bank said no to the card."""

    receipt = serializers.CharField(source="label")
    amount_minor = serializers.IntegerField()
    refunded_minor = serializers.IntegerField()
    currency = serializers.CharField()
    state = serializers.ChoiceField(choices=Payment.State.choices)
    refusal = serializers.CharField()


@extend_schema(tags=["permits"])
class Fee(APIView):
    complaints = tuple(FEE_PROBLEMS.values())

    @extend_schema(summary="Show the payment of an application's fee", responses=FeeOut)
    def get(self, request: Request, ref: UUID) -> Response:
        payment = fees.last(_applied(asking(request), ref).case)
        if payment is None:
            raise problems.Told(Problem(404, "not_found", _("Nothing was paid yet.")))
        return Response(FeeOut(payment).data)

    @extend_schema(
        summary="Pay the fee of an application with a card",
        description="The bank is asked after the answer: look again for how it went.",
        request=FeeIn,
        responses={201: FeeOut},
        parameters=[KEY],
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = FeeIn(data=request.data)
        asked.is_valid(raise_exception=True)
        user = asking(request)
        key = key_in(request, user.pk)
        application = _applied(user, ref)
        with problems.told(FEE_PROBLEMS):
            payment = fees.pay(
                case_id=application.pk,
                payer_id=user.pk,
                card_id=asked.validated_data["card"],
                key=key,
                by=user.acting(Kind.PROVIDER),
                at=clock.now(),
            )
        return Response(FeeOut(payment).data, status=status.HTTP_201_CREATED)


def _applied(user: User, ref: UUID) -> Application:
    application = applied_by(user, ref)
    if application is None:
        raise problems.Told(NOT_FOUND)
    return application
