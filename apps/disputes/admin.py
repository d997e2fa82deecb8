from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.audit.office import Personal
from apps.disputes import operations, words
from apps.disputes.models import Dispute, Evidence
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.office import ActsWithReason, FactsInline
from apps.parties.authentication import asking

COMPLAINTS: dict[type[Exception], str | Promise] = {
    operations.TooLate: _("the day until which the bank listens has passed"),
    operations.NotPossible: _("the bank has it already, or has decided"),
    operations.NothingToSay: _("there is no evidence to send"),
}


class EvidenceInline(FactsInline):
    model = Evidence
    fields = ("kind", "text", "added_by", "added_at")
    ordering = ("pk",)


@admin.register(Dispute)
class DisputeAdmin(Personal, ActsWithReason):
    """The disputes desk: what waits for an answer comes first, the nearest day above all."""

    people = ("payment__payer_id",)
    list_display = (
        "due_by",
        "provider",
        "sum",
        "because",
        "state",
        "wish",
        "error",
        "opened_at",
    )
    list_filter = ("state", "currency", "reason")
    list_select_related = ("provider", "payment")
    search_fields = ("reference", "provider__name", "payment__label")
    ordering = (F("closed_at").desc(nulls_first=True), F("due_by").asc(), "-pk")
    readonly_fields = ("sum", "because")
    fields = (
        ("state", "sum", "because"),
        ("due_by", "opened_at", "submitted_at", "closed_at"),
        ("payment", "order", "provider", "reference"),
        ("taken_minor", "lost_minor", "currency"),
        ("wish", "why", "error"),
    )
    inlines = (EvidenceInline,)
    actions = ("answer", "accept")

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("disputes.answer_dispute")

    @admin.display(description=_("amount"), ordering="amount_minor")
    def sum(self, dispute: Dispute) -> str:
        return str(dispute.amount)

    @admin.display(description=_("reason"), ordering="reason")
    def because(self, dispute: Dispute) -> str:
        return words.reason_of(dispute.reason)

    @admin.action(description=_("Send to the bank"), permissions=["answer"])
    def answer(self, request: HttpRequest, disputes: QuerySet[Dispute]) -> HttpResponse | None:
        title = _("Send the evidence to the bank")
        return self._act(request, disputes, "answer", title, operations.answer)

    @admin.action(description=_("Accept the loss"), permissions=["answer"])
    def accept(self, request: HttpRequest, disputes: QuerySet[Dispute]) -> HttpResponse | None:
        title = _("Accept the loss")
        return self._act(request, disputes, "accept", title, operations.accept)

    def _act(
        self,
        request: HttpRequest,
        disputes: QuerySet[Dispute],
        name: str,
        title: str | Promise,
        operation: Callable[..., Any],
    ) -> HttpResponse | None:
        officer = asking(request).acting(Kind.OFFICER)

        def act(dispute: Dispute, reason: str) -> None:
            operation(dispute_id=dispute.pk, reason=reason, by=officer, at=clock.now())

        return self.with_reason(request, disputes, name, title, act, COMPLAINTS)
