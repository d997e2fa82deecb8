"""The city that is fuzzed: its people, signed in, and what they may name in a question."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.test import Client

from apps.kernel import clock
from apps.mobility import operations as mobility
from apps.mobility.models import LostItem
from apps.mobility.operations import foreign
from apps.parties import operations as parties
from apps.parties.models import Provider
from apps.payments.models import Card, Customer
from apps.pricing import operations as pricing
from tests import factories, papers, rides
from tests.access import routes, world
from tests.factories import CITY

# Whoever has the most to do at an address asks there more often than others.
AT_HOME = (
    ("/api/v1/driver", "driver"),
    ("/api/v1/payouts", "owner"),
    ("/api/v1/permits", "owner"),
    ("/mds/metrics", "superuser"),
    ("/mds/", "owner"),
    ("/", "citizen"),
)
# What the parts of a question are called, and what they may be: see `City.things`.
PARTS = {
    "query.city": "cities",
    "query.point": "points",
    "query.from": "points",
    "query.to": "points",
    "query.near": "points",
    "body.quote": "quotes",
    "body.quotes.[*]": "quotes",
    "body.card": "cards-card",
    "body.voucher": "vouchers",
    "body.provider": "providers",
    "body.[*].provider_id": "providers",
    "body.[*].device_id": "devices",
    "body.step": "steps",
    "body.vertical": "verticals",
    **{
        f"body.{outer}{inner}": f"{inner}s"
        for outer in ("", "pickup.", "dropoff.", "here.", "stops.[*].")
        for inner in ("lat", "lon")
    },
}

FIRST = UUID("e3e70682-c209-1cac-a29f-6fbed82c07cd")


@dataclass
class Person:
    """Somebody of the city: what they send along to be known, if anything."""

    headers: dict[str, str]
    cookies: dict[str, str]


@dataclass
class City:
    people: dict[str, Person]
    things: dict[str, list[Any]]

    def at_home(self, path: str) -> Person:
        """Whose address it is."""
        return self.people[next(name for begins, name in AT_HOME if path.startswith(begins))]

    def fills(self, path: str) -> dict[str, str]:
        """What may stand in the holes of an address and in its questions, by name."""
        told = dict(PARTS)
        found = (name for begins, name in routes.FILLED_BY if path[1:].startswith(begins))
        source = next(found, "")
        for hole in re.findall(r"{(\w+)}", path):
            name = f"{source}-{hole}" if f"{source}-{hole}" in self.things else hole
            if name in self.things:
                told[f"path.{hole}"] = name
        return told


def build(bank: Any) -> City:
    """The city of the table of permissions, whose people the bank knows; with a ride that is over,
    prices that are fresh, and a car of another app."""
    at = clock.now()
    built = world.build()
    for customer in Customer.objects.select_related("user"):
        known = bank.client().v1.customers.create({"email": customer.user.email})
        Customer.objects.filter(pk=customer.pk).update(reference=known.id)
    citizen = built.people["citizen"]
    here = built.rows["orders.order"][0]
    ana = rides.driver("Ana Vega")
    for kind in papers.KINDS:
        papers.accepted(ana.user, here.city, kind, at=at)
    town = rides.Town(here.city, citizen, Card.objects.get(user=citizen), ana)
    done = town.drive(town.confirm(at - timedelta(minutes=30)), at - timedelta(minutes=25))
    quotes = [town.quote(at).ref for _ in range(4)]
    quotes.append(
        mobility.quote_change(
            order=here, dropoff=rides.FARO, by=citizen.acting(rides.Kind.CONSUMER), at=at
        ).ref
    )
    pricing.issue_voucher(
        city_id=here.city.pk,
        code="FERIA",
        terms={
            "flat_minor": 300,
            "budget_minor": 10_000,
            "uses_most": 10,
            "uses_each": 10,
            "valid": factories.FOR_GOOD,
            "reason": "the fair",
        },
        by=CITY,
        at=at,
    )
    fleet = built.rows["parties.provider"][0]
    # Where a UUID may stand, schemathesis writes this one first.
    Provider.objects.filter(pk=fleet.pk).update(ref=FIRST)
    mobility.report_lost(
        order_id=done.pk,
        what="A phone",
        place=LostItem.Place.values[0],
        may_call=True,
        by=citizen.acting(rides.Kind.CONSUMER),
        at=at,
    )
    car = foreign.Car(
        provider_id=fleet.pk,
        device=uuid4(),
        plate="AB1234",
        vehicle_type="car",
        propulsion=["electric"],
        is_accessible=False,
    )
    mobility.register_foreign(city_id=here.city.pk, cars=[car], by=CITY, at=at)
    things: dict[str, list[Any]] = {
        f"{source}-{hole}": list(values)
        for source, holes in built.things.items()
        for hole, values in holes.items()
    }
    things["orders-ref"].append(done.ref)
    things |= {
        "slug": [here.city.slug],
        "cities": [here.city.slug],
        "stream": ["audit", "looks", "decisions"],
        "row_id": [1, 2, 3],
        "points": ["-29.9027,-71.2520", "-29.9057,-71.2740"],
        "lats": [-29.9027, -29.9057, -29.9110],
        "lons": [-71.2520, -71.2740, -71.2580],
        "quotes": quotes,
        "vouchers": ["", "FERIA"],
        "providers": [FIRST],
        "devices": [car.device],
        "device_id": [car.device],
        "steps": ["cancel", "arrive", "board", "drop_off"],
        "verticals": ["mobility"],
    }
    people = {
        name: _by_token(built.people[name], at)
        for name in ("citizen", "driver", "owner", "superuser")
    }
    people |= {
        "session": _by_session(citizen),
        "stranger": _by_token(factories.UserFactory(), at),
        "nobody": Person({}, {}),
    }
    return City(
        people,
        {
            name: [one if isinstance(one, int | float) else str(one) for one in values]
            for name, values in things.items()
        },
    )


def _by_token(user: Any, at: Any) -> Person:
    _token, secret = parties.issue_token(
        user_id=user.pk, name="fuzz", expires_at=None, by=CITY, at=at
    )
    return Person({"Authorization": f"Bearer {secret}"}, {})


def _by_session(user: Any) -> Person:
    client, word = Client(), "c" * 32
    client.force_login(user)
    cookies = {"sessionid": client.cookies["sessionid"].value, "csrftoken": word}
    return Person({"X-CSRFToken": word}, cookies)
