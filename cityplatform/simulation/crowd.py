"""The keys of the people whom we play, as the demo's seeding left them."""

import json
from dataclasses import dataclass
from pathlib import Path


class TooFew(Exception):
    """The file holds fewer people than are wanted, or there is none."""


@dataclass(frozen=True, slots=True)
class Key:
    """Somebody, by their address, and the token with which a program acts for them."""

    email: str
    token: str

    @property
    def name(self) -> str:
        return self.email.partition("@")[0]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who can be played, in which city.  Guests act for themselves; we only hear their code."""

    city: str
    drivers: list[Key]
    riders: list[Key]
    guests: list[Key]


def load(file: Path) -> Crowd:
    """Read the file of the crowd.  Raises `TooFew` when there is none."""
    try:
        told = json.loads(file.read_text())
    except FileNotFoundError as error:
        raise TooFew(f"{file} is not there: run manage.py seed_demo --crowd 40 80") from error
    people = {part: [Key(**one) for one in told[part]] for part in ("drivers", "riders", "guests")}
    return Crowd(city=told["city"], **people)
