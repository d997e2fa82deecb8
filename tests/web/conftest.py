from datetime import UTC, datetime

import pytest
from django.core.cache import cache

from apps.parties.models import Consumer, User
from apps.places.models import City, Place

EDGE = {
    "type": "MultiPolygon",
    "coordinates": [
        [[[-71.4, -30.1], [-71.1, -30.1], [-71.1, -29.8], [-71.4, -29.8], [-71.4, -30.1]]]
    ],
}


@pytest.fixture(autouse=True)
def nobody_remembers_the_city_of_another_test() -> None:
    cache.clear()


@pytest.fixture
def city(db) -> City:
    city = City.objects.create(
        slug="la-serena",
        name="La Serena",
        timezone="America/Santiago",
        currency="CLP",
        locale="es-CL",
        boundary=EDGE,
        centre_lat=-29.9027,
        centre_lon=-71.2519,
    )
    for name, detail, lat, lon in (
        ("Faro Monumental", "Avenida del Mar", -29.9061, -71.2743),
        ("La Recova", "Cantournet", -29.9001, -71.2447),
        ("Plaza de Armas", "Cordovez", -29.9027, -71.2519),
    ):
        Place.objects.create(
            city=city,
            kind="LANDMARK",
            name=name,
            detail=detail,
            search=name.lower(),
            lat=lat,
            lon=lon,
        )
    return city


@pytest.fixture
def camila(db) -> User:
    user = User.objects.create_user("camila@example.org", "a long password", name="Camila Rojas")
    Consumer.objects.create(user=user, needs=["STEP_FREE"])
    return user


@pytest.fixture
def noon() -> datetime:
    return datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
