from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.audit.office import Personal
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.office import Facts, FactsInline
from apps.orders import operations, verticals
from apps.orders.models import Basket, Change, Order, Step
from apps.parties.admin import ProviderAdmin, WorkerAdmin
from apps.parties.authentication import asking
from apps.parties.office import BesideDistricts, OfDistricts
from apps.regulation.admin import PermitAdmin
from apps.regulation.admin_decisions import DecisionAdmin

# What a district has follows from the orders that began there.
ProviderAdmin.district = WorkerAdmin.district = "orders__district"
PermitAdmin.district = "provider__orders__district"


class StepInline(BesideDistricts, FactsInline):
    model = Step
    fields = ("taken_at", "heard_at", "name", "stage", "state", "by", "reason")
    ordering = ("pk",)


class ChangeInline(FactsInline):
    model = Change
    fields = ("number", "state", "before", "after", "holder", "reason", "asked_at", "answered_at")
    ordering = ("number",)


class OrderInline(FactsInline):
    model = Order
    fields = ("code", "vertical", "state", "stage", "placed_at")
    readonly_fields = ("code",)


# A decision's page shows the order that it allowed.
DecisionAdmin.inlines = (*DecisionAdmin.inlines, OrderInline)


@admin.register(Order)
class OrderAdmin(OfDistricts, Personal, Facts):
    """Orders of every kind, with their steps and the price that was frozen."""

    district = "district"
    people, named = ("consumer_id", "worker.user_id"), "code"
    list_display = ("code", "vertical", "state", "stage", "sum", "consumer", "worker", "placed_at")
    list_filter = ("state", "stage", "vertical", "city", "district")
    list_select_related = ("consumer", "worker__user", "worker__provider")
    search_fields = ("ref", "basket__ref", "consumer__email", "provider__name")
    ordering = ("-placed_at", "-pk")
    date_hierarchy = "placed_at"
    actions = ("call_off",)
    inlines = (StepInline, ChangeInline)
    fields = (
        ("code", "vertical", "state", "stage"),
        ("city", "district"),
        ("consumer", "provider", "worker"),
        ("sum", "charged"),
        "price",
        ("decision", "quote", "basket"),
        ("placed_at", "ended_at", "reason"),
        "way",
    )
    readonly_fields = ("code", "sum", "charged", "price", "way")

    def has_act_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("orders.act_on_order")

    @admin.display(description=_("reference"), ordering="ref")
    def code(self, order: Order) -> str:
        return order.code

    @admin.display(description=_("total"), ordering="total_minor")
    def sum(self, order: Order) -> str:
        return str(order.total)

    @admin.display(description=_("charged in the end"))
    def charged(self, order: Order) -> str:
        return "" if order.charged is None else str(order.charged)

    @admin.display(description=_("price, line by line"))
    def price(self, order: Order) -> Any:
        lines = ((line.code, line.amount, line.to.label) for line in order.quote.price)
        return format_html_join("", "{} {} → {}<br>", lines)

    @admin.display(description=_("where it went"))
    def way(self, order: Order) -> SafeString | str:
        page = verticals.get(order.vertical).trail
        if not page:
            return ""
        url = reverse(page, args=[order.ref])
        return format_html('<a href="{}">{}</a>', url, _("Look, with a reason"))

    @admin.action(description=_("Call off before boarding"), permissions=["act"])
    def call_off(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        """The city ends an order that nobody has boarded; the consumer pays nothing."""
        officer, done = asking(request).acting(Kind.OFFICER), 0
        for order in orders:
            try:
                operations.advance(
                    order_id=order.pk,
                    step="call_off",
                    by=officer,
                    at=clock.now(),
                    data={"reason": "called off by the city"},
                )
                done += 1
            except operations.OutOfTurn:
                self.message_user(
                    request,
                    _("%(code)s cannot be called off any more.") % {"code": order.code},
                    messages.WARNING,
                )
        said = ngettext("%d order called off.", "%d orders called off.", done) % done
        self.message_user(request, said, messages.SUCCESS if done else messages.WARNING)


@admin.register(Step)
class StepAdmin(OfDistricts, Personal, Facts):
    district = "order__district"
    people, named = ("order.consumer_id", "order.worker.user_id"), "order.code"
    list_display = ("order", "name", "stage", "state", "by", "reason", "taken_at", "heard_at")
    list_filter = ("name", "state")
    ordering = ("-pk",)


@admin.register(Basket)
class BasketAdmin(Personal, Facts):
    people = ("consumer_id",)
    list_display = ("ref", "consumer", "placed_at")
    search_fields = ("ref", "consumer__email")
    ordering = ("-placed_at",)
