"""Who acts.  Every change of state in the city names somebody."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Kind(StrEnum):
    CONSUMER = "consumer"
    PROVIDER = "provider"
    WORKER = "worker"
    OFFICER = "officer"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts, and in what part: a person by their user id, the platform by its app."""

    kind: Kind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        kind, _, id = text.partition(":")
        return cls(Kind(kind), id)

    @classmethod
    def system(cls, app: str) -> Self:
        """The platform itself, acting through one of its apps."""
        return cls(Kind.SYSTEM, app)
