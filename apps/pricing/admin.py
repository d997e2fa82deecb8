from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from apps.kernel.office import Facts, FactsInline
from apps.pricing import admin_levies, admin_vouchers
from apps.pricing.models import Quote, Tariff
from apps.regulation.admin_decisions import DecisionAdmin

# Taxes and fees, and vouchers, have desks of their own, which register themselves.
__all__ = ["admin_levies", "admin_vouchers"]


class QuoteInline(FactsInline):
    model = Quote
    fields = ("ref", "total_minor", "currency", "tariff", "quoted_at", "expires_at")
    readonly_fields = ("ref",)


# A decision's page shows the prices that followed from it; the decision knows nothing of them.
DecisionAdmin.inlines = (*DecisionAdmin.inlines, QuoteInline)


@admin.register(Tariff)
class TariffAdmin(Facts):
    list_display = ("number", "city", "vertical", "kind", "valid")
    list_filter = ("city", "vertical", "kind")


@admin.register(Quote)
class QuoteAdmin(Facts):
    list_display = ("ref", "listing", "sum", "tariff", "quoted_at", "expires_at")
    list_filter = ("tariff",)
    search_fields = ("ref", "bundle")
    ordering = ("-quoted_at",)

    @admin.display(description=_("total"), ordering="total_minor")
    def sum(self, quote: Quote) -> str:
        return str(quote.total)
