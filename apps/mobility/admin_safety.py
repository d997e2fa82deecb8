"""The office's desk for safety: what was unusual, by which rules, and where a ride went."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.audit.office import Personal, Purpose
from apps.dispatch import operations as dispatch
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.office import ActsWithReason, Facts, Reason
from apps.mobility import operations
from apps.mobility.models import Ride, SafetyCheck, SafetyRules
from apps.mobility.safety import metres_off
from apps.parties.authentication import asking
from apps.parties.models import Consumer

FIGURES = tuple(
    field.name for field in SafetyRules._meta.fields if field.name not in ("id", "city")
)
# A row of the table stands for about so many seconds; the line on the map has every moment.
ROW_EVERY = 30


class NeedFilter(admin.SimpleListFilter):
    """Rides of those who need something; beside the stages it shows who was served."""

    title = _("needs")
    parameter_name = "need"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("any", _("any need")), *Consumer.Need.choices]

    def queryset(self, request: HttpRequest, rides: QuerySet[Ride]) -> QuerySet[Ride]:
        if self.value() == "any":
            return rides.exclude(needs=[])
        return rides.filter(needs__contains=[self.value()]) if self.value() else rides


@admin.register(Ride)
class RideAdmin(Personal, Facts):
    people, named = ("order.consumer_id", "order.worker.user_id"), "order.code"
    list_display = (
        "order",
        "pickup_name",
        "dropoff_name",
        "metres",
        "seconds",
        "needs",
        "pickup_eta_at",
    )
    list_filter = (NeedFilter, "order__stage")
    list_select_related = ("order",)
    search_fields = ("order__ref", "pickup_name", "dropoff_name")
    # The start code is between the rider and the driver.
    exclude = ("code",)

    def get_urls(self) -> list[Any]:
        """The list, the page, and where the ride went."""
        trail = path(
            "<uuid:ref>/trail/", self.admin_site.admin_view(self.trail), name="mobility_ride_trail"
        )
        return [trail, *super().get_urls()]

    def trail(self, request: HttpRequest, ref: Any) -> HttpResponse:
        """Where a ride went, for officers with leave who say why: each look stays on record."""
        if not asking(request).has_perm("dispatch.view_trace"):
            raise PermissionDenied
        ride = Ride.objects.select_related("order__city").filter(order__ref=ref).first()
        if ride is None:
            raise Http404
        form = Reason(request.POST if request.method == "POST" else None)
        # In an inspection of one of them its purpose stands, and nothing more is asked.
        purpose = self.purpose(request, ride)
        if not purpose.inspection:
            purpose = Purpose(form.cleaned_data["reason"] if form.is_valid() else "")
        page = self.admin_site.each_context(request) | {
            "title": _("Way of ride %(code)s") % {"code": ride.order.code},
            "form": form,
            "ride": ride,
            "city": ride.order.city,
            "opts": self.opts,
        }
        if purpose.why:
            if unseen := self.leave_a_line(request, ride, purpose):
                return unseen
            traces = dispatch.open_trail(
                holder=ride.order.ref,
                reason=purpose.why,
                by=asking(request).acting(Kind.OFFICER),
                at=clock.now(),
            )
            page |= {
                "traces": traces,
                "rows": _rows(ride, traces),
                "map": {
                    "planned": ride.line,
                    "driven": [[one.lon, one.lat] for one in traces],
                    "start": _end(ride.pickup_lat, ride.pickup_lon, ride.pickup_name),
                    "end": _end(ride.dropoff_lat, ride.dropoff_lon, ride.dropoff_name),
                },
            }
        return TemplateResponse(request, "mobility/office/trail.html", page)


def _end(lat: float, lon: float, name: str) -> dict[str, Any]:
    return {"lat": lat, "lon": lon, "title": name}


def _rows(ride: Ride, traces: list[Any]) -> list[dict[str, Any]]:
    """One moment in each half minute, the first and the last among them, as a table."""
    off = metres_off(ride.line) if len(ride.line) > 1 else None
    rows: list[dict[str, Any]] = []
    last = len(traces) - 1
    for place, one in enumerate(traces):
        is_due = not rows or (one.seen_at - rows[-1]["at"]).total_seconds() >= ROW_EVERY
        if is_due or place == last:
            rows.append(
                {
                    "at": one.seen_at,
                    "time": f"{ride.order.city.now(one.seen_at):%H:%M:%S}",
                    "where": str(one.point),
                    "metres": off and round(off(one.point)),
                }
            )
    return rows


@admin.register(SafetyCheck)
class SafetyCheckAdmin(Personal, ActsWithReason):
    """What was unusual on rides, what both said, and what an officer found."""

    people, named = ("order.consumer_id", "order.worker.user_id"), "order.code"

    list_display = (
        "asked_at",
        "order",
        "kind",
        "rider_said",
        "driver_said",
        "escalated_at",
        "closed_at",
    )
    list_filter = ("kind", "rider_said", "order__city")
    list_select_related = ("order",)
    search_fields = ("order__ref",)
    ordering = ("-asked_at",)
    actions = ("close",)

    def has_close_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("mobility.close_safetycheck")

    @admin.action(description=_("Close"), permissions=["close"])
    def close(self, request: HttpRequest, checks: QuerySet[SafetyCheck]) -> HttpResponse | None:
        officer = asking(request).acting(Kind.OFFICER)

        def act(check: SafetyCheck, reason: str) -> None:
            operations.close_check(check_id=check.pk, reason=reason, by=officer, at=clock.now())

        return self.with_reason(request, checks, "close", _("Close safety checks"), act, {})


@admin.register(SafetyRules)
class SafetyRulesAdmin(ModelAdmin):
    """What each city takes for unusual.  A city without a row has the figures of a new one."""

    list_display = ("city", *FIGURES)
    list_select_related = ("city",)
    fields = (
        "city",
        ("off_way_metres", "off_way_seconds"),
        ("still_metres", "still_seconds"),
        ("late_percent", "late_seconds"),
        ("silent_seconds", "answer_seconds"),
        "trail_days",
    )

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: SafetyRules | None = None) -> Any:
        return ("city",) if obj else ()

    def save_model(self, request: HttpRequest, obj: SafetyRules, form: Any, change: bool) -> None:
        operations.set_safety_rules(
            city_id=obj.city_id,
            figures={name: getattr(obj, name) for name in FIGURES},
            by=asking(request).acting(Kind.OFFICER),
            at=clock.now(),
        )
        obj.pk = SafetyRules.objects.values_list("pk", flat=True).get(city=obj.city_id)
