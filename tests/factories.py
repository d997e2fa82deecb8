"""People, providers and what they need, for the tests of every app."""

from datetime import UTC, datetime, timedelta

import factory
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.kernel.actors import Actor, Kind
from apps.listings.models import Listing
from apps.parties.models import Consumer, Membership, Provider, User, Worker
from apps.places.geometry import cells_covering
from apps.places.models import City, Zone
from apps.pricing.models import Tariff
from apps.regulation.models import Permit

NOON = datetime(2027, 5, 1, 12, tzinfo=UTC)
SOON = NOON + timedelta(minutes=15)
FOR_GOOD = DateTimeTZRange(datetime(2026, 1, 1, tzinfo=UTC), None)

ADA = Actor(Kind.CONSUMER, "1")
HOST = Actor(Kind.PROVIDER, "2")
DRIVER = Actor(Kind.WORKER, "3")
OFFICER = Actor(Kind.OFFICER, "4")
CITY = Actor(Kind.SYSTEM, "tests")

# La Serena and Coquimbo, as a box.
WEST, SOUTH, EAST, NORTH = -71.37, -30.09, -71.15, -29.82


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence("person{}@example.org".format)
    name = factory.Sequence("Person Number {}".format)

    @classmethod
    def _create(cls, model_class, *args, password=None, **kwargs):
        """As people come into being: through the manager, with a password only if one is asked."""
        return model_class.objects.create_user(*args, password=password, **kwargs)


class ConsumerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Consumer

    user = factory.SubFactory(UserFactory)


class ProviderFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Provider

    name = factory.Sequence("Provider {}".format)


class MembershipFactory(factory.django.DjangoModelFactory):
    """A bare row.  Whoever wants the grants that follow from a role calls `parties.add_member`."""

    class Meta:
        model = Membership

    provider = factory.SubFactory(ProviderFactory)
    user = factory.SubFactory(UserFactory)
    role = Membership.Role.OWNER


class WorkerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Worker

    provider = factory.SubFactory(ProviderFactory)
    user = factory.SubFactory(UserFactory)


class CityFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = City
        django_get_or_create = ("slug",)

    slug = "la-serena"
    name = "La Serena"
    timezone = "America/Santiago"
    currency = "CLP"
    locale = "es-CL"
    boundary = factory.LazyFunction(
        lambda: {
            "type": "MultiPolygon",
            "coordinates": [
                [[[WEST, SOUTH], [EAST, SOUTH], [EAST, NORTH], [WEST, NORTH], [WEST, SOUTH]]]
            ],
        }
    )
    drawn_at = datetime(2026, 1, 1, tzinfo=UTC)
    centre_lat = -29.9027
    centre_lon = -71.2520


# Around the Plaza de Armas, some blocks wide.
CENTRE = [[-71.256, -29.907], [-71.246, -29.907], [-71.246, -29.898], [-71.256, -29.898]]


class ZoneFactory(factory.django.DjangoModelFactory):
    """A zone of the city; the town's centre, unless a boundary is given."""

    class Meta:
        model = Zone

    city = factory.SubFactory(CityFactory)
    slug = "centre"
    name = factory.LazyAttribute(lambda zone: zone.slug.capitalize())
    drawn_at = datetime(2026, 1, 1, tzinfo=UTC)
    boundary = {"type": "MultiPolygon", "coordinates": [[[*CENTRE, CENTRE[0]]]]}
    cells = factory.LazyAttribute(lambda zone: cells_covering(zone.boundary))


class ListingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Listing

    provider = factory.SubFactory(ProviderFactory)
    city = factory.SubFactory(CityFactory)
    vertical = "mobility"
    kind = "standard"
    title = "Standard"
    state = Listing.State.LIVE


class PermitFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Permit

    provider = factory.SubFactory(ProviderFactory)
    vertical = "mobility"
    number = factory.Sequence("CITY-{:05}".format)
    valid = FOR_GOOD


class TariffFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Tariff

    city = factory.SubFactory(CityFactory)
    vertical = "mobility"
    kind = "standard"
    number = "2026-1"
    start_minor = 400
    per_km_minor = 700
    per_minute_minor = 100
    minimum_minor = 1500
    platform_bp = 1000
    city_fee_minor = 100
    vat_bp = 1900
    cancel_fee_minor = 1000
    valid = FOR_GOOD


def permitted(listing):
    """Give the listing's provider leave to offer it."""
    PermitFactory(provider=listing.provider, vertical=listing.vertical)
    return listing


def zone(city, slug="airport"):
    """A zone over the whole city."""
    return Zone.objects.create(
        city=city, slug=slug, name=slug.title(), boundary=city.boundary, cells=[]
    )
