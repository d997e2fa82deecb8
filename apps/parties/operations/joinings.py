"""Wishes to work: written, put to a provider, and agreed to or refused."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.parties.models import Joining, Provider, Worker
from apps.parties.operations.complaints import (
    AlreadyAnswered,
    NoSuchJoining,
    NoSuchProvider,
    WorksElsewhere,
)
from apps.parties.operations.people import require_person
from apps.parties.operations.teams import found_provider, hire_worker


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
    require_person(user_id)
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
