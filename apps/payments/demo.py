"""The demo's citizens have a card each, kept by the sandbox bank; the city takes cash, too."""

from apps.kernel.actors import Kind
from apps.parties.models import User
from apps.payments import cards, gateway
from apps.payments.gateway import CardFacts, StripeGateway
from apps.payments.models import Customer
from apps.payments.queries import cards_of
from apps.places import operations as places
from apps.places.demo import Demo

CITIZENS = ("camila@", "andres@")


def seed(demo: Demo) -> None:
    """Give each citizen a test card, as if they had typed it on the bank's page."""
    places.choose_cash(city_id=demo.city.pk, takes_cash=True, by=demo.by, at=demo.at)
    bank = gateway.ours()
    assert isinstance(bank, StripeGateway)
    for email in demo.known():
        user = User.objects.get(email=email)
        if not email.startswith(CITIZENS) or cards_of(user).exists():
            continue
        reference = bank.open_customer(email=email, name=user.name, key=f"demo-{user.pk}")
        customer, _ = Customer.objects.get_or_create(user=user, defaults={"reference": reference})
        kept = bank.stripe.v1.payment_methods.attach(
            "pm_card_visa", {"customer": customer.reference}
        )
        assert kept.card is not None
        facts = CardFacts(
            reference=kept.id,
            customer=customer.reference,
            brand=kept.card.brand,
            last4=str(kept.card.last4),
            expires_month=kept.card.exp_month,
            expires_year=kept.card.exp_year,
        )
        cards.keep(user_id=user.pk, facts=facts, by=user.acting(Kind.CONSUMER), at=demo.at)
