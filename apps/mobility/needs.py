"""What riders need beyond a seat: how it is asked of them, and how a driver is told.

The list is the city's own, and the profile keeps it.  A need decides who is asked and what they
are told, and never the price: a fare is the tariff's, and the tariff does not know the rider.
"""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from apps.parties.models import Consumer

Need = Consumer.Need

ASKED = {
    Need.STEP_FREE: _("A car that takes a wheelchair"),
    Need.TO_THE_DOOR: _("Help to the door and from it"),
    Need.GUIDE_DOG: _("A guide dog comes along"),
    Need.HEARING: _("I hear badly: write, do not call"),
    Need.QUIET: _("A quiet ride"),
}
TOLD = {
    Need.STEP_FREE: _("Needs the car for a wheelchair"),
    Need.TO_THE_DOOR: _("Needs help to the door"),
    Need.GUIDE_DOG: _("Brings a guide dog"),
    Need.HEARING: _("Hears badly: write, do not call"),
    Need.QUIET: _("Wishes for a quiet ride"),
}
# What a need asks of the car and its driver, in the words of `Worker.abilities`.
ABILITIES = {Need.STEP_FREE: ("accessible",)}


def known(needs: Iterable[str]) -> list[str]:
    """The needs once each, in the order of the list.  Raises `ValueError` for another word."""
    asked = {Need(need) for need in needs}
    return [need.value for need in Need if need in asked]


def abilities(needs: Iterable[str]) -> tuple[str, ...]:
    """What whoever comes must be able to do for these needs."""
    return tuple(one for need in needs for one in ABILITIES.get(Need(need), ()))


def asked(needs: Iterable[str]) -> list[str]:
    """The needs in the rider's words."""
    return [str(ASKED[Need(need)]) for need in needs]


def told(needs: Iterable[str]) -> list[str]:
    """The needs as a driver reads them."""
    return [str(TOLD[Need(need)]) for need in needs]
