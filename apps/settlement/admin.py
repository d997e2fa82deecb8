from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from apps.audit import operations as audit
from apps.audit.office import Personal
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.office import ActsWithReason, Facts
from apps.parties.authentication import asking
from apps.places.models import City
from apps.settlement import operations, queries, queries_tax, reports
from apps.settlement.forms import ApproveForm, PayeeForm, ReserveForm
from apps.settlement.models import (
    Invoice,
    Night,
    Payee,
    Payout,
    PayoutPlan,
    Reserve,
    Shortfall,
)
from apps.settlement.views import csv_of

COMPLAINTS: dict[type[Exception], str | Promise] = {
    operations.NotPossible: _("not possible in its present state"),
    operations.SettledSince: _("its money is in a later payout already"),
    operations.NotABankAccount: _("this is no bank account's number"),
    operations.FourEyes: _("you proposed it yourself: another officer decides on it"),
    audit.NotSealed: _("nothing has been sealed for hours, and until it is no money leaves"),
}


@admin.register(Payout)
class PayoutAdmin(ActsWithReason):
    """Payouts, which officers hold, release and send once more, each time saying why."""

    list_display = ("day", "whose", "account", "kind", "sum", "state", "failure", "paid_at")
    list_filter = ("state", "kind", "currency")
    list_select_related = ("provider", "payee")
    search_fields = ("ref", "provider__name", "payee__name", "account")
    ordering = ("-day", "-pk")
    readonly_fields = ("sum", "whose")
    actions = ("hold", "release", "retry")
    actions_detail = ("statement",)

    @action(description=_("Download the statement"), permissions=["view"], url_path="statement")
    def statement(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Every line of it: of the city's own payouts, too, which no provider reads."""
        return csv_of(get_object_or_404(Payout, pk=object_id))

    def has_hold_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("settlement.hold_payout")

    @admin.display(description=_("paid to"), ordering="account")
    def whose(self, payout: Payout) -> str:
        return str(payout.whose)

    @admin.display(description=_("amount"), ordering="amount_minor")
    def sum(self, payout: Payout) -> str:
        return str(payout.amount)

    @admin.action(description=_("Hold"), permissions=["hold"])
    def hold(self, request: HttpRequest, payouts: QuerySet[Payout]) -> HttpResponse | None:
        return self._act(request, payouts, "hold", _("Hold payouts"), operations.hold_payout)

    @admin.action(description=_("Release"), permissions=["hold"])
    def release(self, request: HttpRequest, payouts: QuerySet[Payout]) -> HttpResponse | None:
        title = _("Release payouts")
        return self._act(request, payouts, "release", title, operations.release_payout)

    @admin.action(description=_("Send once more"), permissions=["hold"])
    def retry(self, request: HttpRequest, payouts: QuerySet[Payout]) -> HttpResponse | None:
        title = _("Send payouts once more")
        return self._act(request, payouts, "retry", title, operations.retry_payout)

    def _act(
        self,
        request: HttpRequest,
        payouts: QuerySet[Payout],
        name: str,
        title: str | Promise,
        operation: Callable[..., Any],
    ) -> HttpResponse | None:
        officer = asking(request).acting(Kind.OFFICER)

        def act(payout: Payout, reason: str) -> None:
            operation(payout_id=payout.pk, reason=reason, by=officer, at=clock.now())

        return self.with_reason(request, payouts, name, title, act, COMPLAINTS)


@admin.register(Night)
class NightAdmin(Facts):
    """The nights that are settled, city by city."""

    list_display = ("city", "day", "settled_at")
    list_select_related = ("city",)
    ordering = ("-day", "city")


@admin.register(PayoutPlan)
class PayoutPlanAdmin(ActsWithReason):
    """When providers are paid; what is kept back of it is an officer's to say."""

    list_display = ("provider", "currency", "schedule", "minimum_minor", "reserve_bp",
                    "reserve_days", "instant_bp")  # fmt: skip
    list_filter = ("schedule", "currency")
    list_select_related = ("provider",)
    search_fields = ("provider__name",)
    ordering = ("provider__name", "currency")
    actions = ("set_reserve",)

    def has_set_reserve_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("settlement.set_reserve")

    @admin.action(description=_("Keep back a reserve"), permissions=["set_reserve"])
    def set_reserve(self, request: HttpRequest, plans: QuerySet[PayoutPlan]) -> HttpResponse | None:
        officer = asking(request).acting(Kind.OFFICER)

        def act(plan: PayoutPlan, reason: str, reserve: Decimal, days: int, fee: Decimal) -> None:
            operations.set_reserve(
                provider_id=plan.provider_id,
                currency=plan.currency,
                reserve_bp=int(reserve * 100),
                reserve_days=days,
                instant_bp=int(fee * 100),
                reason=reason,
                by=officer,
                at=clock.now(),
            )

        title = _("Keep back a reserve")
        return self.with_reason(
            request, plans, "set_reserve", title, act, COMPLAINTS, asks=ReserveForm
        )


@admin.register(Payee)
class PayeeAdmin(ActsWithReason):
    """The city, its tax authority and the platform: where they are paid, and what they are owed."""

    list_display = ("name", "prefix", "schedule", "ending", "proposed", "owed", "settled_on")
    list_select_related = ("city",)
    ordering = ("city", "pk")
    exclude = ("bank_account", "proposed_account")
    readonly_fields = ("ending", "proposed", "owed")
    actions = ("set_payee", "approve")

    def has_set_payee_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("settlement.set_payee")

    @admin.display(description=_("bank account"))
    def ending(self, payee: Payee) -> str:
        return f"…{payee.bank_account[-4:]}" if payee.bank_account else str(_("not known yet"))

    @admin.display(description=_("waits for approval"))
    def proposed(self, payee: Payee) -> str:
        return payee.proposed_account

    @admin.display(description=_("owed by account"))
    def owed(self, payee: Payee) -> str:
        return ", ".join(f"{code} {sum}" for code, sum in queries.owed_to(payee) if sum)

    @admin.action(description=_("Say where it is paid"), permissions=["set_payee"])
    def set_payee(self, request: HttpRequest, payees: QuerySet[Payee]) -> HttpResponse | None:
        officer = asking(request).acting(Kind.OFFICER)

        def act(payee: Payee, reason: str, bank_account: str, schedule: str) -> None:
            operations.set_payee(
                payee_id=payee.pk,
                bank_account=bank_account,
                schedule=Payee.Schedule(schedule),
                reason=reason,
                by=officer,
                at=clock.now(),
            )

        title = _("Say where it is paid")
        return self.with_reason(
            request, payees, "set_payee", title, act, COMPLAINTS, asks=PayeeForm
        )

    @admin.action(description=_("Approve the bank account"), permissions=["set_payee"])
    def approve(self, request: HttpRequest, payees: QuerySet[Payee]) -> HttpResponse | None:
        officer = asking(request).acting(Kind.OFFICER)

        def act(payee: Payee, reason: str, account: str) -> None:
            operations.approve_payee(
                payee_id=payee.pk, account=account, reason=reason, by=officer, at=clock.now()
            )

        title = _("Approve the bank account")
        return self.with_reason(
            request, payees, "approve", title, act, COMPLAINTS, asks=ApproveForm
        )


@admin.register(Reserve)
class ReserveAdmin(Facts):
    """What is kept back of providers' earnings, and until when."""

    list_display = ("until", "provider", "amount_minor", "currency", "released_at")
    list_filter = (("released_at", admin.EmptyFieldListFilter), "currency")
    list_select_related = ("provider",)
    search_fields = ("provider__name",)
    ordering = ("until", "pk")


@admin.register(Shortfall)
class ShortfallAdmin(Facts):
    """Providers who owe more than they earned, the longest first."""

    list_display = ("since", "provider", "amount_minor", "currency", "ended_on")
    list_filter = (("ended_on", admin.EmptyFieldListFilter), "currency")
    list_select_related = ("provider",)
    search_fields = ("provider__name",)
    ordering = ("since", "pk")


@admin.register(Invoice)
class InvoiceAdmin(Personal, Facts):
    """Invoices and credit notes as they were issued, and the year's report for the tax office."""

    list_display = ("code", "kind", "issuer_name", "recipient_name", "total", "day")
    list_filter = ("kind", "year", "currency")
    list_select_related = ("provider",)
    search_fields = ("ref", "issuer_name", "recipient_name")
    ordering = ("-pk",)
    people = ("consumer_id",)
    named = "ref"
    actions_list = ("report_csv", "report_xml")

    @action(
        description=_("The year for the tax office (CSV)"),
        url_path="dac7-csv",
        permissions=["view"],
    )
    def report_csv(self, request: HttpRequest) -> HttpResponse:
        return _report(request, "csv", reports.as_csv)

    @action(
        description=_("The year for the tax office (XML)"),
        url_path="dac7-xml",
        permissions=["view"],
    )
    def report_xml(self, request: HttpRequest) -> HttpResponse:
        return _report(request, "xml", reports.as_xml)


def _report(request: HttpRequest, ends: str, write: Callable[..., str]) -> HttpResponse:
    """The report of `?year=`, or of the last year that is over; city after city."""
    this = clock.now().year
    told = request.GET.get("year", str(this - 1))
    if not (told.isascii() and told.isdigit() and len(told) == 4 and 2000 <= int(told) <= this):
        return HttpResponse(_("There is no report of this year."), status=422)
    years = [
        one for city in City.objects.order_by("pk") for one in queries_tax.year_of(city, int(told))
    ]
    response = HttpResponse(write(years, int(told)), content_type=f"text/{ends}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="dac7-{told}.{ends}"'
    return response
