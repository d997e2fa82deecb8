from datetime import timedelta
from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.bus import operations
from apps.bus.models import Delivery, DeliveryQuerySet, Event
from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.kernel.office import Facts, FactsInline


class DeliveryInline(FactsInline):
    model = Delivery
    fields = ("subscriber", "due_at", "done_at", "failures", "error", "dead_at")
    ordering = ("pk",)


@admin.register(Event)
class EventAdmin(Facts):
    """What happened, and who has heard of it."""

    list_display = ("id", "topic", "by", "happened_at", "source", "streamed_at")
    list_filter = ("happened_at", ("streamed_at", admin.EmptyFieldListFilter))
    search_fields = ("=id", "topic", "by")
    ordering = ("-pk",)
    show_full_result_count = False
    inlines = (DeliveryInline,)


class State(admin.SimpleListFilter):
    """How far a delivery has come."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("waiting")), ("dead", _("given up")), ("done", _("done"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        deliveries = cast(DeliveryQuerySet, queryset)
        match self.value():
            case "waiting":
                return deliveries.waiting()
            case "dead":
                return deliveries.dead()
            case "done":
                return deliveries.filter(done_at__isnull=False)
        return deliveries


@admin.register(Delivery)
class DeliveryAdmin(Facts):
    """Who was to hear of what.  What was given up is sent once more from here."""

    list_display = ("id", "event", "subscriber", "state", "due_at", "took", "failures", "error")
    list_filter = (State, "due_at")
    list_select_related = ("event",)
    search_fields = ("=event__id", "subscriber", "event__topic")
    ordering = ("-pk",)
    show_full_result_count = False
    actions = ("retry",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("bus.retry_delivery")

    @admin.display(description=_("state"))
    def state(self, delivery: Delivery) -> Any:
        if delivery.done_at:
            return _("done")
        return _("given up") if delivery.dead_at else _("waiting")

    @admin.display(description=_("took"))
    def took(self, delivery: Delivery) -> timedelta | None:
        return delivery.done_at - delivery.event.happened_at if delivery.done_at else None

    @admin.action(description=_("Send once more"), permissions=["retry"])
    def retry(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        """What is done stays done."""
        officer = Actor(Kind.OFFICER, str(request.user.pk))
        undone = list(deliveries.filter(done_at=None))
        for delivery in undone:
            operations.retry(delivery_id=delivery.pk, by=officer, at=clock.now())
        said = ngettext(
            "%d delivery is sent once more.", "%d deliveries are sent once more.", len(undone)
        )
        self.message_user(request, said % len(undone), messages.SUCCESS)
