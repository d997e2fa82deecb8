"""Cards: kept by the gateway, known to us by their last four digits.

Adding one leads over the gateway's own page, so that no card number ever passes through the city.
"""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.parties.models import User
from apps.payments.gateway import CardFacts, Gateway
from apps.payments.models import Card, Customer
from apps.payments.operations import NoSuchCard

__all__ = ["NoSuchCard", "keep", "make_default", "note_forgotten", "page_to_add", "remove"]


def page_to_add(gateway: Gateway, *, user: User, back: str, given_up: str, currency: str) -> str:
    """The address of the gateway's page on which a person types their card.

    Asks the gateway, so it holds no transaction; a person becomes its customer at most once,
    because their key is their own number.
    """
    customer = Customer.objects.filter(user=user).first()
    if customer is None:
        key = str(UUID(int=user.pk))
        reference = gateway.open_customer(email=user.email, name=user.name, key=key)
        customer, _ = Customer.objects.get_or_create(user=user, defaults={"reference": reference})
    return gateway.add_card(
        customer=customer.reference, back=back, given_up=given_up, currency=currency
    )


@transaction.atomic
def keep(*, user_id: int, facts: CardFacts, by: Actor, at: datetime) -> Card:
    """Note a card that its owner has added.  The first is the default; twice is harmless.

    Raises `NoSuchCard` when the gateway says that it is somebody else's.
    """
    if not Customer.objects.filter(user=user_id, reference=facts.customer).exists():
        raise NoSuchCard(facts.reference)
    has_one = Card.objects.filter(user=user_id, is_default=True, removed_at=None).exists()
    told = {
        "brand": facts.brand,
        "last4": facts.last4,
        "expires_month": facts.expires_month,
        "expires_year": facts.expires_year,
        "is_default": not has_one,
        "added_at": at,
    }
    try:
        with transaction.atomic():
            card, is_new = Card.objects.get_or_create(
                user_id=user_id, reference=facts.reference, defaults=told
            )
    except IntegrityError:
        # Two cards came in at the same moment: the other one is the default.
        card, is_new = Card.objects.get_or_create(
            user_id=user_id, reference=facts.reference, defaults={**told, "is_default": False}
        )
    if is_new:
        bus.publish("payments.card_kept", by=by, at=at, card=card.pk, user=user_id)
    return card


@transaction.atomic
def make_default(*, card_id: int, user_id: int, by: Actor, at: datetime) -> Card:
    """Use this card unless another is chosen.  Raises `NoSuchCard`."""
    # The person's row is the lock: two defaults at once wait for each other.
    User.objects.select_for_update(no_key=True).get(pk=user_id)
    mine = Card.objects.filter(user=user_id, removed_at=None)
    card = mine.filter(pk=card_id).first()
    if card is None:
        raise NoSuchCard(str(card_id))
    if not card.is_default:
        mine.filter(is_default=True).update(is_default=False)
        mine.filter(pk=card_id).update(is_default=True)
        card.is_default = True
        bus.publish("payments.card_preferred", by=by, at=at, card=card_id, user=user_id)
    return card


@transaction.atomic
def remove(*, card_id: int, user_id: int, by: Actor, at: datetime) -> None:
    """Take a card off the list.  What it was promised for is still paid with it.

    A task has the gateway forget it.  Twice is harmless.  Raises `NoSuchCard`.
    """
    User.objects.select_for_update(no_key=True).get(pk=user_id)
    mine = Card.objects.filter(user=user_id)
    if not mine.filter(pk=card_id).exists():
        raise NoSuchCard(str(card_id))
    if mine.filter(pk=card_id, removed_at=None).update(removed_at=at, is_default=False):
        rest = mine.filter(removed_at=None)
        newest = rest.order_by("-is_default", "-added_at").first()
        if newest is not None:
            rest.filter(pk=newest.pk).update(is_default=True)
        bus.publish("payments.card_removed", by=by, at=at, card=card_id, user=user_id)


@transaction.atomic
def note_forgotten(*, card_id: int, by: Actor, at: datetime) -> None:
    """The gateway has forgotten a removed card.  Noting it twice is harmless."""
    removed = Card.objects.filter(pk=card_id, removed_at__isnull=False, forgotten_at=None)
    if removed.update(forgotten_at=at):
        bus.publish("payments.card_forgotten", by=by, at=at, card=card_id)
