"""What the home page knows: what lives now, where anybody might go, what the city charges."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from apps.dispatch.models import Shift
from apps.mobility.queries import Known
from apps.orders import verticals
from apps.orders.models import Order
from apps.parties.models import User
from apps.places.models import City, Place
from apps.pricing.models import Tariff


@dataclass(frozen=True, slots=True)
class Live:
    """An order that is under way, as one line that opens it."""

    order: Order
    says: str | Promise
    summary: str
    path: str


def live_orders(user: User) -> list[Live]:
    """What this person has under way, the latest first."""
    orders = Order.objects.live().filter(consumer=user).select_related("ride", "worker__user")
    return [_line(order) for order in orders.order_by("-placed_at")[:5]]


def _line(order: Order) -> Live:
    vertical = verticals.get(order.vertical)
    try:
        path = reverse(vertical.page, args=[order.ref])
    except NoReverseMatch:
        path = ""
    return Live(order, vertical.stages.get(order.stage, ""), vertical.summary(order), path)


def example_places(city: City, limit: int = 3) -> list[Known]:
    """Places that everybody knows, for whoever went nowhere yet."""
    landmarks = Place.objects.filter(city=city, kind=Place.Kind.LANDMARK)
    return [
        Known(place.name, place.detail, place.point, "landmark", place.name)
        for place in landmarks.order_by("-weight", "pk")[:limit]
    ]


def tariff(city: City, at: datetime) -> Tariff | None:
    """What the usual ride costs by the city's rule that is in force."""
    rules = Tariff.objects.filter(city=city, kind="standard", valid__contains=at)
    return rules.order_by("pk").first()


def cars_on_line(city: City, at: datetime) -> int:
    """How many drivers can be offered a ride now."""
    return Shift.objects.filter(city=city).on_line(at).count()
