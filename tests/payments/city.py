"""People with cards at a real sandbox bank, for the tests of payments and settlement."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from apps.bus import operations as bus
from apps.kernel import clock
from apps.kernel.actors import Actor
from apps.kernel.money import Money
from apps.ledger import queries as books
from apps.parties.models import Provider, User
from apps.payments import cards, operations
from apps.payments.gateway import CardFacts, StripeGateway
from apps.payments.models import Attempt, Card, Customer, Payment
from tests.factories import CITY, CityFactory, ProviderFactory, UserFactory
from tests.sandbox.bank import Bank

# A ride of CLP 2,450, as its quote froze it.
FARE = 2450
CLEARING = "clearing:cards"


def split_of(provider: Provider) -> list[tuple[str, int]]:
    return [
        (f"provider:{provider.pk}:payable", 2208),
        ("platform:fees", 77),
        ("tax:la-serena:vat", 15),
        ("city:la-serena:fees", 150),
    ]


@dataclass
class Town:
    """A city whose payments go to a sandbox bank; nothing happens until somebody relays."""

    bank: Bank
    provider: Provider
    rider: User
    card: Card
    by: Actor = CITY

    def card_like(self, method: str) -> Card:
        """Another of the rider's cards, by the name of the bank's test card."""
        api = self.bank.client()
        customer = Customer.objects.get(user=self.rider)
        kept = api.v1.payment_methods.attach(method, {"customer": customer.reference})
        return self.keep(kept, customer.reference)

    def keep(self, kept, customer: str) -> Card:
        return cards.keep(
            user_id=self.rider.pk,
            facts=CardFacts(
                reference=kept.id,
                customer=customer,
                brand=kept.card.brand,
                last4=kept.card.last4,
                expires_month=kept.card.exp_month,
                expires_year=kept.card.exp_year,
            ),
            by=self.by,
            at=clock.now(),
        )

    def open(self, minor: int = FARE, card: Card | None = None, holder: UUID | None = None):
        return operations.open(
            holder=holder or uuid4(),
            payer_id=self.rider.pk,
            card_id=(card or self.card).pk,
            amount=Money(minor, "CLP"),
            by=self.by,
            at=clock.now(),
        )

    def authorised(self, **more) -> Payment:
        payment = self.open(**more)
        relay()
        return fresh(payment)

    def captured(self) -> Payment:
        payment = self.authorised()
        self.capture(payment)
        relay()
        return fresh(payment)

    def capture(self, payment: Payment, minor: int = FARE, split=None, about: UUID | None = None):
        return operations.capture(
            holder=payment.holder,
            amount_minor=minor,
            split=split_of(self.provider) if split is None else split,
            about=about,
            by=self.by,
            at=clock.now(),
        )

    def cancel(self, payment: Payment):
        return operations.cancel(holder=payment.holder, by=self.by, at=clock.now())

    def refund(self, payment: Payment, minor: int, split=None, key: UUID | None = None):
        return operations.refund(
            holder=payment.holder,
            amount_minor=minor,
            split=split or [(f"provider:{self.provider.pk}:payable", minor)],
            about=None,
            key=key,
            by=self.by,
            at=clock.now(),
        )

    def intents(self):
        """What the bank knows, oldest first."""
        customer = Customer.objects.get(user=self.rider)
        found = self.bank.client().v1.payment_intents.list({"customer": customer.reference})
        return found.data[::-1]


def town(bank: Bank) -> Town:
    CityFactory()
    rider = UserFactory(name="Camila Rojas")
    gateway = StripeGateway(bank.env["STRIPE_API_KEY"], bank.url)
    reference = gateway.open_customer(email=rider.email, name=rider.name, key=str(uuid4()))
    Customer.objects.create(user=rider, reference=reference)
    it = Town(bank, ProviderFactory(name="Marco Tapia"), rider, card=Card())
    it.card = it.card_like("pm_card_visa")
    return it


def relay() -> None:
    """Deliver everything, and what follows from it, until nobody has anything to say."""
    while bus.relay(at=clock.now()):
        pass


def fresh(payment: Payment) -> Payment:
    return Payment.objects.get(pk=payment.pk)


def balances() -> dict[str, int]:
    """Every account that is not empty."""
    return {code: minor for code, minor in books.trial_balance().get("CLP", {}).items() if minor}


def only_attempt(payment: Payment, kind: str) -> Attempt:
    return payment.attempts.get(kind=kind)
