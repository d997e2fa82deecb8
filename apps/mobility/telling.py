"""What riders, drivers and officers are told of rides, each as the ride stands when it is told."""

from datetime import datetime

from django.contrib.auth.models import Permission
from django.db.models import Q
from django.urls import reverse

from apps.dispatch.models import Offer
from apps.kernel.actors import Actor
from apps.kernel.money import Money
from apps.mobility.models import Alert, LostItem
from apps.mobility.operations import VERTICAL
from apps.notifications import operations as notifications
from apps.notifications import words
from apps.orders.models import Order
from apps.parties.models import User
from apps.regulation.models import Paper

# What the rider hears of a step, and what the driver hears.  A step that somebody takes themself
# is no news to them.
RIDER_HEARS = {
    "assign": "ride_accepted",
    "arrive": "ride_arrived",
    "give_back": "ride_given_back",
    "give_up": "ride_unserved",
    "search": "ride_search_began",
    "call_off": "ride_called_off",
    "no_show": "ride_called_off",
}
DRIVER_HEARS = {"cancel": "rider_called_off", "call_off": "rider_called_off"}


def tell_of_offer(*, offer_id: int, by: Actor, at: datetime) -> None:
    """Ring at the driver's phone for as long as the offer stands.  On a screen anybody may see,
    it says what the ride pays and how far it is, and nothing of the rider."""
    offer = Offer.objects.select_related("job", "worker").get(pk=offer_id)
    ride = Order.objects.filter(ref=offer.job.holder, vertical=VERTICAL).select_related("ride")
    if (order := ride.first()) is None or offer.state != Offer.State.OPEN:
        return
    notifications.notify(
        to=offer.worker.user_id,
        kind="ride_offered",
        about=f"offer:{offer.pk}",
        link=reverse("driver:shift"),
        context={
            "pay": words.money(Money(offer.job.pay_minor, offer.job.currency)),
            "away": words.seconds(offer.eta_seconds),
            "far": words.metres(order.ride.metres),
        },
        expires_at=offer.expires_at,
        by=by,
        at=at,
    )


def tell_of_step(*, order_id: int, step: str, event: int, by: Actor, at: datetime) -> None:
    """Tell whoever did not take the step themself.  The event tells one yes from the next."""
    if step not in RIDER_HEARS and step not in DRIVER_HEARS:
        return
    orders = Order.objects.select_related("ride", "city", "worker__user", "worker__vehicle")
    order = orders.filter(pk=order_id, vertical=VERTICAL).first()
    if order is None:
        return
    about = f"order:{order.ref}:{event}"
    context = _context(order, at)
    if kind := RIDER_HEARS.get(step):
        link = reverse("mobility:ride", args=[order.ref])
        notifications.notify(
            to=order.consumer_id, kind=kind, about=about, link=link, context=context, by=by, at=at
        )
    if (kind := DRIVER_HEARS.get(step)) and order.worker:
        link, driver = reverse("driver:shift"), order.worker.user_id
        notifications.notify(
            to=driver, kind=kind, about=about, link=link, context=context, by=by, at=at
        )


def _context(order: Order, at: datetime) -> words.Context:
    ride, zone = order.ride, order.city.timezone
    told: words.Context = {"pickup": ride.pickup_name, "dropoff": ride.dropoff_name}
    if ride.pickup_at:
        told["hour"] = words.moment(ride.pickup_at, zone)
    told |= {"driver": "", "make": "", "colour": "", "plate": "", "away": words.seconds(0)}
    if order.worker is None:
        return told
    told["driver"] = order.worker.user.short_name
    if car := getattr(order.worker, "vehicle", None):
        told |= {"make": car.make, "colour": car.colour, "plate": car.plate}
    if ride.pickup_eta_at:
        told["away"] = words.seconds(int((ride.pickup_eta_at - at).total_seconds()))
    return told


def tell_of_paper(*, kind: str, paper_id: int, days: int, by: Actor, at: datetime) -> None:
    """Tell a paper's holder what became of it; of its end, once for each threshold."""
    paper = Paper.objects.select_related("requirement").get(pk=paper_id)
    notifications.notify(
        to=paper.holder_id,
        kind=kind,
        about=f"paper:{paper.ref}" + (f":{days}" if days else ""),
        link=reverse("join:join"),
        context={
            "paper": paper.requirement.title,
            "reason": paper.reason,
            "until": words.day(paper.expires_on),
        },
        by=by,
        at=at,
    )


def tell_of_lost(*, item_id: int, state: str, whose: Actor, by: Actor, at: datetime) -> None:
    """Tell the other side of a lost item what one side said; both, when it was closed for them."""
    items = LostItem.objects.select_related("order__worker__user")
    item = items.get(pk=item_id)
    sides = {item.order.consumer_id}
    if item.order.worker:
        sides.add(item.order.worker.user_id)
    for person in sorted(sides):
        if whose.id == str(person):
            continue
        notifications.notify(
            to=person,
            kind=f"lost_{state.lower()}",
            about=f"lost:{item.ref}",
            link=reverse("mobility:lost", args=[item.order.ref]),
            context={"what": item.what},
            by=by,
            at=at,
        )


def tell_officers(*, alert_id: int, by: Actor, at: datetime) -> None:
    """Ring at every officer who may answer calls for help."""
    alert = Alert.objects.select_related("order").get(pk=alert_id)
    for officer in officers("answer_alert"):
        notifications.notify(
            to=officer.pk,
            kind="alert_raised",
            about=f"alert:{alert.pk}",
            link=reverse("admin:mobility_alert_change", args=[alert.pk]),
            context={"ride": alert.order.code},
            by=by,
            at=at,
        )


def officers(permission: str) -> list[User]:
    """The people of the city who hold one of this app's permissions."""
    held = Permission.objects.filter(content_type__app_label="mobility", codename=permission)
    may = Q(user_permissions__in=held) | Q(groups__permissions__in=held) | Q(is_superuser=True)
    people = User.objects.filter(may, is_active=True, is_staff=True)
    return list(people.distinct().order_by("pk"))
