from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.audit.office import Personal
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.office import ActsWithReason, Facts, FactsInline
from apps.mobility import admin_safety, operations
from apps.mobility.models import Alert, LostItem, LostStep, ShareLink, Vehicle, VehicleEvent
from apps.parties.authentication import asking

__all__ = ["admin_safety"]

COMPLAINTS: dict[type[Exception], str | Promise] = {operations.AlertClosed: _("closed already")}


@admin.register(Vehicle)
class VehicleAdmin(Personal, ModelAdmin):
    people = ("worker.user_id",)
    list_display = ("plate", "make", "colour", "worker")
    search_fields = ("plate", "worker__user__name")
    list_select_related = ("worker__user", "worker__provider")


@admin.register(VehicleEvent)
class VehicleEventAdmin(Personal, Facts):
    people = ("worker.user_id", "order.consumer_id")
    list_display = ("worker", "event", "state", "order", "happened_at")
    list_filter = ("event", "state")
    ordering = ("-pk",)


@admin.register(ShareLink)
class ShareLinkAdmin(Personal, Facts):
    people, named = ("order.consumer_id",), "order.code"
    list_display = ("order", "made_at", "expires_at", "revoked_at")
    exclude = ("digest",)
    ordering = ("-pk",)


@admin.register(Alert)
class AlertAdmin(Personal, ActsWithReason):
    """Calls for help, which officers take up and close, each time saying what they do."""

    people, named = ("order.consumer_id", "order.worker.user_id"), "order.code"
    list_display = ("raised_at", "order", "part", "lat", "lon", "acknowledged_at", "closed_at")
    list_filter = ("part",)
    list_select_related = ("order",)
    search_fields = ("order__ref",)
    ordering = ("-raised_at",)
    actions = ("acknowledge", "close")

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("mobility.answer_alert")

    @admin.action(description=_("Take up"), permissions=["answer"])
    def acknowledge(self, request: HttpRequest, alerts: QuerySet[Alert]) -> HttpResponse | None:
        title = _("Take up calls for help")
        return self._act(request, alerts, "acknowledge", title, operations.acknowledge_alert)

    @admin.action(description=_("Close"), permissions=["answer"])
    def close(self, request: HttpRequest, alerts: QuerySet[Alert]) -> HttpResponse | None:
        title = _("Close calls for help")
        return self._act(request, alerts, "close", title, operations.close_alert)

    def _act(
        self,
        request: HttpRequest,
        alerts: QuerySet[Alert],
        name: str,
        title: str | Promise,
        operation: Callable[..., Any],
    ) -> HttpResponse | None:
        officer = asking(request).acting(Kind.OFFICER)

        def act(alert: Alert, reason: str) -> None:
            operation(alert_id=alert.pk, reason=reason, by=officer, at=clock.now())

        return self.with_reason(request, alerts, name, title, act, COMPLAINTS)


class LostStepInline(FactsInline):
    model = LostStep


@admin.register(LostItem)
class LostItemAdmin(Personal, ActsWithReason):
    """Things left in cars.  Rider and driver settle it; an officer closes what they cannot."""

    people, named = ("order.consumer_id", "order.worker.user_id"), "order.code"
    list_display = ("reported_at", "what", "place", "order", "state", "closes_at", "closed_at")
    list_filter = ("state",)
    list_select_related = ("order",)
    search_fields = ("what", "order__ref")
    ordering = ("-reported_at",)
    actions = ("close",)
    inlines = (LostStepInline,)

    def has_close_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("mobility.close_lost")

    @admin.action(description=_("Close"), permissions=["close"])
    def close(self, request: HttpRequest, items: QuerySet[LostItem]) -> HttpResponse | None:
        officer = asking(request).acting(Kind.OFFICER)

        def act(item: LostItem, reason: str) -> None:
            operations.close_lost(item_id=item.pk, reason=reason, by=officer, at=clock.now())

        complaints: dict[type[Exception], str | Promise] = {
            operations.LostOutOfTurn: _("closed already")
        }
        return self.with_reason(request, items, "close", _("Close reports"), act, complaints)
