"""People: how they are called, what they need, and in which language they read."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.parties.models import Consumer, User
from apps.parties.operations.complaints import NoSuchPerson


@transaction.atomic
def sign_up(*, user_id: int, by: Actor, at: datetime) -> Consumer:
    """Welcome a person who made an account: from now on they can order.  Twice is harmless."""
    require_person(user_id)
    consumer, is_new = Consumer.objects.get_or_create(user_id=user_id)
    if is_new:
        bus.publish("parties.signed_up", by=by, at=at, user=user_id)
    return consumer


@transaction.atomic
def choose_language(*, user_id: int, language: str, by: Actor, at: datetime) -> None:
    """Speak and write to a person in this language from now on.  Twice is harmless.

    Raises `NoSuchPerson`, and `ValueError` for a language that the city does not know.
    """
    if language not in dict(User._meta.get_field("language").flatchoices):
        raise ValueError(f"the city does not speak {language!r}")
    require_person(user_id)
    others = User.objects.filter(pk=user_id).exclude(language=language)
    if others.update(language=language):
        bus.publish("parties.language_chosen", by=by, at=at, user=user_id, language=language)


@transaction.atomic
def change_person(
    *,
    user_id: int,
    name: str,
    phone: str,
    language: str,
    needs: Iterable[str],
    by: Actor,
    at: datetime,
) -> None:
    """Write down what a person says of themself: what they are called, and what they need.

    Raises `NoSuchPerson`, and `ValueError` for a need or a language that the city does not know.
    """
    needs = sorted({Consumer.Need(need).value for need in needs})
    if language not in dict(User._meta.get_field("language").flatchoices):
        raise ValueError(f"the city does not speak {language!r}")
    people = User.objects.filter(pk=user_id)
    if not people.update(name=name, phone=phone, language=language):
        raise NoSuchPerson(str(user_id))
    Consumer.objects.update_or_create(user_id=user_id, defaults={"needs": needs})
    bus.publish("parties.person_changed", by=by, at=at, user=user_id)


@transaction.atomic
def remember_needs(*, user_id: int, needs: Iterable[str], by: Actor, at: datetime) -> None:
    """Keep what a person needs, so that it is asked only once.  The same again changes nothing.

    Raises `NoSuchPerson`, and `ValueError` for a need that the city does not know.
    """
    known = sorted({Consumer.Need(need).value for need in needs})
    require_person(user_id)
    consumer, is_new = Consumer.objects.get_or_create(user_id=user_id, defaults={"needs": known})
    if is_new or consumer.needs != known:
        Consumer.objects.filter(pk=consumer.pk).update(needs=known)
        bus.publish("parties.person_changed", by=by, at=at, user=user_id)


@transaction.atomic
def name_person(*, user_id: int, name: str, phone: str, by: Actor, at: datetime) -> None:
    """Write down how a person is called and reached.  The same again changes nothing.

    Raises `NoSuchPerson`.
    """
    require_person(user_id)
    other = User.objects.filter(pk=user_id).exclude(name=name, phone=phone)
    if other.update(name=name, phone=phone):
        bus.publish("parties.person_changed", by=by, at=at, user=user_id)


def require_person(user_id: int) -> None:
    if not User.objects.filter(pk=user_id).exists():
        raise NoSuchPerson(str(user_id))
