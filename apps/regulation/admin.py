from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.audit.office import Proven
from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.kernel.office import ActsWithReason, Facts, FactsInline
from apps.parties.admin import ProviderAdmin
from apps.parties.office import BesideDistricts, OfDistricts
from apps.regulation import admin_papers, operations, queries, seals
from apps.regulation.forms import Grant
from apps.regulation.models import Allowance, Decision, Permit

# Papers have a desk of their own, which registers itself.
__all__ = ["admin_papers"]


class PermitInline(BesideDistricts, FactsInline):
    model = Permit
    fields = ("number", "vertical", "valid", "revoked_at", "reason")
    tab = True


# A provider's page shows its permits; the provider itself knows nothing of them.
ProviderAdmin.inlines = (*ProviderAdmin.inlines, PermitInline)


@admin.register(Permit)
class PermitAdmin(OfDistricts, ActsWithReason):
    """Permits are granted, revoked and restored, and never otherwise changed."""

    list_display = ("number", "provider", "vertical", "valid", "revoked_at", "reason")
    list_filter = ("vertical", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("provider",)
    search_fields = ("number", "provider__name")
    ordering = ("-pk",)
    actions = ("revoke", "restore")
    autocomplete_fields = ("provider",)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm("regulation.add_permit")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("regulation.revoke_permit")

    def get_form(self, request: HttpRequest, obj: Permit | None = None, **rest: Any) -> Any:
        return super().get_form(request, obj, **rest | ({} if obj else {"form": Grant}))

    def get_fields(self, request: HttpRequest, obj: Permit | None = None) -> Any:
        if obj:
            return ("number", "provider", "vertical", "valid", "revoked_at", "reason")
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


@admin.register(Decision)
class DecisionAdmin(Proven, Facts):
    """What the city was asked, and what it said."""

    stream = seals.STREAM
    list_display = ("id", "decided_at", "act", "provider", "vertical", "answer", "rule")
    list_filter = ("act", "vertical", ("refusal", admin.EmptyFieldListFilter), "decided_at")
    list_select_related = ("provider",)
    search_fields = ("provider__name", "=ref", "=rule")
    ordering = ("-pk",)
    show_full_result_count = False

    @admin.display(description=_("answer"))
    def answer(self, decision: Decision) -> Any:
        return queries.explain(decision.refusal) or _("granted")


@admin.register(Allowance)
class AllowanceAdmin(Facts):
    """How much the city allows, and how much of it is gone."""

    list_display = ("subject", "period", "fact", "used", "cap")
    list_filter = ("period", "fact")
    search_fields = ("subject",)
    ordering = ("subject", "period", "fact")


def _officer(request: HttpRequest) -> Actor:
    return Actor(Kind.OFFICER, str(request.user.pk))
