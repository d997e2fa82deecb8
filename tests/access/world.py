"""A small city with one person of each kind, and something of everybody's to reach for.

There are three of most things: `here` (Camila's ride, driven by Marco of the first fleet, begun in
the centre), `team` (another rider's, driven by Marco's teammate Rosa) and `there` (a third rider's,
driven for the other fleet, begun on the coast).
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import AnonymousUser

from apps.dispatch.models import Offer
from apps.disputes.models import Dispute
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.ledger import operations as ledger
from apps.mobility import operations as mobility
from apps.notifications import operations as notifications
from apps.notifications.models import Device
from apps.orders.models import Order
from apps.parties import operations as parties
from apps.parties.models import User
from apps.parties.roles import ROLES
from apps.payments.models import Card, Payment
from apps.places.models import Favourite
from apps.regulation import operations as regulation
from apps.settlement import operations as settlement
from apps.settlement.models import Invoice, Payout
from tests import factories, papers, rides
from tests.factories import CITY

OFFICERS = (*ROLES, "superuser")
PEOPLE = ("visitor", "citizen", "driver", "owner", "accountant", *OFFICERS)
COAST = [[-71.30, -29.95], [-71.27, -29.95], [-71.27, -29.90], [-71.30, -29.90], [-71.30, -29.95]]


@dataclass
class World:
    """Who there is, by role, and what they may reach for, by the address that leads to it."""

    people: dict[str, Any] = field(default_factory=dict)
    things: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    rows: dict[str, list[Any]] = field(default_factory=dict)


def build() -> World:
    """The city as the table of permissions is asked in it."""
    at = clock.now()
    town = rides.town()
    centre = factories.ZoneFactory(city=town.city, slug="centre")
    edge = {"type": "MultiPolygon", "coordinates": [[COAST]]}
    factories.ZoneFactory(city=town.city, slug="coast", boundary=edge)
    marco, fleet = town.worker, town.worker.provider
    rosa = rides.driver("Rosa Pizarro", provider=factories.ProviderFactory(name="Rosa"))
    rosa.provider = fleet
    rosa.save()
    luis = rides.driver("Luis Araya", provider=factories.ProviderFactory(name="Taxis del Faro"))
    owner, accountant, pal, other = (factories.UserFactory() for _ in range(4))
    for person, role in ((owner, "OWNER"), (accountant, "ACCOUNTANT"), (marco.user, "WORKER")):
        parties.add_member(provider_id=fleet.pk, user_id=person.pk, role=role, by=CITY, at=at)
    orders = [
        _ride(town, town.rider, marco, rides.PLAZA, at),
        _ride(town, pal, rosa, rides.PLAZA, at),
        _ride(town, other, luis, rides.FARO, at),
    ]
    earned = [("clearing:cards", 1_000), (f"provider:{fleet.pk}:payable", -1_000)]
    ledger.post(
        key="world", kind="capture", about=None, lines=earned, currency="CLP", by=CITY, at=at
    )
    world = World()
    world.people = {
        "visitor": AnonymousUser(),
        "citizen": town.rider,
        "driver": marco.user,
        "owner": owner,
        "accountant": accountant,
        **{role: _officer(role, centre.pk) for role in ROLES},
        "superuser": factories.UserFactory(is_staff=True, is_superuser=True),
    }
    offers = [Offer.objects.get(worker=one) for one in (marco, rosa, luis)]
    papers.ask_for(town.city, at=at)
    sent = [papers.send(one.user, town.city, at=at) for one in (marco, rosa, luis)]
    asked = [_joining(provider, town.city, at) for provider in (fleet, luis.provider)]
    links = [
        mobility.share_ride(order_id=order.pk, by=order.consumer.acting(Kind.CONSUMER), at=at)[1]
        for order in orders
    ]
    people = (town.rider, marco.user, other)
    world.things = {
        "orders": {"ref": [order.ref for order in orders]},
        "quotes": {"bundle": [order.quote.bundle for order in orders]},
        "links": {"token": links},
        "offers": {"offer": [offer.pk for offer in offers]},
        "joinings": {"joining": [asked[0].pk, asked[1].pk]},
        "workers": {"worker": [marco.pk, rosa.pk, luis.pk]},
        "papers": {"ref": [paper.ref for paper in sent]},
        "cards": {"card": [one.pk for one in Card.objects.filter(user__in=[town.rider, other])]},
        "payouts": {"ref": [_payout(fleet, at).ref, _payout(luis.provider, at).ref]},
        "invoices": {"ref": [_invoice(one, at).ref for one in (town.rider, other)]},
        "disputes": {
            "ref": [_dispute(orders[0], fleet, at), _dispute(orders[2], luis.provider, at)]
        },
        "favourites": {"favourite": [_favourite(one, town.city).pk for one in people]},
        "notices": {"ref": [_notice(one, at).ref for one in people]},
        "devices": {"ref": [_device(one, at).ref for one in people]},
        "cases": {"ref": [_case(one, town.city, at).ref for one in (town.rider, pal, other)]},
        "applications": {
            "ref": [_applied(owner, fleet, at), _applied(luis.user, luis.provider, at)]
        },
        "nothing": {"ref": [UUID(int=1)]},
        "decisions": {"ref": [order.decision.ref for order in orders]},
        "permits": {"permit": [one.permits.first().pk for one in (fleet, luis.provider)]},
        "accounts": {"id": [town.rider.pk, world.people["treasurer"].pk]},
        "tokens": {"token_id": [_token(one, at).pk for one in people]},
    }
    world.rows = {
        "orders.order": orders,
        "orders.step": [orders[0].steps.first(), orders[2].steps.first()],
        "parties.provider": [fleet, luis.provider],
        "parties.worker": [marco, luis],
        "regulation.permit": [fleet.permits.first(), luis.provider.permits.first()],
        "parties.user": [town.rider, other],
    }
    return world


def _ride(town: rides.Town, rider: User, worker: Any, pickup: Any, at: Any) -> Order:
    order = _waiting(town, rider, at, pickup)
    town.on_shift(worker, at)
    return town.accept(town.offer(order, worker, at), at)


def _waiting(town: rides.Town, rider: User, at: Any, pickup: Any = rides.PLAZA) -> Order:
    card = Card.objects.filter(user=rider).first() or rides.card_of(rider)
    mine = rides.Town(town.city, rider, card, town.worker)
    quote = mine.quote(at, pickup=pickup, dropoff=rides.MALL)
    return mine.step(mine.place(quote, at), "authorise", CITY, at)


def _officer(role: str, district: int) -> User:
    user = factories.UserFactory(name=f"Officer {role}")
    over = district if ROLES[role].over else None
    parties.give_role(
        user_id=user.pk, role=role, over=over, reason="tests", by=CITY, at=clock.now()
    )
    return User.objects.get(pk=user.pk)


def _case(user: User, city: Any, at: Any) -> Any:
    return regulation.open_case(
        key=uuid4(),
        city_id=city.pk,
        kind="complaint",
        about_kind="provider",
        about=str(user.pk),
        title="Too loud",
        words="It was too loud.",
        opened_by_id=user.pk,
        by=user.acting(Kind.CONSUMER),
        at=at,
    )


def _applied(user: User, provider: Any, at: Any) -> UUID:
    """An application for another permit, whose fee nobody has paid."""
    city = factories.CityFactory()
    regulation.set_permit_terms(
        city_id=city.pk, vertical="lodging", title="Permit for guests", fee_minor=9_000, months=12,
        needs_inspection=False, series="STAY", by=CITY, at=at,
    )  # fmt: skip
    made = regulation.apply_for_permit(
        key=uuid4(), city_id=city.pk, vertical="lodging", provider_id=provider.pk,
        words="Two rooms.", person_id=user.pk, by=user.acting(Kind.PROVIDER), at=at,
    )  # fmt: skip
    return made.case.ref


def _joining(provider: Any, city: Any, at: Any) -> Any:
    user = factories.UserFactory()
    joining = parties.save_joining(
        user_id=user.pk,
        vertical="mobility",
        provider_id=provider.pk,
        business="",
        seats=4,
        abilities=[],
        details={},
        by=user.acting(Kind.CONSUMER),
        at=at,
    )
    return parties.ask_to_join(joining_id=joining.pk, by=user.acting(Kind.CONSUMER), at=at)


def _dispute(order: Order, provider: Any, at: Any) -> UUID:
    """What the bank of an order's payer wants back from a provider."""
    return Dispute.objects.create(
        reference=f"du_{order.pk}",
        payment=Payment.objects.get(holder=order.basket.ref),
        order=order,
        provider=provider,
        amount_minor=100,
        currency="CLP",
        reason="fraudulent",
        opened_at=at,
    ).ref


