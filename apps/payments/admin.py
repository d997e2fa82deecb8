from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.office import Facts
from apps.parties.authentication import asking
from apps.payments import operations
from apps.payments.models import Attempt, Payment, Transfer


class Sums(Facts):
    ordering: tuple[str, ...] = ("-pk",)
    readonly_fields: tuple[str, ...] = ("sum",)

    @admin.display(description=_("amount"), ordering="amount_minor")
    def sum(self, row: Payment | Transfer | Attempt) -> str:
        return str(row.amount)


@admin.register(Payment)
class PaymentAdmin(Sums):
    list_display = ("label", "sum", "state", "refusal", "payer", "opened_at")
    list_filter = ("state", "currency")
    list_select_related = ("payer",)
    search_fields = ("holder", "label", "payer__email", "reference")


@admin.register(Transfer)
class TransferAdmin(Sums):
    list_display = ("provider", "sum", "state", "refusal", "opened_at")
    list_filter = ("state", "currency")
    list_select_related = ("provider",)
    search_fields = ("holder", "provider__name", "reference")


@admin.register(Attempt)
class AttemptAdmin(Sums):
    list_display = ("kind", "sum", "tries", "error", "noted_at", "answered_at", "dead_at")
    list_filter = ("kind", "succeeded")
    list_select_related = ("payment", "transfer")
    search_fields = ("key", "reference")
    actions = ("ask_again",)

    def has_ask_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("payments.ask_again")

    @admin.action(description=_("Ask the gateway again"), permissions=["ask"])
    def ask_again(self, request: HttpRequest, attempts: QuerySet[Attempt]) -> None:
        """Put questions once more that have no answer yet, under their old keys."""
        officer = asking(request).acting(Kind.OFFICER)
        done = sum(
            operations.ask_again(attempt_id=attempt.pk, by=officer, at=clock.now())
            for attempt in attempts
        )
        self.message_user(request, _("Asked again: %(count)d") % {"count": done})
