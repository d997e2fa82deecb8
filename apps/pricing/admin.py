from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from apps.kernel.office import Facts
from apps.pricing.models import Quote, Tariff


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
