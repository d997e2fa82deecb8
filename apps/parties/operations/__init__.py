"""Parties: who takes part in the city, and who may act for whom."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from guardian.shortcuts import assign_perm, remove_perm

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.parties import queries
from apps.parties.models import ApiToken, Consumer, Joining, Membership, Provider, User, Worker
from apps.parties.operations.appointing import give_role, take_role, write_roles
from apps.parties.operations.complaints import (
    AlreadyAnswered,
    LastOwner,
    NoSuchJoining,
    NoSuchPerson,
    NoSuchProvider,
    NoSuchRole,
    NoSuchToken,
    OwnRole,
    WorksElsewhere,
)

__all__ = [
    "AlreadyAnswered",
    "GRANTS",
    "LastOwner",
    "NoSuchJoining",
    "NoSuchPerson",
    "NoSuchProvider",
    "NoSuchRole",
    "NoSuchToken",
    "OPERATE",
    "OwnRole",
    "SEE_MONEY",
    "TOKEN_PREFIX",
    "WorksElsewhere",
    "add_member",
    "agree_to_joining",
    "ask_to_join",
    "change_person",
    "found_provider",
    "give_role",
    "hire_worker",
    "issue_token",
    "name_person",
    "refuse_joining",
    "remember_needs",
    "remove_member",
    "revoke_token",
    "save_joining",
    "sign_up",
    "take_role",
    "withdraw_joining",
    "write_roles",
]

OPERATE, SEE_MONEY = "parties.operate_provider", "parties.see_provider_money"
GRANTS: dict[str, frozenset[str]] = {
    Membership.Role.OWNER: frozenset({OPERATE, SEE_MONEY}),
    Membership.Role.MANAGER: frozenset({OPERATE, SEE_MONEY}),
    Membership.Role.ACCOUNTANT: frozenset({SEE_MONEY}),
    Membership.Role.WORKER: frozenset(),
}
TOKEN_PREFIX = "city_"


@transaction.atomic
def sign_up(*, user_id: int, by: Actor, at: datetime) -> Consumer:
    """Welcome a person who made an account: from now on they can order.  Twice is harmless."""
    _require_person(user_id)
    consumer, is_new = Consumer.objects.get_or_create(user_id=user_id)
    if is_new:
        bus.publish("parties.signed_up", by=by, at=at, user=user_id)
    return consumer


@transaction.atomic
def found_provider(*, name: str, owner_id: int, by: Actor, at: datetime) -> Provider:
    """Open a provider whose owner is this person.  Raises `NoSuchPerson`."""
    _require_person(owner_id)
    provider = Provider.objects.create(name=name)
    bus.publish("parties.provider_founded", by=by, at=at, provider=provider.pk)
    add_member(provider_id=provider.pk, user_id=owner_id, role=Membership.Role.OWNER, by=by, at=at)
    return provider


@transaction.atomic
def add_member(*, provider_id: int, user_id: int, role: str, by: Actor, at: datetime) -> Membership:
    """Take a person into a provider's team, or give a member another role.

    The same role again changes nothing.  Raises `NoSuchProvider`, `NoSuchPerson`, `LastOwner`
    when the only owner would become something less, and `ValueError` for an unknown role.
    """
    role = Membership.Role(role)
    provider = _locked(provider_id)
    _require_person(user_id)
    member = provider.memberships.filter(user=user_id).first()
    if member is None:
        member = Membership(provider=provider, user_id=user_id)
    elif member.role == role:
        return member
    else:
        _keep_an_owner(provider, member)
    member.role = role
    member.save()
    _grant(provider, member.user, GRANTS[role])
    bus.publish(
        "parties.member_added", by=by, at=at, provider=provider_id, user=user_id, role=role.value
    )
    return member


@transaction.atomic
def remove_member(*, provider_id: int, user_id: int, by: Actor, at: datetime) -> None:
    """Let a person leave the team; what they were allowed ends with it, and so does their work.

    Somebody who is no member stays none.  Raises `NoSuchProvider` and `LastOwner`.
    """
    provider = _locked(provider_id)
    member = provider.memberships.select_related("user").filter(user=user_id).first()
    if member is None:
        return
    _keep_an_owner(provider, member)
    _grant(provider, member.user, frozenset())
    Worker.objects.filter(provider=provider, user=user_id).update(is_active=False)
    member.delete()
    bus.publish("parties.member_removed", by=by, at=at, provider=provider_id, user=user_id)


@transaction.atomic
def hire_worker(
    *,
    provider_id: int,
    user_id: int,
    seats: int = 4,
    abilities: Iterable[str] = (),
    by: Actor,
    at: datetime,
) -> Worker:
    """Let a person do a provider's jobs, with so many seats and these abilities.

    Hiring again brings seats and abilities up to date.  Who is no member becomes one, as a worker.
    Raises `NoSuchProvider`, `NoSuchPerson`, and `WorksElsewhere`: nobody drives for two at once.
    """
    provider = _locked(provider_id)
    _require_person(user_id)
    if not provider.memberships.filter(user=user_id).exists():
        role = Membership.Role.WORKER
        add_member(provider_id=provider_id, user_id=user_id, role=role, by=by, at=at)
    terms = {"seats": seats, "abilities": sorted(set(abilities)), "is_active": True}
    worker, is_new = Worker.objects.get_or_create(
        user_id=user_id, defaults={"provider": provider, **terms}
    )
    if worker.provider_id != provider_id:
        if worker.is_active:
            raise WorksElsewhere(str(user_id))
        worker.provider = provider
    elif not is_new and all(getattr(worker, name) == value for name, value in terms.items()):
        return worker
    for name, value in terms.items():
        setattr(worker, name, value)
    worker.save()
    bus.publish(
        "parties.worker_hired", by=by, at=at, provider=provider_id, worker=worker.pk, user=user_id
    )
    return worker


@transaction.atomic
def save_joining(
    *,
    user_id: int,
    vertical: str,
    provider_id: int | None,
    business: str,
    seats: int,
    abilities: Iterable[str],
    details: Mapping[str, str],
    by: Actor,
    at: datetime,
) -> Joining:
    """Keep what a person has written so far of their wish to work.

    Raises `NoSuchPerson`, `NoSuchProvider`, and `AlreadyAnswered` once it was sent.
    """
    _require_person(user_id)
    if provider_id is not None and not Provider.objects.filter(pk=provider_id).exists():
        raise NoSuchProvider(str(provider_id))
    joining, _is_new = Joining.objects.get_or_create(
        user_id=user_id,
        vertical=vertical,
        state__in=[Joining.State.DRAFT, Joining.State.ASKED],
        defaults={"state": Joining.State.DRAFT, "saved_at": at},
    )
    if joining.state != Joining.State.DRAFT:
        raise AlreadyAnswered(joining.state)
    joining.provider_id, joining.business = provider_id, "" if provider_id else business
    joining.seats, joining.abilities = seats, sorted(set(abilities))
    joining.details, joining.saved_at = dict(details), at
    joining.save()
    bus.publish("parties.joining_saved", by=by, at=at, joining=joining.pk, user=user_id)
    return joining


@transaction.atomic
def ask_to_join(*, joining_id: int, by: Actor, at: datetime) -> Joining:
    """Put the wish to the provider, which must agree; who wants one of their own has it at once.

    Asking twice is harmless.  Raises `NoSuchJoining`, `WorksElsewhere` and `AlreadyAnswered`.
    """
    joining = _locked_joining(joining_id)
    if joining.state in (Joining.State.ASKED, Joining.State.AGREED):
        return joining
    if joining.state != Joining.State.DRAFT:
        raise AlreadyAnswered(joining.state)
    if Worker.objects.active().filter(user=joining.user_id).exists():
        raise WorksElsewhere(str(joining.user_id))
    _move(joining, Joining.State.ASKED, "", by, at)
    if joining.provider_id is None:
        founded = found_provider(
            name=joining.business or joining.user.name, owner_id=joining.user_id, by=by, at=at
        )
        joining.provider = founded
        joining.save(update_fields=["provider"])
        agree_to_joining(joining_id=joining_id, by=by, at=at)
        joining.refresh_from_db()
    return joining


@transaction.atomic
def withdraw_joining(*, joining_id: int, by: Actor, at: datetime) -> None:
    """Take back a wish that nobody has answered: it is a draft again.  Twice is harmless."""
    joining = _locked_joining(joining_id)
    if joining.state == Joining.State.DRAFT:
        return
    if joining.state != Joining.State.ASKED:
        raise AlreadyAnswered(joining.state)
    _move(joining, Joining.State.DRAFT, "", by, at)


@transaction.atomic
def agree_to_joining(*, joining_id: int, by: Actor, at: datetime) -> Worker:
    """Take on a person who asked.  Twice is harmless.

    Raises `NoSuchJoining`, `AlreadyAnswered`, and `WorksElsewhere`.
    """
    joining = _locked_joining(joining_id)
    if joining.state == Joining.State.AGREED:
        return Worker.objects.get(user=joining.user_id)
    if joining.state != Joining.State.ASKED or joining.provider_id is None:
        raise AlreadyAnswered(joining.state)
    worker = hire_worker(
        provider_id=joining.provider_id,
        user_id=joining.user_id,
        seats=joining.seats,
        abilities=joining.abilities,
        by=by,
        at=at,
    )
    _move(joining, Joining.State.AGREED, "", by, at)
    return worker


@transaction.atomic
def refuse_joining(*, joining_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Do not take on a person who asked, and say why.  Twice is harmless.

    Raises `NoSuchJoining`, `AlreadyAnswered`, and `ValueError` without a reason.
    """
    if not reason.strip():
        raise ValueError("whoever asked is owed a reason")
    joining = _locked_joining(joining_id)
    if joining.state == Joining.State.REFUSED:
        return
    if joining.state != Joining.State.ASKED:
        raise AlreadyAnswered(joining.state)
    _move(joining, Joining.State.REFUSED, reason.strip(), by, at)


