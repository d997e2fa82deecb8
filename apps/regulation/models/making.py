"""What becomes a rule of the city by two pairs of eyes: who proposed it, and who decided on it."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.parties.models import User


class InTheMaking(models.Model):
    """Something that one officer proposes and another approves or rejects.

    Once proposed it is frozen.  What it says, and from when to when, is its own.
    """

    class State(models.TextChoices):
        DRAFT = "DRAFT", _("draft")
        PROPOSED = "PROPOSED", _("proposed")
        APPROVED = "APPROVED", _("approved")
        REJECTED = "REJECTED", _("rejected")

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    proposed_by = models.ForeignKey(
        User, models.PROTECT, null=True, verbose_name=_("proposed by"), related_name="+"
    )
    proposed_at = models.DateTimeField(_("proposed"), null=True)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, verbose_name=_("decided by"), related_name="+"
    )
    decided_at = models.DateTimeField(_("decided"), null=True)

    class Meta:
        abstract = True

    @property
    def hands(self) -> tuple[int | None, ...]:
        """Whose hands wrote it: they do not decide on it."""
        return (self.proposed_by_id,)


def four_eyes(name: str, *hands: str) -> models.CheckConstraint:
    """The database's last word: none of those who wrote it decided on it."""
    others = Q()
    for hand in hands:
        others &= ~Q(decided_by=F(hand))
    return models.CheckConstraint(name=name, condition=Q(decided_by__isnull=True) | others)
