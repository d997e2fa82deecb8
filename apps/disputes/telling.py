"""Who hears of a dispute: whoever sees the provider's money, and the officers who may answer."""

from datetime import datetime

from django.contrib.auth.models import Permission
from django.db.models import Q
from django.urls import reverse
from guardian.shortcuts import get_users_with_perms

from apps.disputes.models import Dispute
from apps.kernel.actors import Actor
from apps.notifications import operations as notifications
from apps.notifications import words
from apps.parties.models import User


def tell(*, kind: str, dispute_id: int, by: Actor, at: datetime) -> None:
    """Tell everybody of both sides; of the same day's news each hears once."""
    dispute = Dispute.objects.select_related("provider", "payment").get(pk=dispute_id)
    day = (dispute.due_by or dispute.opened_at).date()
    said: words.Context = {
        "sum": words.money(dispute.amount),
        "provider": dispute.provider.name if dispute.provider else dispute.payment.label,
        "day": words.day(day),
    }
    about = f"dispute:{dispute.ref}"
    page = reverse("disputes:dispute", args=[dispute.ref])
    desk = reverse("admin:disputes_dispute_change", args=[dispute.pk])
    for person in _team(dispute):
        notifications.notify(
            to=person.pk, kind=kind, about=about, link=page, context=said, by=by, at=at
        )
    for person in _officers():
        notifications.notify(
            to=person.pk, kind=f"{kind}_office", about=about, link=desk, context=said, by=by, at=at
        )


def _team(dispute: Dispute) -> list[User]:
    if dispute.provider is None:
        return []
    seeing = get_users_with_perms(
        dispute.provider, only_with_perms_in=["see_provider_money"], with_group_users=False
    )
    return sorted(seeing, key=lambda one: one.pk)


def _officers() -> list[User]:
    held = Permission.objects.filter(content_type__app_label="disputes", codename="answer_dispute")
    may = Q(user_permissions__in=held) | Q(groups__permissions__in=held) | Q(is_superuser=True)
    people = User.objects.filter(may, is_active=True, is_staff=True)
    return list(people.distinct().order_by("pk"))