@transaction.atomic
def issue_token(
    *, user_id: int, name: str, expires_at: datetime | None, by: Actor, at: datetime
) -> tuple[ApiToken, str]:
    """Make a key with which a program may act for a person.  Return it and its secret.

    The secret is shown this once: only its digest is kept.  Raises `NoSuchPerson`.
    """
    _require_person(user_id)
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user_id=user_id,
        name=name,
        prefix=secret[:12],
        digest=queries.digest_of(secret),
        created_at=at,
        expires_at=expires_at,
    )
    bus.publish("parties.token_issued", by=by, at=at, token=token.pk, user=user_id)
    return token, secret


@transaction.atomic
def revoke_token(*, token_id: int, user_id: int, by: Actor, at: datetime) -> None:
    """Make a person's token worthless.  Twice is harmless.  Raises `NoSuchToken`."""
    mine = ApiToken.objects.filter(pk=token_id, user=user_id)
    if mine.filter(revoked_at=None).update(revoked_at=at):
        bus.publish("parties.token_revoked", by=by, at=at, token=token_id, user=user_id)
    elif not mine.exists():
        raise NoSuchToken(str(token_id))


@transaction.atomic
def choose_language(*, user_id: int, language: str, by: Actor, at: datetime) -> None:
    """Speak and write to a person in this language from now on.  Twice is harmless.

    Raises `NoSuchPerson`, and `ValueError` for a language that the city does not know.
    """
    if language not in dict(User._meta.get_field("language").flatchoices):
        raise ValueError(f"the city does not speak {language!r}")
    _require_person(user_id)
    others = User.objects.filter(pk=user_id).exclude(language=language)
    if others.update(language=language):
        bus.publish("parties.language_chosen", by=by, at=at, user=user_id, language=language)


