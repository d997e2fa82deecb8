from typing import Any

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
from apps.parties.authentication import asking
from apps.payments import cards, gateway, queries
from apps.payments.models import Card
from apps.places.models import City

PROBLEMS = {
    cards.NoSuchCard: Problem(404, "not_found", _("There is no such card of yours.")),
    gateway.GatewayDown: Problem(503, "bank_away", _("We cannot reach the bank right now.")),
    gateway.NotUnderstood: Problem(503, "bank_away", _("We cannot reach the bank right now.")),
}


class CardOut(serializers.ModelSerializer[Card]):
    """A card of yours: the gateway keeps it, we know its last four digits."""

    class Meta:
        model = Card
        fields = ("id", "brand", "last4", "expires_month", "expires_year", "is_default")


class AddIn(Asked):
    back = serializers.URLField(help_text="Where the bank's page leads to when it is done.")


class AddOut(serializers.Serializer[Any]):
    url = serializers.URLField(help_text="The bank's page on which the card is typed.")


class AddedIn(Asked):
    session = serializers.CharField(max_length=200)


class Cards(APIView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(summary="List your cards", responses=CardOut(many=True), tags=["money"])
    def get(self, request: Request) -> Response:
        return Response(CardOut(queries.cards_of(asking(request)), many=True).data)

    @extend_schema(
        summary="Begin to add a card", request=AddIn, responses={201: AddOut}, tags=["money"]
    )
    def post(self, request: Request) -> Response:
        asked = AddIn(data=request.data)
        asked.is_valid(raise_exception=True)
        city = City.objects.order_by("pk").first()
        back = asked.validated_data["back"]
        with problems.told(PROBLEMS):
            url = cards.page_to_add(
                gateway.ours(),
                user=asking(request),
                back=f"{back}{'&' if '?' in back else '?'}session={{CHECKOUT_SESSION_ID}}",
                given_up=back,
                currency=city.currency if city else "CLP",
            )
        return Response({"url": url}, status=status.HTTP_201_CREATED)


class AddedCard(APIView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(
        summary="Finish adding a card",
        description="Send the session that came back in the address.",
        request=AddedIn,
        responses={201: CardOut},
        tags=["money"],
    )
    def post(self, request: Request) -> Response:
        person = asking(request)
        asked = AddedIn(data=request.data)
        asked.is_valid(raise_exception=True)
        with problems.told(PROBLEMS):
            facts = gateway.ours().added_card(session=asked.validated_data["session"])
            if facts is None:
                raise cards.NoSuchCard
            card = cards.keep(
                user_id=person.pk, facts=facts, by=person.acting(Kind.CONSUMER), at=clock.now()
            )
        return Response(CardOut(card).data, status=status.HTTP_201_CREATED)


class OneCard(APIView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(
        operation_id="cards_use_by_default",
        summary="Use this card by default",
        request=None,
        responses=CardOut,
        tags=["money"],
    )
    def post(self, request: Request, card: int) -> Response:
        person = asking(request)
        with problems.told(PROBLEMS):
            kept = cards.make_default(
                card_id=card, user_id=person.pk, by=person.acting(Kind.CONSUMER), at=clock.now()
            )
        return Response(CardOut(kept).data)

    @extend_schema(summary="Remove a card", responses={204: None}, tags=["money"])
    def delete(self, request: Request, card: int) -> Response:
        person = asking(request)
        with problems.told(PROBLEMS):
            cards.remove(
                card_id=card, user_id=person.pk, by=person.acting(Kind.CONSUMER), at=clock.now()
            )
        return Response(status=status.HTTP_204_NO_CONTENT)
