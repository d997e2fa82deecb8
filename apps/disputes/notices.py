"""What those who were paid, and the city's treasurers, hear of disputes."""

from django.utils.translation import gettext_lazy as _

from apps.kernel.actors import Kind as Part
from apps.notifications import kinds

# Kind, name, title and text for the team, and the text for officers.
NEWS = (
    (
        "dispute_opened",
        _("A dispute of a payer's bank"),
        _("A bank wants %(sum)s back"),
        _("%(provider)s: say until %(day)s what speaks against it."),
    ),
    (
        "dispute_due_soon",
        _("A dispute whose day is near"),
        _("Until %(day)s the bank listens: %(sum)s"),
        _("%(provider)s: what is not said by then is lost."),
    ),
    (
        "dispute_won",
        _("A dispute that was won"),
        _("The bank gave %(sum)s back"),
        _("%(provider)s: the payment stands."),
    ),
    (
        "dispute_lost",
        _("A dispute that was lost"),
        _("The payer keeps %(sum)s"),
        _("%(provider)s: it is taken from what comes next."),
    ),
)

for slug, name, title, text in NEWS:
    for ending, part in (("", Part.PROVIDER), ("_office", Part.OFFICER)):
        kinds.register(
            kinds.Kind(
                slug=slug + ending,
                part=part,
                name=name,
                title=title,
                text=text,
                icon="wallet",
                channels=kinds.EVERYWHERE,
            )
        )
