"""What the demo shows of rides: a desk, two fleets, seven drivers, three classes, one tariff."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction
from django.utils.translation import gettext_noop as _

from apps.kernel.actors import Actor
from apps.listings import operations as listings
from apps.listings.models import Listing
from apps.mobility.models import Vehicle
from apps.mobility.operations import VERTICAL
from apps.parties.models import Provider, User
from apps.places.demo import Demo
from apps.places.demo.crowd import Crowd
from apps.pricing import operations as pricing
from apps.pricing.models import Tariff
from apps.regulation import operations as regulation
from apps.regulation import scans
from apps.regulation.demo_cases import specimen
from apps.regulation.models import Paper, Permit, Requirement

# Kept in English; a page that shows a title puts it into the reader's language.
CLASSES = {
    "standard": (_("Car"), _("Four seats.")),
    "accessible": (_("Accessible"), _("A ramp, and room for a wheelchair and two more.")),
    "large": (_("Large"), _("Six seats.")),
}
# name, language, fleet, seats, abilities, car, colour, plate
DRIVERS = [
    ("Marco Tapia", "es", 0, 4, [], "Kia Rio", "Grey", "LXTR42"),
    ("Rosa Pizarro", "en", 0, 4, [], "Toyota Yaris", "White", "KJHP18"),
    ("Luis Araya", "es", 0, 6, ["large"], "Hyundai H-1", "Blue", "PWCX73"),
    ("Elena Cortés", "es", 1, 3, ["accessible"], "Peugeot Partner", "White", "RTGB55"),
    ("Tomás Godoy", "es", 1, 4, [], "Nissan Versa", "Red", "HHSL09"),
    ("Paula Rivera", "en", 1, 4, [], "Chevrolet Sail", "Silver", "GKVD31"),
    ("Ignacio Díaz", "es", 1, 6, ["large", "accessible"], "Ford Transit", "White", "SDFK64"),
]
# Kept in English, too: which papers the city asks of drivers.
PAPERS = {
    "licence": (_("Driving licence"), _("Professional class, both sides on one picture.")),
    "registration": (_("Vehicle registration"), _("Of the car that you drive here.")),
    "insurance": (_("Insurance"), _("The policy that covers riders, with its last day.")),
    "record": (_("Police record"), _("For special purposes, not older than a year.")),
}
# How many days the papers of the demo still hold; one driver's insurance runs out soon.
HOLDS = {"licence": 900, "registration": 300, "insurance": 200, "record": 250}
SOON = {("LXTR42", "insurance"): 6}
FLEETS = ("Cooperativa Elqui", "Taxis del Faro")
# seats, abilities, car: what the crowd drives, one kind after another
CARS = [
    (4, [], "Hyundai Accent"),
    (4, [], "Suzuki Swift"),
    (4, [], "Kia Morning"),
    (4, [], "Toyota Corolla"),
    (6, ["large"], "Kia Carnival"),
    (4, [], "Chevrolet Sail"),
    (3, ["accessible"], "Citroën Berlingo"),
    (4, [], "Nissan Versa"),
]
COLOURS = ("White", "Grey", "Silver", "Red", "Blue", "Black")
TARIFF = {
    "start_minor": 600,
    "per_km_minor": 480,
    "per_minute_minor": 60,
    "minimum_minor": 1_400,
    "platform_bp": 350,
    "city_fee_minor": 150,
    "vat_bp": 1_900,
    "cancel_fee_minor": 700,
    # Twice the fare at most; the demo's rule P-1 says one and a half times.
    "surge_most_bp": 20_000,
}


@transaction.atomic
def seed(demo: Demo) -> None:
    desk = demo.provider("Mesa de Movilidad", demo.person("Gabriela Muñoz", "mobility desk"))
    fleets = [
        demo.provider(FLEETS[0], demo.person("Pedro Salinas", "fleet owner")),
        demo.provider(FLEETS[1], demo.person("Carmen Leiva", "fleet owner", language="es")),
    ]
    for number, provider in enumerate([desk, *fleets], start=1):
        _permit(demo, provider, f"MOV-{demo.at:%Y}-{number:03}")
    for position, (kind, (title, hint)) in enumerate(PAPERS.items()):
        _ask_for(demo, kind, title, hint, position)
    for name, language, fleet, seats, abilities, make, colour, plate in DRIVERS:
        user = demo.person(name, "driver", language=language)
        worker = demo.worker(user, fleets[fleet], seats=seats, abilities=abilities)
        Vehicle.objects.get_or_create(
            worker=worker, defaults={"make": make, "colour": colour, "plate": plate}
        )
        _hand_in(demo, user, plate)
    for position, (kind, (title, description)) in enumerate(CLASSES.items()):
        _offer(demo, desk, kind, title, description, position)
        _price(demo, kind)


def join(demo: Demo, crowd: Crowd) -> None:
    """Hire the drivers of the crowd, by turns for the one fleet and for the other, with cars."""
    fleets = [Provider.objects.get(name=name) for name in FLEETS]
    with transaction.atomic():
        for number, user in enumerate(crowd.driving):
            seats, abilities, make = CARS[number % len(CARS)]
            worker = demo.worker(user, fleets[number % 2], seats=seats, abilities=abilities)
            Vehicle.objects.get_or_create(
                worker=worker,
                defaults={
                    "make": make,
                    "colour": COLOURS[number % len(COLOURS)],
                    "plate": f"SM{number:04}",
                },
            )
    asked = Requirement.objects.filter(city=demo.city, vertical=VERTICAL)
    specimens = {one.kind: specimen(one.title, "", one.kind.upper()) for one in asked}
    for number, user in enumerate(crowd.driving):
        _hand_in(demo, user, f"SM{number:04}", specimens)


def _permit(demo: Demo, provider: Provider, number: str) -> None:
    if not Permit.objects.filter(provider=provider, vertical=VERTICAL).exists():
        regulation.grant_permit(
            provider_id=provider.pk,
            vertical=VERTICAL,
            number=number,
            valid_from=demo.at - timedelta(days=30),
            valid_until=demo.at + timedelta(days=335),
            by=demo.by,
            at=demo.at,
        )


def _ask_for(demo: Demo, kind: str, title: str, hint: str, position: int) -> None:
    known = Requirement.objects.filter(city=demo.city, vertical=VERTICAL, kind=kind)
    if not known.exists():
        regulation.require_paper(
            city_id=demo.city.pk,
            vertical=VERTICAL,
            kind=kind,
            title=title,
            hint=hint,
            position=position,
            by=demo.by,
            at=demo.at,
        )


def _hand_in(
    demo: Demo, user: User, plate: str, specimens: Mapping[str, scans.Scan] | None = None
) -> None:
    """Papers of a driver, sent and accepted; their pictures say that they are no real ones.

    The crowd shares one picture of each kind: drawing hundreds would be felt at the first start.
    """
    for asked in Requirement.objects.filter(city=demo.city, vertical=VERTICAL):
        if asked.kind not in HOLDS or Paper.objects.filter(holder=user, requirement=asked).exists():
            continue
        number = f"{asked.kind[:3].upper()}-{plate}"
        left = SOON.get((plate, asked.kind), HOLDS[asked.kind])
        paper = regulation.send_paper(
            holder_id=user.pk,
            city_id=demo.city.pk,
            vertical=VERTICAL,
            kind=asked.kind,
            number=number,
            expires_on=(demo.at + timedelta(days=left)).date(),
            scan=(specimens or {}).get(asked.kind) or specimen(asked.title, user.name, number),
            by=demo.by,
            at=demo.at,
        )
        regulation.accept_paper(paper_id=paper.pk, by=demo.by, at=demo.at)


def _offer(
    demo: Demo, desk: Provider, kind: str, title: str, description: str, position: int
) -> None:
    listing = listings.draft(
        provider_id=desk.pk,
        city_id=demo.city.pk,
        vertical=VERTICAL,
        kind=kind,
        title=title,
        description=description,
        position=position,
        ref=uuid5(NAMESPACE_URL, f"{demo.city.slug}/{VERTICAL}/{kind}"),
        by=demo.by,
        at=demo.at,
    )
    if listing.state == Listing.State.DRAFT:
        listings.put_on_offer(listing_id=listing.pk, by=demo.by, at=demo.at)


def _price(demo: Demo, kind: str) -> None:
    if Tariff.objects.filter(city=demo.city, vertical=VERTICAL, kind=kind).exists():
        return
    dearer = {"start_minor": 900, "per_km_minor": 700} if kind == "large" else {}
    pricing.set_tariff(
        city_id=demo.city.pk,
        vertical=VERTICAL,
        kind=kind,
        number=f"{demo.at:%Y}-1",
        prices={**TARIFF, **dearer},
        valid_from=demo.at - timedelta(days=30),
        by=Actor.system("demo"),
        at=demo.at,
    )
