from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from apps.kernel.office import Facts
from apps.settlement.models import Payout


@admin.register(Payout)
class PayoutAdmin(Facts):
    list_display = ("day", "provider", "sum", "state", "failure", "paid_at")
    list_filter = ("state", "currency")
    list_select_related = ("provider",)
    search_fields = ("ref", "provider__name")
    ordering = ("-day", "-pk")
    readonly_fields = ("sum",)

    @admin.display(description=_("amount"), ordering="amount_minor")
    def sum(self, payout: Payout) -> str:
        return str(payout.amount)
