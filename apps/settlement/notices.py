"""What those who look after a provider's money hear of it."""

from django.utils.translation import gettext_lazy as _

from apps.kernel.actors import Kind as Part
from apps.notifications import kinds

kinds.register(
    kinds.Kind(
        slug="payout_paid",
        part=Part.PROVIDER,
        name=_("A payout"),
        title=_("%(sum)s are on the way to your account"),
        text=_("%(provider)s, for everything booked until %(day)s"),
        icon="wallet",
        channels=kinds.EVERYWHERE,
    ),
    kinds.Kind(
        slug="payout_returned",
        part=Part.PROVIDER,
        name=_("A payout that the bank returned"),
        title=_("The bank returned %(sum)s"),
        text=_("%(provider)s: look at your account's details. The sum is kept for you."),
        icon="wallet",
        channels=kinds.EVERYWHERE,
    ),
    kinds.Kind(
        slug="payout_refused_by_bank",
        part=Part.PROVIDER,
        name=_("A payout that your bank did not take"),
        title=_("Your bank did not take %(sum)s"),
        text=_("%(provider)s: put your bank account right; the sum waits for you at the gateway."),
        icon="wallet",
        channels=kinds.EVERYWHERE,
    ),
)
