from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from apps.kernel.office import Facts, FactsInline
from apps.ledger import queries
from apps.ledger.models import Account, Entry, Journal


class EntryInline(FactsInline):
    model = Entry
    fields = ("seq", "account", "amount")
    readonly_fields = ("amount",)
    ordering = ("seq",)

    @admin.display(description=_("amount"))
    def amount(self, entry: Entry) -> str:
        return str(entry.amount)


@admin.register(Account)
class AccountAdmin(Facts):
    list_display = ("code", "currency", "balance", "opened_at")
    list_filter = ("currency",)
    search_fields = ("code",)
    ordering = ("code", "currency")
    readonly_fields = ("balance",)

    @admin.display(description=_("balance"))
    def balance(self, account: Account) -> str:
        return str(queries.balance(account.code, account.currency))


@admin.register(Journal)
class JournalAdmin(Facts):
    list_display = ("key", "kind", "about", "by", "booked_at")
    list_filter = ("kind",)
    search_fields = ("key", "about")
    ordering = ("-pk",)
    inlines = (EntryInline,)
