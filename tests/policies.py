"""A city with rules, for the tests of every app that asks them."""

from datetime import timedelta

from apps.parties.models import User
from apps.regulation import in_force
from apps.regulation import operations as regulation
from apps.regulation.models import Edition, PolicyVersion
from apps.regulation.rules import Act, Case
from tests.factories import NOON, OFFICER, CityFactory, UserFactory

EARLIER = NOON - timedelta(days=30)


def officers() -> tuple[User, User]:
    """Two pairs of eyes."""
    names = ("drafts@city.example", "decides@city.example")
    first, second = (
        User.objects.filter(email=name).first() or UserFactory(email=name, is_staff=True)
        for name in names
    )
    return first, second


def drafted(kind, terms=None, *, city=None, scope=None, title="A rule", at=EARLIER, **rest):
    drafts, _ = officers()
    return regulation.draft_policy(
        city_id=(city or CityFactory()).pk,
        kind=kind,
        title=title,
        why="Tests need rules.",
        scope=scope or {},
        terms=terms or {},
        officer_id=drafts.pk,
        by=OFFICER,
        at=at,
        **rest,
    )


def proposed(*args, at=EARLIER, **rest):
    version = drafted(*args, at=at, **rest)
    return regulation.propose_policy(
        version_id=version.pk, officer_id=version.drafted_by_id, by=OFFICER, at=at
    )


def approved(version, *, at=EARLIER, begins=None, ends=None):
    _, decides = officers()
    done = regulation.approve_policy(
        version_id=version.pk,
        officer_id=decides.pk,
        begins=begins,
        ends=ends,
        by=OFFICER,
        at=at,
    )
    # As the commit does, which a test that is rolled back never sees.
    in_force.forget()
    return done


def enforced(kind, terms=None, *, at=EARLIER, begins=None, ends=None, **rest) -> PolicyVersion:
    """A policy that is drafted, proposed, approved, and in force since last month."""
    return approved(proposed(kind, terms, at=at, **rest), at=at, begins=begins, ends=ends)


def case(provider, *, act=Act.BOOK, vertical="lodging", moment=NOON, city=None, **rest) -> Case:
    return Case(
        act=act,
        city_id=(city or CityFactory()).pk,
        vertical=vertical,
        provider_id=provider.pk,
        moment=moment,
        **rest,
    )


def stamp():
    return Edition.objects.values_list("stamp", flat=True).first()
