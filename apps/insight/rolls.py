"""Who works in the city's office, and what that lets them do."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst

from apps.orders.models import Order
from apps.parties.models import Appointment, Provider, User, Worker
from apps.parties.queries import granted
from apps.parties.roles import ABILITIES, INSPECT, ROLES, Role
from apps.places.models import Zone
from apps.regulation.models import Permit


@dataclass(frozen=True, slots=True)
class Line:
    """An ability, in words, and for each role in its order whether it brings it."""

    words: str | Promise
    of: tuple[tuple[str | Promise, bool], ...]


def roles() -> list[Role]:
    """Every role of the office, in the order of the book."""
    return list(ROLES.values())


def matrix() -> list[Line]:
    """Every ability with the roles that bring it."""
    return [
        Line(ability.words, tuple((role.name, code in role.can) for role in ROLES.values()))
        for code, ability in ABILITIES.items()
    ]


def people() -> list[dict[str, Any]]:
    """Every appointment that is held, by person, with the name of its district."""
    held = Appointment.objects.held().select_related("user", "given_by")
    found = list(held.order_by("user__name", "user__email", "pk"))
    names = dict(Zone.objects.filter(pk__in=[one.over for one in found]).values_list("pk", "name"))
    return [{"held": one, "district": names.get(one.over or 0, "")} for one in found]


def chiefs() -> QuerySet[User]:
    """Who may do everything: made at a console, outside the roles."""
    return User.objects.filter(is_superuser=True, is_active=True).order_by("name", "pk")


def of_my_districts(user: User) -> list[dict[str, str]]:
    """Ways to the lists that an inspector has, with the names of their districts."""
    here = granted(user, INSPECT)
    if not here:
        return []
    names = Zone.objects.filter(pk__in=here).order_by("name").values_list("name", flat=True)
    says = ", ".join(names)
    return [
        {
            "title": str(capfirst(model._meta.verbose_name_plural)),
            "says": says,
            "url": reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"),
        }
        for model in (Order, Provider, Worker, Permit)
        if not user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
    ]
