"""What those who look after a provider's money are told of it."""

from datetime import datetime

from django.urls import reverse
from guardian.shortcuts import get_users_with_perms

from apps.kernel.actors import Actor
from apps.notifications import operations as notifications
from apps.notifications import words
from apps.settlement.models import Payout


def tell_team(*, kind: str, payout_id: int, by: Actor, at: datetime) -> None:
    """Tell everybody to whom a provider's money was shown, and nobody else of the team."""
    payout = Payout.objects.select_related("provider").get(pk=payout_id)
    if payout.provider is None:
        return  # the city reads its own books
    seeing = get_users_with_perms(
        payout.provider, only_with_perms_in=["see_provider_money"], with_group_users=False
    )
    for person in sorted(seeing, key=lambda one: one.pk):
        notifications.notify(
            to=person.pk,
            kind=kind,
            about=f"payout:{payout.ref}",
            link=reverse("settlement:statement", args=[payout.ref]),
            context={
                "sum": words.money(payout.amount),
                "provider": payout.provider.name,
                "day": words.day(payout.day),
            },
            by=by,
            at=at,
        )
