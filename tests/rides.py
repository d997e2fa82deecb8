"""A ride, from the question to the drop-off, as the tests of several apps need it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from apps.bus import operations as bus
from apps.dispatch import operations as dispatch
from apps.dispatch.models import Job, Offer
from apps.kernel.actors import Kind
from apps.mobility import operations as mobility
from apps.mobility.models import Vehicle
from apps.mobility.operations import Stop
from apps.orders import operations as orders
from apps.orders.models import Order
from apps.parties.models import User, Worker
from apps.payments.models import Card, Customer
from apps.places.geometry import Point
from apps.places.models import City
from apps.pricing.models import Quote
from tests import factories
from tests.factories import CITY, NOON

PLAZA = Stop(Point(-29.9027, -71.2520), "Plaza de Armas")
FARO = Stop(Point(-29.9057, -71.2740), "Faro Monumental")
RECOVA = Stop(Point(-29.9001, -71.2447), "La Recova")
COQUIMBO = Stop(Point(-29.9533, -71.3395), "Coquimbo")
MALL = Stop(Point(-29.9110, -71.2580), "Mall Plaza")
# The tariff of the screens: CLP 2,450 for 2.6 km and 6 minutes.
PRICES = {
    "start_minor": 600,
    "per_km_minor": 480,
    "per_minute_minor": 60,
    "minimum_minor": 0,
    "platform_bp": 350,
    "city_fee_minor": 150,
    "vat_bp": 1_900,
    "cancel_fee_minor": 700,
}


@dataclass
class Town:
    """A city with a desk that offers rides, a rider with a card and a driver with a car."""

    city: City
    rider: User
    card: Card
    worker: Worker

    def quote(
        self,
        at: datetime = NOON,
        kind: str = "standard",
        pickup_at: datetime | None = None,
        stops: Sequence[Stop] = (),
        pickup: Stop = PLAZA,
        dropoff: Stop = FARO,
    ) -> Quote:
        quotes = mobility.quote_trip(
            city=self.city,
            pickup=pickup,
            dropoff=dropoff,
            consumer_id=self.rider.pk,
            by=self.rider.acting(Kind.CONSUMER),
            at=at,
            pickup_at=pickup_at,
            stops=stops,
        )
        return next(quote for quote in quotes if quote.listing.kind == kind)

    def place(
        self, quote: Quote | None = None, at: datetime = NOON, key=None, in_cash: bool = False
    ) -> Order:
        basket = orders.place(
            key=key or uuid4(),
            quote_refs=[(quote or self.quote(at)).ref],
            consumer_id=self.rider.pk,
            card_id=None if in_cash else self.card.pk,
            by=self.rider.acting(Kind.CONSUMER),
            at=at,
        )
        return basket.orders.get()

    def search(self, at: datetime = NOON) -> Order:
        """Place a ride whose card has been authorised: it is looking for a driver."""
        return self.step(self.place(at=at), "authorise", CITY, at)

    def on_shift(self, worker: Worker | None = None, at: datetime = NOON) -> Worker:
        worker = worker or self.worker
        mobility.go_on_shift(worker_id=worker.pk, city_id=self.city.pk, by=worker.actor, at=at)
        return worker

    def offer(self, order: Order, worker: Worker | None = None, at: datetime = NOON) -> Offer:
        return dispatch.offer(
            job_id=Job.objects.get(holder=order.ref).pk,
            worker_id=(worker or self.worker).pk,
            eta_seconds=180,
            eta_metres=900,
            is_estimate=False,
            reasons={},
            by=CITY,
            at=at,
        )

    def confirm(self, at: datetime = NOON) -> Order:
        """Place a ride that the driver has accepted."""
        order = self.search(at)
        self.on_shift(at=at)
        return self.accept(self.offer(order, at=at), at)

    def accept(self, offer: Offer, at: datetime = NOON) -> Order:
        worker = offer.worker
        return mobility.accept_offer(offer_id=offer.pk, worker_id=worker.pk, by=worker.actor, at=at)

    def step(self, order: Order, step: str, by, at: datetime = NOON, **data: str) -> Order:
        return orders.advance(order_id=order.pk, step=step, by=by, at=at, data=data)

    def drive(self, order: Order, at: datetime = NOON) -> Order:
        """From the yes to the drop-off."""
        by = self.worker.actor
        self.step(order, "arrive", by, at)
        order = self.step(order, "board", by, at, code=order.ride.code)
        return self.step(order, "drop_off", by, at + timedelta(seconds=order.ride.seconds))


def town() -> Town:
    desk = factories.permitted(factories.ListingFactory(title="Car"))
    factories.TariffFactory(city=desk.city, **PRICES)
    rider = factories.UserFactory(name="Camila Rojas")
    Customer.objects.create(user=rider, reference=f"cus_{rider.pk}")
    return Town(desk.city, rider, card_of(rider), driver())


def card_of(user: User) -> Card:
    return Card.objects.create(
        user=user,
        reference=f"pm_{uuid4().hex[:12]}",
        brand="visa",
        last4="4242",
        expires_month=12,
        expires_year=2030,
        is_default=True,
        added_at=NOON,
    )


def driver(name: str = "Marco Tapia", **more) -> Worker:
    worker = factories.WorkerFactory(user=factories.UserFactory(name=name), **more)
    factories.PermitFactory(provider=worker.provider)
    Vehicle.objects.create(worker=worker, make="Kia Rio", colour="Grey", plate=f"LX{worker.pk:04}")
    return worker


def relay_all(at: datetime) -> None:
    while bus.relay(at=at):
        pass
