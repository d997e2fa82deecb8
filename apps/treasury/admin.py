from collections.abc import Callable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.money import Money
from apps.kernel.office import ActsWithReason, Facts, FactsInline, Reason
from apps.ledger import operations as ledger
from apps.parties.authentication import asking
from apps.treasury import operations
from apps.treasury.forms import Correction
from apps.treasury.models import (
    BankFile,
    BankLine,
    Difference,
    DifferenceEvent,
    GatewayLine,
    Run,
)

COMPLAINTS: dict[type[Exception], str | Promise] = {
    operations.NotPossible: _("not possible in its present state, or no sum differs"),
    operations.SameOfficer: _("a second officer approves it, not whoever proposed it"),
    ledger.BeyondLimit: _("not possible in its present state, or no sum differs"),
    LookupError: _("there is no such account in this currency"),
}


@admin.register(GatewayLine)
class GatewayLineAdmin(Facts):
    """Every movement in the gateway's own books, with the journal that it was matched with."""

    list_display = ("reference", "kind", "sum", "charge", "source", "journal", "created_at")
    list_filter = ("kind", "currency", ("journal", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("journal",)
    search_fields = ("reference", "source", "parent")
    ordering = ("-created_at", "-pk")
    show_full_result_count = False
    readonly_fields = ("sum", "charge")
    fields = (
        ("reference", "kind"),
        ("sum", "charge"),
        ("source", "parent"),
        ("journal", "booked_at"),
        ("created_at", "available_on", "read_at"),
        "payload",
    )

    @admin.display(description=_("amount"), ordering="amount_minor")
    def sum(self, line: GatewayLine) -> str:
        return str(line.amount)

    @admin.display(description=_("fee"), ordering="fee_minor")
    def charge(self, line: GatewayLine) -> str:
        return str(line.fee)


class BankLines(FactsInline):
    model = BankLine
    fields = ("number", "booked_on", "sum", "reference", "text", "line")
    readonly_fields = ("sum",)
    ordering = ("number",)
    per_page = 50

    @admin.display(description=_("amount"))
    def sum(self, line: BankLine) -> str:
        return str(line.amount)


@admin.register(BankFile)
class BankFileAdmin(Facts):
    """Statements that were handed in, and by whom."""

    list_display = ("name", "format", "lines_count", "known_count", "by", "at")
    search_fields = ("name", "digest")
    ordering = ("-pk",)
    inlines = (BankLines,)


@admin.register(BankLine)
class BankLineAdmin(Facts):
    """The bank's lines, with the gateway's payout that each was matched with."""

    list_display = ("booked_on", "sum", "reference", "text", "line", "file")
    list_filter = ("currency", ("line", admin.EmptyFieldListFilter), "booked_on")
    list_select_related = ("line", "file")
    search_fields = ("reference", "text")
    ordering = ("-booked_on", "-pk")
    readonly_fields = ("sum",)

    @admin.display(description=_("amount"), ordering="amount_minor")
    def sum(self, line: BankLine) -> str:
        return str(line.amount)


@admin.register(Run)
class RunAdmin(Facts):
    """The comparisons of the gateway and the bank with the books."""

    list_display = ("began_at", "lines", "matched", "differences", "took_ms", "by")
    ordering = ("-pk",)


class History(FactsInline):
    model = DifferenceEvent
    fields = ("at", "what", "words", "by")
    ordering = ("pk",)


@admin.register(Difference)
class DifferenceAdmin(ActsWithReason):
    """Where books and world do not agree, who works on it, and until when."""

    list_display = ("kind", "subject", "expected", "found", "state", "owner", "due_on")
    list_filter = ("state", "kind", "due_on", ("owner", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("subject", "ref")
    ordering = ("due_on", "pk")
    readonly_fields = ("expected", "found")
    fields = (
        ("kind", "state", "due_on"),
        ("subject", "happened_at"),
        ("expected", "found"),
        ("line", "bank_line", "journal"),
        ("owner", "reason"),
        ("counter", "proposed_by", "approved_by", "correction"),
    )
    inlines = (History,)
    actions = ("take", "explain", "propose", "approve", "refuse")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in ("state__in", "due_on__lt") or super().lookup_allowed(
            lookup, value, request
        )

    def has_work_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("treasury.work_difference")

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("treasury.approve_correction")

    @admin.display(description=_("in our books"), ordering="expected_minor")
    def expected(self, one: Difference) -> str:
        return _sum(one.expected_minor, one.expected_currency or one.found_currency)

    @admin.display(description=_("found"), ordering="found_minor")
    def found(self, one: Difference) -> str:
        return _sum(one.found_minor, one.found_currency or one.expected_currency)

    @admin.action(description=_("Take it on"), permissions=["work"])
    def take(self, request: HttpRequest, found: QuerySet[Difference]) -> None:
        officer = asking(request).acting(Kind.OFFICER)
        for one in found:
            try:
                operations.take(difference_id=one.pk, by=officer, at=clock.now())
            except operations.NotPossible as no:
                self.message_user(request, f"{one}: {COMPLAINTS[type(no)]}", "WARNING")
            else:
                self.message_user(request, _now("%s is yours.") % one)

    @admin.action(description=_("Explain"), permissions=["work"])
    def explain(self, request: HttpRequest, found: QuerySet[Difference]) -> HttpResponse | None:
        return self._act(request, found, "explain", _("Explain"), operations.explain)

    @admin.action(description=_("Propose a correction"), permissions=["work"])
    def propose(self, request: HttpRequest, found: QuerySet[Difference]) -> HttpResponse | None:
        title = _("Propose a correction")
        return self._act(request, found, "propose", title, operations.propose, Correction)

    @admin.action(description=_("Approve the correction"), permissions=["approve"])
    def approve(self, request: HttpRequest, found: QuerySet[Difference]) -> HttpResponse | None:
        title = _("Approve the correction")
        return self._act(request, found, "approve", title, operations.approve)

    @admin.action(description=_("Refuse the correction"), permissions=["approve"])
    def refuse(self, request: HttpRequest, found: QuerySet[Difference]) -> HttpResponse | None:
        return self._act(request, found, "refuse", _("Refuse the correction"), operations.refuse)

    def _act(
        self,
        request: HttpRequest,
        found: QuerySet[Difference],
        name: str,
        title: str | Promise,
        operation: Callable[..., None],
        asks: type[Reason] = Reason,
    ) -> HttpResponse | None:
        officer = asking(request).acting(Kind.OFFICER)

        def act(one: Difference, **told: str) -> None:
            operation(difference_id=one.pk, by=officer, at=clock.now(), **told)

        return self.with_reason(request, found, name, title, act, COMPLAINTS, asks)


def _sum(minor: int | None, currency: str) -> str:
    return "" if minor is None else str(Money(minor, currency))
