from typing import Any, Literal
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.kernel import clock, problems
from apps.kernel.actors import Kind
from apps.kernel.asked import Asked
from apps.kernel.problems import Problem
from apps.orders import live, operations, tips, verticals
from apps.orders.keys import key_of
from apps.orders.models import Order
from apps.parties.authentication import asking
from apps.payments import operations as payments
from apps.payments.models import Payment
from apps.payments.queries import in_cash
from apps.pricing import operations as pricing
from apps.pricing import words
from apps.regulation import operations as regulation
from apps.regulation.problems import refused


def not_usable(no: Exception) -> Problem:
    """Why a voucher does not pay; which word it is stands beside the sentence."""
    return Problem(422, "voucher_not_usable", words.NOT_USABLE[str(no)], {"refusal": str(no)})


PROBLEMS: dict[type[Exception], problems.Answer] = {
    operations.KeyReused: Problem(
        409, "key_reused", _("This idempotency key was used before, for another request.")
    ),
    operations.QuoteGone: Problem(
        410, "quote_gone", _("This price is no longer valid. Ask for a new one.")
    ),
    operations.OutOfTurn: Problem(
        409, "out_of_turn", _("The order is not ready for this step, or it is not yours to take.")
    ),
    regulation.NotPermitted: refused,
    operations.CardsOnly: Problem(422, "cards_only", _("The city takes no cash for this.")),
    operations.CashOwed: Problem(
        422, "cash_owed", _("A ride before this one was not paid. Settle it first, or use a card.")
    ),
    payments.NoSuchCard: Problem(422, "no_such_card", _("Choose one of your own cards.")),
    pricing.NotUsable: not_usable,
}
TIP_PROBLEMS: dict[type[Exception], problems.Answer] = {
    payments.KeyReused: PROBLEMS[operations.KeyReused],
    payments.NoSuchCard: PROBLEMS[payments.NoSuchCard],
    tips.NotOpen: Problem(
        409, "tip_closed", _("A tip is possible for a week after an order that was paid.")
    ),
    tips.TooMuch: Problem(
        422, "tip_too_much", _("A tip is more than nothing and at most twice the price.")
    ),
    tips.Given: Problem(409, "tip_given", _("There is a tip for this order already.")),
}
REFUSED_STEPS = {
    "wrong_code": _("The code does not match."),
    "too_many_tries": _("Too many wrong codes. Ask the rider to call the city's desk."),
    "paid_by_card": _("This ride is paid by card: there is no cash to miss."),
    "too_early": _("The rider still has time to come."),
    "no_stop_ahead": _("There is no stop ahead."),
    "stop_ahead": _("A stop comes first."),
    "way_changed": _("The way has changed. Look at it first."),
    "not_later": _("This step cannot be told later."),
    "in_the_future": _("This step is said to be taken in the future. Set the phone's clock."),
    "too_old": _("This step was taken too long ago to be told now."),
    "before_the_last_step": _("This step is said to be taken before the one that came before it."),
}

STEP_PROBLEMS = tuple(Problem(409, code, title) for code, title in REFUSED_STEPS.items())


class StepTaken(serializers.Serializer[Any]):
    """One move in the life of an order."""

    name = serializers.CharField()
    stage = serializers.CharField()
    state = serializers.CharField()
    taken_at = serializers.DateTimeField()
    heard_at = serializers.DateTimeField(
        allow_null=True, help_text="When the city heard of it, if that was later."
    )


class OrderOut(serializers.Serializer[Order]):
    """An order, the same for every kind of service; `details` is the vertical's own part."""

    ref = serializers.UUIDField()
    code = serializers.CharField(help_text="What people read out: three signs and four.")
    vertical = serializers.CharField()
    kind = serializers.CharField(source="listing.kind")
    summary = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=Order.State.choices)
    stage = serializers.CharField()
    reason = serializers.CharField()
    total_minor = serializers.IntegerField(help_text="In minor units of the currency.")
    charged_minor = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    placed_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)

    def get_summary(self, order: Order) -> str:
        return verticals.get(order.vertical).summary(order)


class ToConfirm(serializers.Serializer[Any]):
    """The bank wants to hear from the payer: lead them to `page`, before `until`.

    It leads back to the order's own page; the order goes on, or ends, without another call.
    """

    page = serializers.URLField()
    until = serializers.DateTimeField()