@transaction.atomic
def change_person(
    *,
    user_id: int,
    name: str,
    phone: str,
    language: str,
    needs: Iterable[str],
    by: Actor,
    at: datetime,
) -> None:
    """Write down what a person says of themself: what they are called, and what they need.

    Raises `NoSuchPerson`, and `ValueError` for a need or a language that the city does not know.
    """
    needs = sorted({Consumer.Need(need).value for need in needs})
    if language not in dict(User._meta.get_field("language").flatchoices):
        raise ValueError(f"the city does not speak {language!r}")
    people = User.objects.filter(pk=user_id)
    if not people.update(name=name, phone=phone, language=language):
        raise NoSuchPerson(str(user_id))
    Consumer.objects.update_or_create(user_id=user_id, defaults={"needs": needs})
    bus.publish("parties.person_changed", by=by, at=at, user=user_id)


@transaction.atomic
def remember_needs(*, user_id: int, needs: Iterable[str], by: Actor, at: datetime) -> None:
    """Keep what a person needs, so that it is asked only once.  The same again changes nothing.

    Raises `NoSuchPerson`, and `ValueError` for a need that the city does not know.
    """
    known = sorted({Consumer.Need(need).value for need in needs})
    _require_person(user_id)
    consumer, is_new = Consumer.objects.get_or_create(user_id=user_id, defaults={"needs": known})
    if is_new or consumer.needs != known:
        Consumer.objects.filter(pk=consumer.pk).update(needs=known)
        bus.publish("parties.person_changed", by=by, at=at, user=user_id)


@transaction.atomic
def name_person(*, user_id: int, name: str, phone: str, by: Actor, at: datetime) -> None:
    """Write down how a person is called and reached.  The same again changes nothing.

    Raises `NoSuchPerson`.
    """
    _require_person(user_id)
    other = User.objects.filter(pk=user_id).exclude(name=name, phone=phone)
    if other.update(name=name, phone=phone):
        bus.publish("parties.person_changed", by=by, at=at, user=user_id)


def _locked(provider_id: int) -> Provider:
    provider = Provider.objects.locked().filter(pk=provider_id).first()
    if provider is None:
        raise NoSuchProvider(str(provider_id))
    return provider


def _locked_joining(joining_id: int) -> Joining:
    joining = Joining.objects.locked().filter(pk=joining_id).first()
    if joining is None:
        raise NoSuchJoining(str(joining_id))
    return joining


def _move(joining: Joining, state: str, reason: str, by: Actor, at: datetime) -> None:
    joining.state, joining.reason, joining.decided_at = state, reason, at
    joining.save(update_fields=["state", "reason", "decided_at"])
    more = {"reason": reason} if reason else {}
    bus.publish(
        f"parties.joining_{state.lower()}",
        by=by,
        at=at,
        joining=joining.pk,
        user=joining.user_id,
        provider=joining.provider_id,
        **more,
    )


def _require_person(user_id: int) -> None:
    if not User.objects.filter(pk=user_id).exists():
        raise NoSuchPerson(str(user_id))


def _keep_an_owner(provider: Provider, leaving: Membership) -> None:
    owners = provider.memberships.filter(role=Membership.Role.OWNER)
    if leaving.role == Membership.Role.OWNER and owners.count() == 1:
        raise LastOwner(str(provider.pk))


def _grant(provider: Provider, user: User, grants: frozenset[str]) -> None:
    for perm in (OPERATE, SEE_MONEY):
        if perm in grants:
            assign_perm(perm, user, provider)
        else:
            remove_perm(perm, user, provider)
