"""The demo's citizens have a card each, kept by the sandbox bank."""

from concurrent.futures import ThreadPoolExecutor

from django.db import transaction

from apps.kernel.actors import Kind
from apps.parties.models import User
from apps.payments import cards, gateway
from apps.payments.gateway import CardFacts, StripeGateway
from apps.payments.models import Customer
from apps.payments.queries import cards_of
from apps.places.demo import Demo
from apps.places.demo.crowd import Crowd

CITIZENS = ("camila@", "andres@")
# How many of the crowd stand at the bank's counter at once.
AT_THE_COUNTER = 8


def seed(demo: Demo) -> None:
    """Give each citizen a test card, as if they had typed it on the bank's page."""
    for email in demo.known():
        user = User.objects.get(email=email)
        if email.startswith(CITIZENS) and not cards_of(user).exists():
            _keep(demo, user, _card_for(user))


def join(demo: Demo, crowd: Crowd) -> None:
    """Give each rider of the crowd a test card.  Many wait for the bank at the same time."""
    without = [user for user in crowd.riding if not cards_of(user).exists()]
    with ThreadPoolExecutor(AT_THE_COUNTER) as counter:
        made = list(counter.map(_card_for, without))
    with transaction.atomic():
        for user, facts in zip(without, made, strict=True):
            _keep(demo, user, facts)


def _card_for(user: User) -> CardFacts:
    """A card at the bank, for a person who becomes its customer.  Touches no table."""
    bank = gateway.ours()
    assert isinstance(bank, StripeGateway)
    customer = bank.open_customer(email=user.email, name=user.name, key=f"demo-{user.pk}")
    kept = bank.stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    assert kept.card is not None
    return CardFacts(
        reference=kept.id,
        customer=customer,
        brand=kept.card.brand,
        last4=str(kept.card.last4),
        expires_month=kept.card.exp_month,
        expires_year=kept.card.exp_year,
    )


def _keep(demo: Demo, user: User, facts: CardFacts) -> None:
    Customer.objects.get_or_create(user=user, defaults={"reference": facts.customer})
    cards.keep(user_id=user.pk, facts=facts, by=user.acting(Kind.CONSUMER), at=demo.at)
