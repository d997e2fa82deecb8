"""Providers and their teams: who may act for whom, and who works."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from guardian.shortcuts import assign_perm, remove_perm

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.parties.models import Membership, Provider, User, Worker
from apps.parties.operations.complaints import LastOwner, NoSuchProvider, WorksElsewhere
from apps.parties.operations.people import require_person

OPERATE, SEE_MONEY = "parties.operate_provider", "parties.see_provider_money"
GRANTS: dict[str, frozenset[str]] = {
    Membership.Role.OWNER: frozenset({OPERATE, SEE_MONEY}),
    Membership.Role.MANAGER: frozenset({OPERATE, SEE_MONEY}),
    Membership.Role.ACCOUNTANT: frozenset({SEE_MONEY}),
    Membership.Role.WORKER: frozenset(),
}


@transaction.atomic
def found_provider(*, name: str, owner_id: int, by: Actor, at: datetime) -> Provider:
    """Open a provider whose owner is this person.  Raises `NoSuchPerson`."""
    require_person(owner_id)
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
    require_person(user_id)
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
    require_person(user_id)
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


def _locked(provider_id: int) -> Provider:
    provider = Provider.objects.locked().filter(pk=provider_id).first()
    if provider is None:
        raise NoSuchProvider(str(provider_id))
    return provider


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
