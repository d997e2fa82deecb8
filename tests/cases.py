"""Cases before the city, and officers who work on them."""

from uuid import uuid4

from django.contrib.auth.models import Permission

from apps.kernel.actors import Actor, Kind
from apps.parties import operations as parties
from apps.regulation import operations as regulation
from tests.factories import CITY, NOON, OFFICER, CityFactory, ProviderFactory, UserFactory

LEAVE = ("work_case", "view_casefile")


def officer(*leave, **more):
    user = UserFactory(is_staff=True, **more)
    codenames = leave or LEAVE
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def provider(owner=None, *, at=NOON, **more):
    """A provider whose owner may act for it."""
    found = ProviderFactory(**more)
    owner = owner or UserFactory()
    parties.add_member(provider_id=found.pk, user_id=owner.pk, role="OWNER", by=CITY, at=at)
    return found, owner


def opened(by=None, *, kind="complaint", about=None, at=NOON, **more):
    """A case that somebody opened; a complaint about a provider unless told otherwise."""
    by = by or UserFactory()
    about_provider = more.pop("provider", None) or ProviderFactory()
    return regulation.open_case(
        key=more.pop("key", None) or uuid4(),
        city_id=CityFactory().pk,
        kind=kind,
        about_kind=more.pop("about_kind", "provider"),
        about=about or str(about_provider.ref),
        title=more.pop("title", "Rude on the phone"),
        words=more.pop("words", "They hung up on me."),
        opened_by_id=by.pk,
        provider_id=about_provider.pk,
        by=Actor(Kind.CONSUMER, str(by.pk)),
        at=at,
        **more,
    )


def taken(case, who=None, *, at=NOON):
    """The same case in an officer's hands."""
    who = who or officer()
    regulation.take_case(case_id=case.pk, officer_id=who.pk, by=OFFICER, at=at)
    case.refresh_from_db()
    return case


def say(case, who, words="I was asleep.", *, at=NOON, key=None, **more):
    return regulation.add_statement(
        key=key or uuid4(),
        case_id=case.pk,
        person_id=who.pk,
        words=words,
        by=Actor(Kind.CONSUMER, str(who.pk)),
        at=at,
        **more,
    )


def close(case, outcome="founded", words="They were rude.", *, who=None, at=NOON):
    return regulation.close_case(
        case_id=case.pk,
        officer_id=(who or case.owner).pk,
        outcome=outcome,
        words=words,
        by=OFFICER,
        at=at,
    )
