"""Questions about cards and payments."""

from django.db.models import QuerySet

from apps.parties.models import User
from apps.payments.models import Card
from apps.places.models import City


def cards_of(user: User) -> QuerySet[Card]:
    """A person's cards, the one that is used unless another is chosen first."""
    return Card.objects.filter(user=user, removed_at=None).order_by("-is_default", "-added_at")


def country(currency: str) -> str:
    """The country, as two letters, of a city that uses this currency."""
    locale = City.objects.filter(currency=currency).values_list("locale", flat=True).first()
    return (locale or "")[-2:].upper()
