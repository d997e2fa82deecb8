"""Things left in a car: what was lost, what the driver says, and how it comes back.

A thread of states, not a chat: each state is entered once, and the database says which are whole.
"""

import uuid
from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.orders.models import Order

# How long after a ride it may be reported, and how long a report stays open.
OPEN_FOR = timedelta(days=14)


class LostItemQuerySet(LockableQuerySet["LostItem"]):
    def open(self) -> Self:
        return self.filter(closed_at=None)


class LostItem(models.Model):
    """Something that a rider left in the car, until it is back or given up."""

    class Place(models.TextChoices):
        FRONT = "FRONT", _("on the front seat")
        BACK = "BACK", _("on the back seat")
        FLOOR = "FLOOR", _("on the floor")
        BOOT = "BOOT", _("in the boot")
        UNSURE = "UNSURE", _("not sure where")

    class Way(models.TextChoices):
        MEET = "MEET", _("the driver brings it")
        COLLECT = "COLLECT", _("the rider collects it")
        DESK = "DESK", _("it waits at the city's desk")

    class State(models.TextChoices):
        REPORTED = "REPORTED", _("reported")
        NOT_FOUND = "NOT_FOUND", _("looked for and not found")
        FOUND = "FOUND", _("found")
        RETURNED = "RETURNED", _("returned")
        WITHDRAWN = "WITHDRAWN", _("withdrawn by the rider")
        CLOSED = "CLOSED", _("closed")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="lost_items")
    what = models.CharField(_("what was lost"), max_length=120)
    place = models.CharField(_("where in the car"), max_length=6, choices=Place)
    may_call = models.BooleanField(_("the driver may call the rider"))
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.REPORTED)
    way = models.CharField(_("how it comes back"), max_length=7, choices=Way, blank=True)
    detail = models.CharField(_("where and when"), max_length=200, blank=True)
    reason = models.CharField(_("why it was closed"), max_length=200, blank=True)
    reported_at = models.DateTimeField(_("reported"))
    closes_at = models.DateTimeField(_("closes by itself"))
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    objects = LostItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("lost item")
        verbose_name_plural = _("lost items")
        permissions = [("close_lost", _("Can close reports of lost items"))]
        constraints = [
            models.UniqueConstraint(
                name="mobility_one_open_lost_item", fields=["order"], condition=Q(closed_at=None)
            ),
            models.CheckConstraint(
                name="mobility_lost_state_is_known",
                condition=Q(
                    state__in=[
                        "REPORTED",
                        "NOT_FOUND",
                        "FOUND",
                        "RETURNED",
                        "WITHDRAWN",
                        "CLOSED",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="mobility_lost_end_has_its_hour",
                condition=Q(state__in=["REPORTED", "NOT_FOUND", "FOUND"], closed_at=None)
                | Q(state__in=["RETURNED", "WITHDRAWN", "CLOSED"], closed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="mobility_lost_answer_has_its_hour",
                condition=~Q(state__in=["NOT_FOUND", "FOUND", "RETURNED"])
                | Q(answered_at__isnull=False),
            ),
            # Found is found only with a way back.
            models.CheckConstraint(
                name="mobility_found_has_a_way_back",
                condition=~Q(state__in=["FOUND", "RETURNED"]) | ~Q(way=""),
            ),
        ]
        indexes = [
            models.Index(
                name="mobility_lost_open", fields=["closes_at"], condition=Q(closed_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.what}, {self.order}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class LostStep(models.Model):
    """One state of a lost item, when it was entered and by whom.  Written once."""

    item = models.ForeignKey(LostItem, models.CASCADE, related_name="steps")
    state = models.CharField(_("state"), max_length=9, choices=LostItem.State)
    by = models.CharField(_("by"), max_length=100)
    said = models.CharField(_("what was said"), max_length=200, blank=True)
    taken_at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("step of a lost item")
        verbose_name_plural = _("steps of lost items")
        constraints = [
            models.UniqueConstraint(name="mobility_lost_each_state_once", fields=["item", "state"])
        ]

    def __str__(self) -> str:
        return f"{self.item_id} {self.state}"
