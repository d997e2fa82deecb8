"""An officer, somebody to inspect, and the inspection, for the tests beside this."""

from datetime import datetime
from uuid import uuid4

from django.test import Client

from apps.inspection import operations as inspections
from apps.inspection.models import Inspection
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties import operations as parties
from apps.parties.models import User
from apps.regulation import operations as regulation
from tests import factories
from tests.factories import CITY


def officer(role: str = "administrator", over: int | None = None, name: str = "Hernán Silva"):
    user = factories.UserFactory(name=name)
    parties.give_role(
        user_id=user.pk, role=role, over=over, reason="tests", by=CITY, at=clock.now()
    )
    return User.objects.get(pk=user.pk)


def start(by: User, of: User | None = None, at: datetime | None = None, **more) -> Inspection:
    told = {
        "person_id": of.pk if of else None,
        "purpose": "COMPLAINT",
        "words": "a lost bag",
        "minutes": 15,
        "by": by.acting(Kind.OFFICER),
        "at": at or clock.now(),
    }
    return inspections.start(**(told | more))


def desk_of(user: User) -> Client:
    """The browser of somebody who is signed in."""
    client = Client()
    client.force_login(user)
    return client


def case_of(user: User, title: str = "Too loud", at: datetime | None = None):
    """A complaint that somebody made to the city."""
    return regulation.open_case(
        key=uuid4(),
        city_id=factories.CityFactory().pk,
        kind="complaint",
        about_kind="provider",
        about=str(user.pk),
        title=title,
        words="It was too loud.",
        opened_by_id=user.pk,
        by=user.acting(Kind.CONSUMER),
        at=at or clock.now(),
    )
