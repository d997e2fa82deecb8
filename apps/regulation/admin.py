from collections.abc import Callable
from datetime import datetime
from typing import Any, cast
from uuid import uuid4

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.kernel.office import ActsWithReason, FactsInline
from apps.parties.admin import ProviderAdmin
from apps.parties.office import BesideDistricts, OfDistricts
from apps.regulation import (
    admin_applications,
    admin_cases,
    admin_decisions,
    admin_papers,
    admin_policies,
    operations,
    queries,
)
from apps.regulation.admin_import import import_page
from apps.regulation.forms import Grant
from apps.regulation.forms_permits import Announce, Suspend, city_here
from apps.regulation.models import Permit
from apps.regulation.queries_permits import ending

# Desks of their own, which register themselves.
__all__ = [
    "admin_applications",
    "admin_cases",
    "admin_decisions",
    "admin_papers",
    "admin_policies",
]


class PermitInline(BesideDistricts, FactsInline):
    model = Permit
    fields = ("number", "vertical", "valid", "revoked_at", "reason")
    tab = True


# A provider's page shows its permits; the provider itself knows nothing of them.
ProviderAdmin.inlines = (*ProviderAdmin.inlines, PermitInline)


class Ending(admin.SimpleListFilter):
    """What ends soon and nothing follows, and what is out of force for a while."""

    title = _("worklist")
    parameter_name = "worklist"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        days = [(str(one), _("Ends in %d days") % one) for one in (7, 30, 60)]
        return [*days, ("suspended", _("Suspended"))]

    def queryset(self, request: HttpRequest, permits: QuerySet[Permit]) -> QuerySet[Permit]:
        if self.value() in ("7", "30", "60"):
            return permits.filter(ending(clock.now(), int(str(self.value()))))
        if self.value() == "suspended":
            return permits.filter(queries.suspended(clock.now()), revoked_at=None)
        return permits


@admin.register(Permit)
class PermitAdmin(OfDistricts, ActsWithReason):
    """Permits are granted, revoked and restored, and never otherwise changed."""

    list_display = (
        "number",
        "provider",
        "vertical",
        "valid",
        "suspended_at",
        "revoked_at",
        "reason",
    )
    list_filter = (Ending, "vertical", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("provider",)
    search_fields = ("number", "provider__name")
    ordering = ("-pk",)
    actions = ("announce", "suspend", "lift", "revoke", "restore")
    autocomplete_fields = ("provider",)
    list_before_template = "admin/regulation/permits_head.html"

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm("regulation.add_permit")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(import_page)
        return [path("import/", view, name="regulation_permit_import"), *super().get_urls()]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("regulation.revoke_permit")

    def get_form(self, request: HttpRequest, obj: Permit | None = None, **rest: Any) -> Any:
        return super().get_form(request, obj, **rest | ({} if obj else {"form": Grant}))

    def get_fields(self, request: HttpRequest, obj: Permit | None = None) -> Any:
        if obj:
            suspended = ("suspended_at", "suspended_until", "suspended_for")
            revoked = ("revoked_at", "reason")
            return ("number", "provider", "vertical", "valid", "conditions", *suspended, *revoked)
        return ("provider", "vertical", "number", "valid_from", "valid_until")

    def save_model(self, request: HttpRequest, obj: Permit, form: Any, change: bool) -> None:
        told = form.cleaned_data
        granted = operations.grant_permit(
            provider_id=told["provider"].pk,
            vertical=told["vertical"],
            number=told["number"],
            valid_from=told["valid_from"],
            valid_until=told["valid_until"],
            by=_officer(request),
            at=clock.now(),
        )
        obj.pk, obj.valid = granted.pk, granted.valid

    def add_view(self, request: HttpRequest, *args: Any, **rest: Any) -> HttpResponse:
        try:
            return cast(HttpResponse, super().add_view(request, *args, **rest))
        except (operations.PermitOverlaps, operations.NumberTaken):
            # Another officer was faster, between our look and our write.
            said = _("Another officer has just granted this number or this time.")
            self.message_user(request, said, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, permits: QuerySet[Permit]) -> HttpResponse | None:
        return self._act(request, permits, "revoke", _("Revoke permits"), operations.revoke_permit)

    @admin.action(description=_("Suspend"), permissions=["revoke"])
    def suspend(self, request: HttpRequest, permits: QuerySet[Permit]) -> HttpResponse | None:
        def act(permit: Permit, reason: str, until: datetime | None) -> None:
            operations.suspend_permit(
                permit_id=permit.pk,
                reason=reason,
                until=until,
                by=_officer(request),
                at=clock.now(),
            )

        gone: dict[type[Exception], str | Promise] = {operations.NoSuchPermit: _("it is revoked")}
        title = _("Suspend permits")
        return self.with_reason(request, permits, "suspend", title, act, gone, Suspend)

    @admin.action(description=_("Lift the suspension"), permissions=["revoke"])
    def lift(self, request: HttpRequest, permits: QuerySet[Permit]) -> HttpResponse | None:
        title = _("Lift suspensions")
        return self._act(request, permits, "lift", title, operations.lift_suspension)

    @admin.action(description=_("Announce a hearing"), permissions=["revoke"])
    def announce(self, request: HttpRequest, permits: QuerySet[Permit]) -> HttpResponse | None:
        def act(permit: Permit, **told: Any) -> None:
            operations.announce_hearing(
                key=uuid4(),
                permit_id=permit.pk,
                city_id=city_here().pk,
                officer_id=int(_officer(request).id),
                by=_officer(request),
                at=clock.now(),
                **told,
            )

        complaints: dict[type[Exception], str | Promise] = {
            operations.NoSuchPermit: _("it is revoked"),
            operations.AlreadyOpened: _("a hearing about it is under way"),
        }
        title = _("Announce hearings")
        return self.with_reason(request, permits, "announce", title, act, complaints, Announce)

    @admin.action(description=_("Restore"), permissions=["revoke"])
    def restore(self, request: HttpRequest, permits: QuerySet[Permit]) -> HttpResponse | None:
        return self._act(
            request, permits, "restore", _("Restore permits"), operations.restore_permit
        )

    def _act(
        self,
        request: HttpRequest,
        permits: QuerySet[Permit],
        name: str,
        title: str | Promise,
        operation: Callable[..., None],
    ) -> HttpResponse | None:
        def act(permit: Permit, reason: str) -> None:
            operation(permit_id=permit.pk, reason=reason, by=_officer(request), at=clock.now())

        complaints: dict[type[Exception], str | Promise] = {
            operations.PermitOverlaps: _("another permit has taken its place")
        }
        return self.with_reason(request, permits, name, title, act, complaints)


def _officer(request: HttpRequest) -> Actor:
    return Actor(Kind.OFFICER, str(request.user.pk))
