"""Speed limits and closed streets, from the policies in force to the routes that cars take."""

import logging
from datetime import datetime

from apps.places import limits, loading
from apps.places.limits import Limit
from apps.places.models import City, Zone
from apps.regulation.models import PolicyVersion
from apps.regulation.rules import Speed

logger = logging.getLogger(__name__)


def limits_of(city: City, at: datetime) -> list[Limit]:
    """The limits that hold at this moment, zone by zone; their hours and seasons are the city's."""
    held = PolicyVersion.objects.in_force(at).filter(policy__city=city, kind=Speed.kind)
    zones = {zone.slug: zone for zone in Zone.objects.filter(city=city)} if held else {}
    found = []
    for version in held.select_related("policy").order_by("policy__number"):
        rule = version.rule
        if isinstance(rule.terms, Speed) and rule.scope.is_on(city.now(at)):
            names = sorted(rule.scope.zones & zones.keys())
            found += [Limit(zones[slug].boundary, rule.terms.kmh) for slug in names]
    return found


def apply_limits(*, at: datetime) -> list[City]:
    """Bring the routes of every city to what its policies say now; return those that changed."""
    changed = []
    for city in City.objects.order_by("pk"):
        held = limits_of(city, at)
        try:
            if limits.apply(city, held):
                changed.append(city)
        except limits.NotBuilt:
            if held:
                logger.error("%s has speed limits and no streets to put them on", city)
        except loading.Failed as error:
            logger.error("the streets of %s stay as they were: %s", city, error)
    return changed
