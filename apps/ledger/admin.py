from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from apps.audit.office import Proven
from apps.kernel.money import Money
from apps.kernel.office import Facts, FactsInline
from apps.ledger import seals
from apps.ledger.models import Account, Entry, Journal, Period
from apps.ledger.queries import with_balances


def figures(money: Money) -> SafeString:
    """A sum that lines up with those above and below it."""
    return format_html('<span class="block text-right tabular-nums">{}</span>', money)


class JournalEntries(FactsInline):
    model = Entry
    fields = ("account", "sum")
    readonly_fields = ("sum",)
    ordering = ("seq",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        return super().get_queryset(request).select_related("account")  # type: ignore[no-any-return]

    @admin.display(description=_("amount"))
    def sum(self, entry: Entry) -> SafeString:
        return figures(entry.amount)


class AccountEntries(FactsInline):
    """The entries of an account, the newest first, a page at a time."""

    model = Entry
    fields = ("journal", "booked_at", "sum")
    readonly_fields = ("booked_at", "sum")
    ordering = ("-pk",)
    per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        return super().get_queryset(request).select_related("journal")  # type: ignore[no-any-return]

    @admin.display(description=_("booked"))
    def booked_at(self, entry: Entry) -> Any:
        return entry.journal.booked_at

    @admin.display(description=_("amount"))
    def sum(self, entry: Entry) -> SafeString:
        return figures(entry.amount)


@admin.register(Account)
class AccountAdmin(Facts):
    """Accounts with their balances: a debit is positive, what the city owes negative."""

    list_display = ("code", "currency", "balance", "least", "most", "opened_at")
    list_filter = ("currency",)
    search_fields = ("code", "name")
    ordering = ("code", "currency")
    fields = ("code", "currency", "name", "balance", "least", "most", "opened_at")
    readonly_fields = ("balance", "least", "most")
    inlines = (AccountEntries,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        return with_balances(super().get_queryset(request))

    @admin.display(description=_("balance"), ordering="total")
    def balance(self, account: Account) -> SafeString:
        return figures(Money(int(account.total), account.currency))  # type: ignore[attr-defined]

    @admin.display(description=_("never below"))
    def least(self, account: Account) -> SafeString | None:
        return _limit(account.least_minor, account)

    @admin.display(description=_("never above"))
    def most(self, account: Account) -> SafeString | None:
        return _limit(account.most_minor, account)


def _limit(minor: int | None, account: Account) -> SafeString | None:
    return None if minor is None else figures(Money(minor, account.currency))


@admin.register(Journal)
class JournalAdmin(Proven, Facts):
    """What was booked, line by line.  A journal is never changed: a correction is another one."""

    stream = seals.STREAM
    list_display = ("key", "kind", "sum", "about", "by", "booked_at")
    list_filter = ("kind", "booked_at")
    search_fields = ("key", "about", "=id")
    ordering = ("-pk",)
    show_full_result_count = False
    fields = (("key", "kind"), ("about", "by", "booked_at"))
    inlines = (JournalEntries,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Journal]:
        journals: QuerySet[Journal] = super().get_queryset(request)
        return journals.prefetch_related("entries")

    @admin.display(description=_("moved"))
    def sum(self, journal: Journal) -> SafeString:
        """What was moved, in each currency: the debits, which are as much as the credits."""
        moved: dict[str, int] = {}
        for entry in journal.entries.all():
            if entry.amount_minor > 0:
                moved[entry.currency] = moved.get(entry.currency, 0) + entry.amount_minor
        said = ", ".join(str(Money(minor, currency)) for currency, minor in moved.items())
        return format_html('<span class="block text-right tabular-nums">{}</span>', said)


@admin.register(Period)
class PeriodAdmin(Proven, Facts):
    """The days that are closed, with what was moved on each."""

    stream = seals.PERIODS
    list_display = ("day", "journals", "entries", "moved", "closed_at")
    date_hierarchy = "day"
    ordering = ("-day",)
