"""The people of the demo, and the face that every app's own demo is written against.

An app with something to show has a module `demo` with one function:

    def seed(demo: Demo) -> None: ...

They run in the order of INSTALLED_APPS at every start of the demo and add what is missing.
"""

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from unicodedata import normalize

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import (
    PBKDF2PasswordHasher,
    check_password,
    get_hashers_by_algorithm,
    make_password,
)

from apps.kernel.actors import Actor
from apps.parties import operations
from apps.parties.models import Membership, Provider, User, Worker
from apps.parties.roles import ROLES
from apps.places.models import City, Zone

DOMAIN = "demo.invalid"


@dataclass
class Demo:
    """A demo in the making: its city, its moment, and who is in it.

    Passwords are drawn for each installation and stand in `people_file`, for the sign-in page and
    for whoever starts the demo to read.
    """

    city: City
    at: datetime
    people_file: Path
    by: Actor = field(default_factory=lambda: Actor.system("demo"))

    def person(self, name: str, role: str, *, language: str = "en", **more: Any) -> User:
        """Somebody with an account and a confirmed address, known by their first name."""
        # An address is plain ASCII, whatever the name.
        plain = normalize("NFKD", name.split()[0]).encode("ascii", "ignore").decode()
        email = f"{plain.lower()}@{DOMAIN}"
        known = self.known()
        password = known.get(email, {}).get("password") or secrets.token_urlsafe(9)
        user = User.objects.filter(email=email).first()
        if user is None:
            user = User.objects.create_user(email, None, name=name, language=language, **more)
        if not user.has_usable_password() or not check_password(password, user.password):
            user.password = _hashed(password)
            user.save(update_fields=["password"])
        EmailAddress.objects.get_or_create(
            user=user, email=email, defaults={"verified": True, "primary": True}
        )
        operations.sign_up(user_id=user.pk, by=self.by, at=self.at)
        known[email] = {"name": name, "email": email, "password": password, "role": role}
        self.people_file.touch(mode=0o600)
        self.people_file.write_text(json.dumps(list(known.values()), indent=1))
        return user

    def known(self) -> dict[str, dict[str, str]]:
        """Who was made so far, by address."""
        if not self.people_file.exists():
            return {}
        people = json.loads(self.people_file.read_text() or "[]")
        return {person["email"]: person for person in people}

    def provider(self, name: str, owner: User) -> Provider:
        membership = Membership.objects.filter(
            user=owner, role=Membership.Role.OWNER, provider__name=name
        ).first()
        if membership:
            return membership.provider
        return operations.found_provider(name=name, owner_id=owner.pk, by=self.by, at=self.at)

    def worker(self, user: User, provider: Provider, *, seats: int, abilities: list[str]) -> Worker:
        return operations.hire_worker(
            provider_id=provider.pk,
            user_id=user.pk,
            seats=seats,
            abilities=abilities,
            by=self.by,
            at=self.at,
        )


def _hashed(password: str) -> str:
    """The password as it is kept, of few rounds: drawn at random, it is not to be guessed anyway.

    Slow rounds are for words that people choose; for everybody of the demo they would be felt at
    its start.  Signed in once, an account is hashed like any other.
    """
    quick = get_hashers_by_algorithm().get("pbkdf2_sha256")
    if isinstance(quick, PBKDF2PasswordHasher):
        return str(quick.encode(password, quick.salt(), iterations=1_000))
    return make_password(password)


def seed(demo: Demo) -> None:
    """The citizens and the officer; each vertical brings its own providers."""
    demo.person("Camila Rojas", "citizen")
    demo.person("Andrés Vega", "citizen", language="es")
    demo.person("Valentina Soto", "city officer", is_staff=True, is_superuser=True)
    _people_the_office(demo)


# One person for each role of the office.
OFFICERS = {
    "inspector": ("Nicolás Fuentes", "es"),
    "clerk": ("Javiera Bravo", "es"),
    "treasurer": ("Rodrigo Pinto", "en"),
    "auditor": ("Isabel Castro", "en"),
    "duty": ("Daniela Ortiz", "es"),
    "rules": ("Francisca Vidal", "en"),
    "administrator": ("Hernán Silva", "en"),
}


def _people_the_office(demo: Demo) -> None:
    """Give each role to somebody; the inspector has the first district by name, if there is one."""
    for code, (name, language) in OFFICERS.items():
        over = None
        if ROLES[code].over:
            districts = Zone.objects.filter(city=demo.city, kind=Zone.Kind.DISTRICT)
            over = districts.order_by("name").values_list("pk", flat=True).first()
            if over is None:
                continue
        person = demo.person(name, str(ROLES[code].name), language=language)
        operations.give_role(
            user_id=person.pk, role=code, over=over, reason="demo", by=demo.by, at=demo.at
        )
