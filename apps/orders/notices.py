"""What people hear of their orders, whatever the kind of service."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from apps.kernel.actors import Kind as Part
from apps.notifications import kinds
from apps.notifications.models import Channel

kinds.register(
    kinds.Kind(
        slug="confirm_payment",
        part=Part.CONSUMER,
        name=_("A payment that your bank wants you to confirm"),
        title=_("Confirm %(sum)s with your bank"),
        text=_("%(summary)s. It waits for ten minutes."),
        icon="card",
        lasts=timedelta(minutes=10),
        is_urgent=True,
    ),
    kinds.Kind(
        slug="hold_ends",
        part=Part.CONSUMER,
        name=_("A hold that your bank does not renew"),
        title=_("Your bank holds %(sum)s only until %(day)s"),
        text=_("%(summary)s. If it is later than that, call it off and order with another card."),
        icon="card",
    ),
    kinds.Kind(
        slug="receipt_ready",
        part=Part.CONSUMER,
        name=_("A receipt"),
        title=_("Your receipt: %(sum)s"),
        text="%(summary)s",
        icon="receipt",
    ),
    kinds.Kind(
        slug="cash_owed",
        part=Part.CONSUMER,
        name=_("Cash that was not paid"),
        title=_("%(sum)s were not paid in cash"),
        text=_("%(summary)s. Settle it with the city's desk; until then you pay by card."),
        icon="cash",
        channels=frozenset(Channel),
        always=frozenset({Channel.SCREEN}),
    ),
    kinds.Kind(
        slug="cash_settled",
        part=Part.CONSUMER,
        name=_("A cash debt that is settled"),
        title=_("You owe nothing any more"),
        text="%(summary)s",
        icon="cash",
    ),
)
