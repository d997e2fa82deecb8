"""Appointing: who holds which role in the city's office, and what a role may do."""

from datetime import datetime

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Model
from guardian.shortcuts import assign_perm, remove_perm

from apps.bus import operations as bus
from apps.kernel.actors import Actor, Kind
from apps.parties.models import Appointment, User
from apps.parties.operations.complaints import NoSuchPerson, NoSuchRole, OwnRole
from apps.parties.roles import ROLES, Role, permissions_of


@transaction.atomic
def give_role(
    *, user_id: int, role: str, over: int | None = None, reason: str, by: Actor, at: datetime
) -> Appointment:
    """Give a person a role in the city's office; some roles over one district at a time.

    Held already it stays as it is.  Raises `NoSuchRole`, `NoSuchPerson`, `OwnRole` when somebody
    gives it to themself, and `ValueError` without a reason.
    """
    what = _role(role)
    row = _row(what, over)
    reason = _said(reason)
    giver = _person(by)
    if giver == user_id:
        raise OwnRole(role)
    user = _locked(user_id)
    held = Appointment.objects.held().filter(user=user, role=role, over=over).first()
    if held:
        return held
    given = Appointment.objects.create(
        user=user, role=role, over=over, given_by_id=giver, given_at=at, reason=reason
    )
    user.groups.add(Group.objects.get(name=role))
    if row is not None:
        assign_perm(what.grant, user, row)
    User.objects.filter(pk=user_id, is_staff=False).update(is_staff=True)
    bus.publish(
        "parties.role_given", by=by, at=at, user=user_id, role=role, over=over, reason=reason
    )
    return given


@transaction.atomic
def take_role(*, appointment_id: int, reason: str, by: Actor, at: datetime) -> None:
    """End an appointment; with the last one the office closes to the person.  Twice is harmless.

    Raises `NoSuchRole` if there is no such appointment, and `ValueError` without a reason.
    """
    reason = _said(reason)
    found = Appointment.objects.filter(pk=appointment_id).first()
    if found is None:
        raise NoSuchRole(str(appointment_id))
    user = _locked(found.user_id)
    ended = Appointment.objects.held().filter(pk=appointment_id)
    if not ended.update(taken_by_id=_person(by), taken_at=at, taken_reason=reason):
        return
    role, left = ROLES[found.role], Appointment.objects.held().filter(user=user)
    if role.over and found.over is not None:
        model = apps.get_model(role.over)
        # The district may be gone by now, and the grant on it with it.
        row = model._default_manager.filter(pk=found.over).first()
        if row is not None:
            remove_perm(role.grant, user, row)
    if not left.filter(role=found.role).exists():
        user.groups.remove(Group.objects.get(name=found.role))
    if not left.exists() and not user.is_superuser:
        User.objects.filter(pk=user.pk).update(is_staff=False)
    bus.publish(
        "parties.role_taken",
        by=by,
        at=at,
        user=user.pk,
        role=found.role,
        over=found.over,
        reason=reason,
    )


@transaction.atomic
def write_roles() -> None:
    """Make each role's group say what the code says: after every migration, and silently.

    What changed is in the history of the code; whoever held the role before holds it still.
    """
    kept = {
        f"{app}.{codename}": number
        for app, codename, number in Permission.objects.values_list(
            "content_type__app_label", "codename", "pk"
        )
    }
    groups = {group.name: group for group in Group.objects.prefetch_related("permissions")}
    for code, role in ROLES.items():
        group = groups.get(code) or Group.objects.create(name=code)
        wanted = {kept[name] for name in spelled_out(role, kept)}
        if {one.pk for one in group.permissions.all()} != wanted:
            group.permissions.set(wanted)


def spelled_out(role: Role, kept: dict[str, int]) -> set[str]:
    """A role's permissions by name.  Raises `KeyError` for one that does not exist."""
    names: set[str] = set()
    for name in permissions_of(role):
        if not name.endswith("*"):
            names.add(name)
            continue
        found = {one for one in kept if one.startswith(name[:-1])}
        if not found:
            raise KeyError(name)
        names |= found
    return names


def _role(code: str) -> Role:
    if code not in ROLES:
        raise NoSuchRole(code)
    return ROLES[code]


def _row(role: Role, over: int | None) -> Model | None:
    """The row over which a role is given; None for a role of the whole city."""
    if bool(role.over) != (over is not None):
        raise NoSuchRole(f"{role.name}: {over}")
    if over is None:
        return None
    try:
        row: Model = apps.get_model(role.over)._default_manager.get(pk=over)
    except ObjectDoesNotExist as error:
        raise NoSuchRole(f"{role.name}: {over}") from error
    return row


def _said(reason: str) -> str:
    if not reason.strip():
        raise ValueError("whoever asks later is owed a reason")
    return reason.strip()


def _person(by: Actor) -> int | None:
    """The account of whoever does it; None for the platform itself."""
    return None if by.kind is Kind.SYSTEM else int(by.id)


def _locked(user_id: int) -> User:
    found = User.objects.select_for_update(no_key=True, of=("self",)).filter(pk=user_id).first()
    if found is None:
        raise NoSuchPerson(str(user_id))
    return found
