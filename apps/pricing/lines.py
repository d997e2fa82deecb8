"""The lines of a price: what for, how much, and who gets it."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from django.db import models
from django.utils.translation import gettext_lazy as _


class Payee(models.TextChoices):
    """Who a line of a price goes to."""

    PROVIDER = "PROVIDER", _("who does it")
    PLATFORM = "PLATFORM", _("the platform")
    CITY = "CITY", _("the city")
    TAX = "TAX", _("the tax office")


@dataclass(frozen=True, slots=True)
class Working:
    """How a tax or fee was worked out, so that it can be said in any language.

    `people` and `parts` (nights, hours, rides) are those that were counted, of `people_in_all`
    and `parts_in_all`.  `base` is the sum in minor units that a share was taken of.  `caps` has
    the limits that held, `exempt` who did not pay and `unproven` who showed nothing for it.
    `share` is this payee's weight and the sum of all weights.
    """

    kind: str
    per: str
    rate: int
    times_bp: int
    base: int
    people: int
    people_in_all: int
    parts: int
    parts_in_all: int
    caps: dict[str, int]
    exempt: list[str]
    unproven: list[str]
    share: list[int]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a price: what for, how much, and who gets it.

    `code` is a stable word (`start`, `distance`, `time`, `platform`, `city_fee`, `vat`);
    `quantity` is in the unit that the code implies (metres, seconds), `rate` in minor units per
    kilometre or minute, or basis points for a tax; both are None for a flat line.  A tax or fee
    has the number of its rule, the name that people read, and how it was worked out;
    `beneficiary` says which of the payee's accounts gets it, when there are several.
    """

    code: str
    amount: int
    to: Payee
    quantity: int | None = None
    rate: int | None = None
    beneficiary: str = ""
    rule: str = ""
    name: str = ""
    working: Working | None = None

    def frozen(self) -> dict[str, Any]:
        """The line as a quote keeps it, without what only taxes have."""
        told = asdict(self)
        for only_of_taxes in ("beneficiary", "rule", "name", "working"):
            if not told[only_of_taxes]:
                del told[only_of_taxes]
        return told

    @classmethod
    def thawed(cls, told: dict[str, Any]) -> Self:
        """The line that a quote has kept."""
        working = told.get("working")
        return cls(
            **told | {"to": Payee(told["to"]), "working": Working(**working) if working else None}
        )
