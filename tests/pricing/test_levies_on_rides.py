"""A tax of the city on rides: in the price, on the receipt, and in the accounts of who gets it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from apps.kernel.money import share_of
from apps.payments.models import Attempt, Payment
from apps.places import geometry
from apps.places.models import Zone
from apps.pricing.levies import Kind, Per, Rule, Share
from apps.pricing.models import Payee
from tests import factories, rides
from tests import levies as levies_in_force
from tests.factories import NOON

pytestmark = pytest.mark.django_db

KERB = Rule(
    number="K-1",
    code="airport_kerb",
    name="Airport kerb",
    vertical="mobility",
    zone="faro",
    shares=(Share(Payee.CITY, "airport", 2), Share(Payee.TAX, "region", 1)),
    kind=Kind.AMOUNT,
    rate=200,
    per=Per.RIDE,
    begins=datetime(2027, 1, 1, tzinfo=UTC),
)


@pytest.fixture
def town(db):
    town = rides.town()
    faro = factories.zone(town.city, "faro")
    Zone.objects.filter(pk=faro.pk).update(cells=[geometry.cell(rides.FARO.point)])
    return town


def put(town, rule: Rule = KERB) -> None:
    levies_in_force.put(town.city, rule)


def levied(quote) -> list[tuple[str, str, int]]:
    return [(line.rule, line.beneficiary, line.amount) for line in quote.price if line.name]


def test_a_ride_that_ends_in_the_zone_pays_and_the_price_is_frozen_with_it(town):
    before = town.quote()
    put(town)

    quote = town.quote()

    assert levied(before) == []
    assert levied(quote) == [("K-1", "airport", 133), ("K-1", "region", 67)]
    assert quote.total_minor == before.total_minor + 200
    assert quote.part_of(Payee.PROVIDER) == before.part_of(Payee.PROVIDER)


def test_a_ride_elsewhere_pays_nothing(town):
    put(town)
    Zone.objects.update(cells=[])

    assert levied(town.quote()) == []


def test_the_hour_of_the_ride_counts_and_not_the_hour_of_the_question(town):
    # Noon in London is eight in the morning in La Serena.
    put(town, replace(KERB, hour_from=10, hour_until=12))

    assert levied(town.quote()) == []
    later = town.quote(pickup_at=NOON + timedelta(hours=3))
    assert [rule for rule, *_ in levied(later)] == ["K-1", "K-1"]


def test_a_share_is_of_what_the_ride_costs(town):
    rule = {"kind": Kind.PERCENT, "rate": 300, "base": ("start", "distance"), "zone": ""}
    put(town, replace(KERB, **rule))

    quote = town.quote()

    counted = sum(line.amount for line in quote.price if line.code in ("start", "distance"))
    assert sum(amount for *_, amount in levied(quote)) == share_of(counted, 300)


def test_what_the_tariff_names_itself_is_not_asked_twice(town):
    put(town, replace(KERB, code="city_fee", zone=""))

    assert [line.amount for line in town.quote().price if line.code == "city_fee"] == [150]


def test_everybody_gets_their_part_and_the_parts_are_the_whole(town):
    put(town)
    order = town.confirm()
    Payment.objects.update(state=Payment.State.AUTHORISED, reference="pi_1")
    Attempt.objects.update(answered_at=NOON, succeeded=True)

    order = town.drive(order)

    rides.relay_all(NOON + timedelta(hours=1))
    split = dict(map(tuple, Attempt.objects.get(kind=Attempt.Kind.CAPTURE).split))
    assert sum(split.values()) == order.charged_minor == order.total_minor
    assert split["city:la-serena:airport"] == 133
    assert split["tax:la-serena:region"] == 67
    assert split["city:la-serena:fees"] == 150
    # What the driver gets is not touched by it.
    assert split[f"provider:{order.provider_id}:payable"] == order.quote.part_of(Payee.PROVIDER)


def test_the_receipt_says_why(town, client):
    put(town)
    order = town.drive(town.confirm())
    client.force_login(town.rider)

    page = client.get(f"/orders/{order.ref}/").content.decode()

    assert "Airport kerb, airport" in page
    assert "Airport kerb, region" in page
    assert "of which 2 of 3 parts" in page