class OrderWhole(OrderOut):
    """An order with its price, its steps so far, the steps open to you, and its details."""

    method = serializers.SerializerMethodField()
    confirm = serializers.SerializerMethodField()
    lines = serializers.JSONField(source="quote.lines")
    steps = StepTaken(many=True)
    open_steps = serializers.SerializerMethodField()
    details = serializers.SerializerMethodField()

    def get_method(self, order: Order) -> Literal["card", "cash"]:
        return "cash" if in_cash(order.basket.ref) else "card"

    @extend_schema_field(ToConfirm(allow_null=True))
    def get_confirm(self, order: Order) -> dict[str, Any] | None:
        is_consumer = self.context["kind"] == Kind.CONSUMER
        return live.to_be_confirmed(order) if is_consumer else None

    def get_open_steps(self, order: Order) -> list[str]:
        return verticals.get(order.vertical).open_to(self.context["kind"], order.stage)

    def get_details(self, order: Order) -> dict[str, Any]:
        return verticals.get(order.vertical).live(order, clock.now())


class PlaceIn(Asked):
    quotes = serializers.ListField(
        child=serializers.UUIDField(),
        min_length=1,
        max_length=20,
        help_text="References of quotes that are still valid, at most one of each bundle.",
    )
    method = serializers.ChoiceField(
        choices=["card", "cash"],
        required=False,
        help_text="Cash, where the city allows it, needs no card; card is what is meant otherwise.",
    )
    card = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        help_text="One of your cards, as GET /cards lists them.",
    )
    voucher = serializers.CharField(
        max_length=40,
        required=False,
        allow_blank=True,
        default="",
        help_text="A voucher's code: its issuer pays a part. With a card, and for one quote.",
    )

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        in_cash, card = asked.get("method") == "cash", asked["card"]
        if in_cash and card is not None:
            raise serializers.ValidationError({"card": _("Cash needs no card. Choose one.")})
        if not in_cash and card is None:
            raise problems.Told(Problem(400, "no_payment", _("Name a card, or choose cash.")))
        return asked


class StepIn(Asked):
    step = serializers.SlugField(max_length=50)
    code = serializers.CharField(max_length=10, required=False, allow_blank=True, default="")
    reason = serializers.CharField(max_length=50, required=False, allow_blank=True, default="")
    seen = serializers.CharField(
        max_length=50,
        required=False,
        allow_blank=True,
        default="",
        help_text="The `seen` of what your screen shows; refused if that is no longer so.",
    )
    taken_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        default=None,
        help_text="When it was taken, if the phone had no line then: at most 30 minutes ago, and "
        "not before the last step. For arriving, boarding and dropping off.",
    )


class TipIn(Asked):
    amount_minor = serializers.IntegerField(help_text="At most twice what the order cost.")
    card = serializers.IntegerField(help_text="One of your cards, as GET /cards lists them.")


class TipOut(serializers.Serializer[Payment]):
    """A tip: CAPTURED when the driver has it, REFUSED when the bank said no to the card."""

    amount_minor = serializers.IntegerField()
    currency = serializers.CharField()
    state = serializers.ChoiceField(choices=Payment.State.choices)
    refusal = serializers.CharField()
    card = serializers.IntegerField(source="card_id")


KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"\S"},
    OpenApiParameter.HEADER,
    required=True,
    description="Any text of up to 200 signs. Sent again with the same body, it is the same order.",
)
STEP_KEY = OpenApiParameter(
    KEY.name,
    KEY.type,
    OpenApiParameter.HEADER,
    description="A name of your own for this very step.",
)


def mine(request: Request) -> Any:
    """The orders of whoever asks: as consumer, or as the worker who does them."""
    orders = Order.objects.select_related("listing", "quote", "city", "basket", "worker__user")
    worker = getattr(request.user, "worker", None)
    own = orders.filter(consumer=request.user.pk)
    return own if worker is None else own | orders.filter(worker=worker)


def part_in(order: Order, request: Request) -> Kind:
    return Kind.CONSUMER if order.consumer_id == request.user.pk else Kind.WORKER


