"""The crowd: people of the demo who are many, have no password, and are played by programs.

An app whose part they need has, beside `seed`, one more function in its module `demo`:

    def join(demo: Demo, crowd: Crowd) -> None: ...

Each adds what is missing for as many people as are asked for, and so a larger crowd costs only
the difference.  What opens the city's API to them stands in one private file and nowhere else.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from django.db import transaction

from apps.parties import operations, queries
from apps.parties.models import User
from apps.places.demo import DOMAIN, Demo

FIRST = """
    Agustina Alonso Amanda Bastián Benjamín Carla Catalina Claudio Constanza Cristóbal Daniela
    Diego Emilia Esteban Fernanda Florencia Francisca Gonzalo Héctor Isidora Javiera Joaquín
    Josefa Julián Laura Lautaro Lorena Macarena Manuel Martina Matías Maite Mónica Nicolás
    Olivia Pablo Patricia Raúl Renata Rodrigo Sebastián Sofía Teresa Valeria Vicente Ximena
"""
LAST = """
    Aguirre Álvarez Barraza Bravo Callejas Castillo Contreras Cortez Espinoza Figueroa Fuentes
    Gallardo Guerrero Henríquez Jofré Lagos Leyton Marín Miranda Molina Morales Núñez Olivares
    Ortiz Peralta Plaza Ramos Rivas Robles Salas Sepúlveda Silva Tello Torres Urrutia Valdés
    Varas Vergara Villalobos Zamora
"""


@dataclass
class Crowd:
    """So many drivers and so many riders, with the keys by which programs act for them.

    `keys` maps an address to a secret: of the crowd, and of the demo's own citizens, whose code a
    driver of the crowd may be told.
    """

    file: Path
    drivers: int
    riders: int
    keys: dict[str, str] = field(default_factory=dict)

    def addresses(self, role: str, many: int) -> list[str]:
        return [f"{role}-{number:03}@{DOMAIN}" for number in range(1, many + 1)]

    @property
    def driving(self) -> list[User]:
        return self._people("driver", self.drivers)

    @property
    def riding(self) -> list[User]:
        return self._people("rider", self.riders)

    def _people(self, role: str, many: int) -> list[User]:
        return list(User.objects.filter(email__in=self.addresses(role, many)).order_by("email"))

    def load(self) -> None:
        """Read the keys of earlier starts."""
        if self.file.exists():
            told: dict[str, Any] = json.loads(self.file.read_text())
            for people in ("drivers", "riders", "guests"):
                self.keys |= {one["email"]: one["token"] for one in told[people]}

    def write(self, demo: Demo) -> None:
        """Leave the keys where only the owner of the installation can read them, whole or not."""
        told: dict[str, Any] = {"city": demo.city.slug, "drivers": [], "riders": [], "guests": []}
        people = {"driver-": "drivers", "rider-": "riders"}
        for email, secret in self.keys.items():
            part = next((part for start, part in people.items() if email.startswith(start)), None)
            told[part or "guests"].append({"email": email, "token": secret})
        draft = self.file.with_suffix(".draft")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(told, file, indent=1)
        draft.replace(self.file)


def sign_up(demo: Demo, crowd: Crowd) -> None:
    """Sign up who is missing and give everybody a key.  Nobody can sign in by a password."""
    crowd.load()
    wanted = [
        *crowd.addresses("driver", crowd.drivers),
        *crowd.addresses("rider", crowd.riders),
    ]
    there = set(User.objects.filter(email__in=wanted).values_list("email", flat=True))
    citizens = [one["email"] for one in demo.known().values() if one["role"] == "citizen"]
    # One transaction: a commit for each of hundreds would be most of the time.
    with transaction.atomic():
        for email in wanted:
            if email not in there:
                names = Random(email)
                name = f"{names.choice(FIRST.split())} {names.choice(LAST.split())}"
                # No password at all: hashing one for each would take minutes.
                user = User.objects.create_user(email, None, name=name, language="es")
                operations.sign_up(user_id=user.pk, by=demo.by, at=demo.at)
        for user in User.objects.filter(email__in=[*wanted, *citizens]).order_by("email"):
            known = crowd.keys.get(user.email, "")
            if queries.user_of_token(known, demo.at) != user:
                _, crowd.keys[user.email] = operations.issue_token(
                    user_id=user.pk, name="simulation", expires_at=None, by=demo.by, at=demo.at
                )
