"""Taxes and fees in force: proposed by one officer and approved by another, as the city does it."""

from apps.kernel import clock
from apps.pricing import operations
from tests.factories import OFFICER, UserFactory


def put(city, rule, *, at=None):
    """A rule in force from its own beginning on; approved then, or before."""
    at = min(at or clock.now(), rule.begins)
    levy = operations.propose_levy(
        city_id=city.pk, rule=rule, officer_id=UserFactory().pk, by=OFFICER, at=at
    )
    return operations.approve_levy(levy_id=levy.pk, officer_id=UserFactory().pk, by=OFFICER, at=at)
