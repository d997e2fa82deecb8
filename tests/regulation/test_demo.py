"""The demo's rules: made by two officers as any others are, and gentle to the demo's prices."""

import pytest
from django.contrib.auth import authenticate

from apps.kernel import clock
from apps.mobility import demo as rides_demo
from apps.mobility import operations as mobility
from apps.places import demo as people
from apps.places.demo import Demo
from apps.places.models import Zone
from apps.pricing import demo as taxes
from apps.pricing.models import Levy
from apps.regulation import demo, in_force, rulebook
from apps.regulation import queries_applications as applications
from apps.regulation import queries_cases as cases
from apps.regulation.models import Application, CaseFile, Policy, PolicyVersion
from apps.regulation.rulebook import Standing
from tests import rides
from tests.factories import CITY, CityFactory, ZoneFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    city, at = CityFactory(), clock.now()
    ZoneFactory(slug="centro-de-la-serena", name="Centro de La Serena")
    for _ in range(2):
        start = Demo(city=city, at=at, people_file=tmp_path / "people.json")
        people.seed(start)
        demo.seed(start)
        taxes.seed(start)
    in_force.forget()
    return Demo(city=city, at=at, people_file=tmp_path / "people.json")


def test_two_officers_made_the_rules_and_one_of_them_waits(seeded):
    entries = rulebook.entries(Policy.objects.order_by("pk"), seeded.at)

    # Without a map of the streets there is none along a street.
    assert [(one.policy.number, one.shown.version.kind, one.shown.standing) for one in entries] == [
        ("P-1", "price", Standing.IN_FORCE),
        ("P-2", "commission", Standing.IN_FORCE),
        ("P-3", "pay", Standing.IN_FORCE),
        ("P-4", "fee", Standing.IN_FORCE),
        ("P-5", "fee", Standing.PROPOSED),
    ]
    hands = set(PolicyVersion.objects.values_list("drafted_by__name", "decided_by__name"))
    assert hands == {("Valentina Soto", "Francisca Vidal"), ("Valentina Soto", None)}
    assert set(Zone.objects.values_list("name", flat=True)) == {
        "Aeropuerto La Florida",
        "Centro de La Serena",
    }


def test_they_change_no_price_of_the_way_that_the_demo_shows(seeded):
    rides_demo.seed(seeded)

    quotes = mobility.quote_trip(
        city=seeded.city, pickup=rides.PLAZA, dropoff=rides.FARO, consumer_id=None, by=CITY,
        at=seeded.at,
    )  # fmt: skip

    rules = {line.rule for quote in quotes for line in quote.price}
    assert not [rule for rule in rules if rule.startswith("P-")]


def test_applications_stand_at_every_step_and_the_office_has_work(seeded):
    said = {
        made.case.provider.name: (
            made.case.state,
            made.case.outcome,
            applications.progress_of(made).lacks,
        )
        for made in Application.objects.select_related("case__provider", "terms")
    }
    assert said == {
        "Radiotaxis Tapia": ("OPEN", "", ["documents", "fee", "inspection"]),
        "Furgones del Valle": ("ASKED", "", ["documents", "fee", "inspection"]),
        "Hostal El Faro": ("TAKEN", "", ["fee"]),
        "Transportes Peñuelas": ("TAKEN", "", ["inspection"]),
        "Casa Recova": ("CLOSED", "granted", []),
        "Carro La Papaya": ("CLOSED", "refused", ["inspection"]),
    }
    assert CaseFile.objects.filter(kind="appeal", about_kind="case").count() == 1
    clerk = CaseFile.objects.filter(owner__name="Javiera Bravo").first().owner
    assert CaseFile.objects.filter(cases.owned_by(clerk.pk)).count() == 5
    assert CaseFile.objects.filter(cases.unowned()).count() == 3
    assert [one.title for one in CaseFile.objects.filter(cases.overdue(seeded.at))] == [
        "Ruido toda la noche"
    ]
    (levy,) = Levy.objects.all()
    assert (levy.state, levy.proposed_by.name) == ("PROPOSED", "Rodrigo Pinto")


def test_the_people_of_the_demo_sign_in_and_are_hashed_like_others_then(settings, seeded):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    seeded.people_file.unlink()
    user = seeded.person("Lorena Tapia", "permit applicant")
    password = seeded.known()[user.email]["password"]
    assert user.password.startswith("pbkdf2_sha256$1000$")
    before = user.password
    assert seeded.person("Lorena Tapia", "permit applicant").password == before
    assert authenticate(email=user.email, password=password) == user
    user.refresh_from_db()
    assert user.password.startswith("scrypt$")
    assert authenticate(email=user.email, password="another") is None
