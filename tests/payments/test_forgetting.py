"""A card taken off the list is forgotten by the gateway, too."""

import pytest

from apps.bus.models import Event
from apps.kernel import clock
from apps.payments import cards, tasks
from apps.payments.models import Card
from tests.payments.city import fresh, relay

pytestmark = pytest.mark.django_db(transaction=True)


def remove(town):
    cards.remove(card_id=town.card.pk, user_id=town.rider.pk, by=town.by, at=clock.now())


def known(town) -> bool:
    method = town.bank.client().v1.payment_methods.retrieve(town.card.reference)
    return method.customer is not None


def test_a_removed_card_is_forgotten_once(town):
    remove(town)
    relay()

    assert not known(town)
    assert Card.objects.get(pk=town.card.pk).forgotten_at is not None
    tasks.forget_card(card_id=town.card.pk)
    cards.note_forgotten(card_id=town.card.pk, by=town.by, at=clock.now())
    assert Event.objects.filter(topic="payments.card_forgotten").count() == 1


def test_one_forgotten_before_we_could_note_it_is_noted(town):
    town.bank.client().v1.payment_methods.detach(town.card.reference)

    remove(town)
    relay()

    assert Card.objects.get(pk=town.card.pk).forgotten_at is not None


def test_while_nobody_answers_the_sweep_goes_on_trying(town, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    remove(town)
    relay()
    assert Card.objects.get(pk=town.card.pk).forgotten_at is None

    settings.STRIPE_API_BASE = town.bank.url
    tasks.forget_removed_cards()

    assert Card.objects.get(pk=town.card.pk).forgotten_at is not None
    assert not known(town)


def test_a_payment_on_its_way_to_the_bank_keeps_the_card_until_it_is_there(town):
    payment = town.open()
    remove(town)
    tasks.forget_card(card_id=town.card.pk)
    assert known(town)

    relay()
    tasks.forget_removed_cards()

    assert fresh(payment).state == "AUTHORISED"
    assert not known(town)
    town.capture(payment)
    relay()
    assert fresh(payment).state == "CAPTURED"


def test_a_card_on_the_list_stays_known(town):
    tasks.forget_card(card_id=town.card.pk)

    assert known(town)
