"""The office's look at decisions: what the city was told, whom it asked, what it counted."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.audit.office import Proven
from apps.kernel.office import Facts
from apps.regulation import queries, reasons, seals
from apps.regulation.models import Allowance, Decision


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
    # The rest stands in words above.
    fields = (("ref", "act"), ("city", "provider", "vertical"), ("by", "decided_at"))
    readonly_fields = ("ref",)
    change_form_outer_before_template = "admin/regulation/decision.html"

    @admin.display(description=_("answer"))
    def answer(self, decision: Decision) -> Any:
        return queries.explain(decision.refusal) or _("granted")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        decision = self.get_object(request, object_id)
        told: dict[str, Any] = {}
        if decision and self.has_view_permission(request, decision):
            told = {
                "decision": decision,
                "answer": self.answer(decision),
                "facts": reasons.facts_of(decision),
                "asked": reasons.asked_of(decision),
                "counted": reasons.counted_by(decision),
                "given_back": getattr(decision, "given_back", None),
            }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | told)


@admin.register(Allowance)
class AllowanceAdmin(Facts):
    """How much the city allows, and how much of it is gone."""

    list_display = ("policy", "owner", "period", "fact", "used", "cap")
    list_display_links = ("policy", "owner")
    list_filter = ("period", "fact")
    search_fields = ("subject",)
    # Each row looks up its owner's name.
    list_per_page = 50
    ordering = ("subject", "period", "fact")

    @admin.display(description=_("policy"), ordering="subject")
    def policy(self, allowance: Allowance) -> str:
        return reasons.policy_of(allowance.subject)

    @admin.display(description=_("owner"))
    def owner(self, allowance: Allowance) -> str:
        return reasons.owner_of(allowance.subject)