def _payout(provider: Any, at: Any) -> Payout:
    return Payout.objects.create(
        provider=provider,
        amount_minor=1_000,
        currency="CLP",
        day=(at - timedelta(days=1)).date(),
        last_entry=0,
        settled_at=at,
    )


def _invoice(consumer: User, at: Any) -> Invoice:
    return settlement.issue(
        key=f"world:{consumer.pk}",
        kind=Invoice.Kind.INVOICE,
        provider=None,
        lines=[{"label": "Ride", "minor": 1_000, "to": "PLATFORM"}],
        currency="CLP",
        day=at.date(),
        consumer=consumer,
        recipient_name="Camila",
        by=CITY,
        at=at,
    )


def _favourite(user: User, city: Any) -> Favourite:
    return Favourite.objects.create(
        user=user, city=city, kind="OTHER", name="Gym", lat=-29.9, lon=-71.25, kept_at=clock.now()
    )


def _notice(user: User, at: Any) -> Any:
    return notifications.notify(
        to=user.pk,
        kind="ride_unserved",
        about=f"tests:{user.pk}",
        link="/",
        context={"dropoff": "Faro", "hour": "15:00", "summary": "Faro"},
        by=CITY,
        at=at,
    )


def _device(user: User, at: Any) -> Device:
    return Device.objects.create(
        user=user, endpoint=f"https://push.invalid/{user.pk}", p256dh="x", auth="y",
        name="Phone", added_at=at,
    )  # fmt: skip


def _token(user: User, at: Any) -> Any:
    token, _secret = parties.issue_token(
        user_id=user.pk, name="tests", expires_at=None, by=CITY, at=at
    )
    return token