@extend_schema_view(get=extend_schema(summary="List your orders, newest first"))
class Orders(generics.ListAPIView[Order]):
    complaints = tuple(PROBLEMS.values())
    serializer_class = OrderOut
    ordering = ("-placed_at", "-pk")

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Order.objects.none()
        return mine(self.request)

    @extend_schema(
        summary="Place an order",
        request=PlaceIn,
        responses={201: OrderWhole(many=True)},
        parameters=[KEY],
    )
    def post(self, request: Request) -> Response:
        asked = PlaceIn(data=request.data)
        asked.is_valid(raise_exception=True)
        consumer = asking(request)
        key = key_in(request, consumer.pk)
        with problems.told(PROBLEMS):
            basket = operations.place(
                key=key,
                quote_refs=asked.validated_data["quotes"],
                consumer_id=consumer.pk,
                card_id=asked.validated_data["card"],
                voucher=asked.validated_data["voucher"],
                by=consumer.acting(Kind.CONSUMER),
                at=clock.now(),
            )
        placed = mine(request).filter(basket=basket).order_by("pk")
        body = OrderWhole(placed, many=True, context={"kind": Kind.CONSUMER}).data
        return Response(body, status=status.HTTP_201_CREATED)


class OneOrder(APIView):
    @extend_schema(summary="Show one order", responses=OrderWhole)
    def get(self, request: Request, ref: UUID) -> Response:
        order = mine(request).get(ref=ref)
        return Response(OrderWhole(order, context={"kind": part_in(order, request)}).data)


class Steps(APIView):
    complaints = (*PROBLEMS.values(), *STEP_PROBLEMS)

    @extend_schema(
        summary="Take a step of an order",
        description="Which steps are open to you stands in `open_steps`. Twice is harmless. "
        "To drop off a rider who pays in cash is to say that you have it; if they did not pay, "
        "send `not_paid` as the reason. A step that is sent again with its Idempotency-Key is "
        "known even when the order has moved on.",
        request=StepIn,
        responses=OrderWhole,
        parameters=[STEP_KEY],
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = StepIn(data=request.data)
        asked.is_valid(raise_exception=True)
        order = mine(request).get(ref=ref)
        kind = part_in(order, request)
        try:
            with problems.told(PROBLEMS):
                operations.take(
                    ref=ref,
                    step=asked.validated_data["step"],
                    by=asking(request).acting(kind),
                    at=clock.now(),
                    code=asked.validated_data["code"],
                    reason=asked.validated_data["reason"],
                    seen=asked.validated_data["seen"],
                    taken_at=asked.validated_data["taken_at"],
                    key=key_in(request, asking(request).pk)
                    if KEY.name in request.headers
                    else None,
                )
        except operations.StepRefused as no:
            title = REFUSED_STEPS.get(no.code, _("This step was refused."))
            raise problems.Told(Problem(409, no.code, title)) from no
        order = mine(request).filter(ref=ref).first()
        if order is None:
            # A driver who gave the ride back no longer sees it.
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(OrderWhole(order, context={"kind": kind}).data)


@extend_schema(tags=["money"])
class Tip(APIView):
    complaints = tuple(TIP_PROBLEMS.values())

    @extend_schema(summary="Show the tip of an order of yours", responses=TipOut)
    def get(self, request: Request, ref: UUID) -> Response:
        tip = tips.of(Order.objects.get(ref=ref, consumer=asking(request)))
        if tip is None:
            raise problems.Told(Problem(404, "not_found", _("There is no tip yet.")))
        return Response(TipOut(tip).data)

    @extend_schema(
        summary="Tip whoever did your order",
        description="Once per order, for a week. All of it goes to them. "
        "The bank is asked after the answer: look again for how it went.",
        request=TipIn,
        responses={201: TipOut},
        parameters=[KEY],
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = TipIn(data=request.data)
        asked.is_valid(raise_exception=True)
        consumer = asking(request)
        key = key_in(request, consumer.pk)
        order = Order.objects.get(ref=ref, consumer=consumer)
        with problems.told(TIP_PROBLEMS):
            tip = tips.give(
                ref=order.ref,
                amount_minor=asked.validated_data["amount_minor"],
                card_id=asked.validated_data["card"],
                key=key,
                by=consumer.acting(Kind.CONSUMER),
                at=clock.now(),
            )
        return Response(TipOut(tip).data, status=status.HTTP_201_CREATED)


def key_in(request: Request, user_id: int) -> UUID:
    name = request.headers.get("Idempotency-Key", "").strip()
    if not 1 <= len(name) <= 200:
        raise problems.Told(
            Problem(400, "key_needed", _("Send an Idempotency-Key of up to 200 signs."))
        )
    return key_of(user_id, name)
