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
from apps.kernel.office import ActsWithReason, Facts
from apps.mobility import operations
from apps.mobility.models import Alert, Ride, ShareLink, Vehicle, VehicleEvent
from apps.parties.authentication import asking

COMPLAINTS: dict[type[Exception], str | Promise] = {operations.AlertClosed: _("closed already")}


@admin.register(Vehicle)
class VehicleAdmin(Personal, ModelAdmin):
    people = ("worker.user_id",)
    list_display = ("plate", "make", "colour", "worker")
    search_fields = ("plate", "worker__user__name")
    list_select_related = ("worker__user", "worker__provider")


@admin.register(Ride)
class RideAdmin(Personal, Facts):
    people, named = ("order.consumer_id", "order.worker.user_id"), "order.code"
    list_display = ("order", "pickup_name", "dropoff_name", "metres", "seconds", "pickup_eta_at")
    search_fields = ("order__ref", "pickup_name", "dropoff_name")
    # The start code is between the rider and the driver.
    exclude = ("code",)


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
