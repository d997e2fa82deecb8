from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.audit.office import Personal
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.money import Money
from apps.kernel.office import ActsWithReason, Facts, FactsInline
from apps.parties.authentication import asking
from apps.payments import operations
from apps.payments.forms import Refund
from apps.payments.models import Attempt, Card, GatewayEvent, Payment, PayoutAccount, Transfer


def figures(money: Money) -> SafeString:
    """A sum that lines up with those above and below it."""
    return format_html('<span class="block text-right tabular-nums">{}</span>', money)


class Sums(Facts):
    ordering: tuple[str, ...] = ("-pk",)
    readonly_fields: tuple[str, ...] = ("sum",)

    @admin.display(description=_("amount"), ordering="amount_minor")
    def sum(self, row: Payment | Transfer | Attempt) -> SafeString:
        return figures(row.amount)


class AttemptInline(FactsInline):
    model = Attempt
    fields = ("kind", "sum", "noted_at", "asked_at", "tries", "answered_at", "succeeded", "error")
    readonly_fields = ("sum",)
    ordering = ("pk",)

    @admin.display(description=_("amount"))
    def sum(self, attempt: Attempt) -> SafeString:
        return figures(attempt.amount)


@admin.register(Payment)
class PaymentAdmin(Personal, Sums, ActsWithReason):
    """What people pay, from the bank's promise to the last refund."""

    people = ("payer_id",)
    list_display = (
        "label",
        "method",
        "sum",
        "captured",
        "refunded",
        "state",
        "refusal",
        "payer",
    ) + ("opened_at",)
    list_filter = ("state", "method", "booked_as", "currency")
    list_select_related = ("payer",)
    search_fields = ("holder", "label", "payer__email", "reference")
    readonly_fields = ("sum", "captured", "refunded")
    fields = (
        ("label", "state", "refusal"),
        ("sum", "captured", "refunded"),
        ("payer", "method", "card", "collected_by"),
        ("holder", "reference", "opened_at"),
    )
    inlines = (AttemptInline,)
    actions = ("refund", "note_paid", "let_go")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("payments.settle_debt")

    @admin.action(description=_("The driver has the cash after all"), permissions=["settle"])
    def note_paid(self, request: HttpRequest, payments: QuerySet[Payment]) -> HttpResponse | None:
        title = _("The driver has the cash after all")
        return self._end_debt(request, payments, title, operations.note_paid)

    @admin.action(description=_("Let unpaid cash go"), permissions=["settle"])
    def let_go(self, request: HttpRequest, payments: QuerySet[Payment]) -> HttpResponse | None:
        return self._end_debt(request, payments, _("Let unpaid cash go"), operations.let_go)

    def _end_debt(
        self, request: HttpRequest, payments: QuerySet[Payment], title: Any, end: Any
    ) -> HttpResponse | None:
        officer = asking(request).acting(Kind.OFFICER)
        return self.with_reason(
            request,
            payments,
            end.__name__,
            title,
            lambda one, reason: end(payment_id=one.pk, reason=reason, by=officer, at=clock.now()),
            {operations.NotOwed: _("This is not owed, or not any more.")},
        )

    def has_refund_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("payments.refund_payment")

    @admin.display(description=_("captured"), ordering="captured_minor")
    def captured(self, payment: Payment) -> SafeString:
        return figures(payment.captured)

    @admin.display(description=_("refunded"), ordering="refunded_minor")
    def refunded(self, payment: Payment) -> SafeString:
        return figures(payment.refunded)

    @admin.action(description=_("Give money back"), permissions=["refund"])
    def refund(self, request: HttpRequest, payments: QuerySet[Payment]) -> HttpResponse | None:
        """Ask how much and why, on a page of its own, and then do it."""
        if len(payments) != 1 or (payments[0].state, payments[0].method) != (
            Payment.State.CAPTURED,
            Payment.Method.CARD,
        ):
            said = _("Choose one payment whose money was taken from a card.")
            self.message_user(request, said, messages.WARNING)
            return None
        payment = payments[0]
        told = request.POST if "because" in request.POST else None
        form = Refund(told, payment=payment)
        if form.is_valid():
            try:
                operations.refund(
                    holder=payment.holder,
                    amount_minor=form.cleaned_data["amount"],
                    split=form.split,
                    about=payment.attempts.get(kind=Attempt.Kind.CAPTURE).about,
                    key=form.cleaned_data["key"],
                    reason=form.cleaned_data["reason"],
                    by=asking(request).acting(Kind.OFFICER),
                    at=clock.now(),
                )
            except operations.TooMuch:
                form.add_error("amount", _("At most %(left)s is left.") % {"left": form.left})
            except operations.Disputed:
                said = _("The payer's bank has a dispute open about it: it takes the money itself.")
                form.add_error(None, said)
            except operations.KeyReused:
                form.add_error(None, _("This form was sent before, with another amount."))
            else:
                self.message_user(request, _("The bank is asked to give it back."))
                return None
        return TemplateResponse(
            request,
            "admin/reason.html",
            self.admin_site.each_context(request)
            | {
                "title": _("Give money back"),
                "form": form,
                "rows": payments,
                "action": "refund",
                "checkbox": ACTION_CHECKBOX_NAME,
                "opts": self.opts,
            },
        )


@admin.register(Transfer)
class TransferAdmin(Sums):
    """Money on its way to the providers' banks."""

    list_display = ("provider", "sum", "state", "refusal", "opened_at")
    list_filter = ("state", "currency")
    list_select_related = ("provider",)
    search_fields = ("holder", "provider__name", "reference")
    inlines = (AttemptInline,)


@admin.register(Attempt)
class AttemptAdmin(Sums):
    """Every question to the bank.  What has no answer is put once more from here."""

    list_display = ("kind", "sum", "tries", "error", "noted_at", "answered_at", "dead_at")
    list_filter = ("kind", "succeeded", ("dead_at", admin.EmptyFieldListFilter))
    list_select_related = ("payment", "transfer")
    search_fields = ("key", "reference", "payment__holder", "transfer__holder")
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
        said = ngettext("%d question asked again.", "%d questions asked again.", done) % done
        self.message_user(request, said, messages.SUCCESS if done else messages.WARNING)


@admin.register(Card)
class CardAdmin(Personal, Facts):
    """Cards as far as we know them: the last four digits."""

    people = ("user_id",)
    list_display = (
        "user",
        "brand",
        "last4",
        "is_default",
        "added_at",
        "removed_at",
        "forgotten_at",
    )
    list_select_related = ("user",)
    search_fields = ("user__email", "last4", "reference")
    ordering = ("-pk",)


@admin.register(PayoutAccount)
class PayoutAccountAdmin(Facts):
    """The providers' accounts with the bank."""

    list_display = ("provider", "reference", "pays_out", "looked_at")
    list_filter = ("pays_out",)
    list_select_related = ("provider",)
    search_fields = ("provider__name", "reference")


@admin.register(GatewayEvent)
class GatewayEventAdmin(Facts):
    """What the gateway told of its own accord.  What could not be dealt with waits here."""

    list_display = (
        "type",
        "about",
        "account",
        "way",
        "arrived_at",
        "done_at",
        "failures",
        "error",
        "dead_at",
    )
    list_filter = ("concerns_us", "way", ("dead_at", admin.EmptyFieldListFilter), "type")
    search_fields = ("=event", "=about", "=account")
    # The words themselves may speak of people, and nothing is decided by reading them.
    exclude = ("body",)
    ordering = ("-pk",)
    show_full_result_count = False
    actions = ("process_again",)

    def has_process_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("payments.process_event")

    @admin.action(description=_("Process again"), permissions=["process"])
    def process_again(self, request: HttpRequest, events: QuerySet[GatewayEvent]) -> None:
        """What is done stays done."""
        officer = asking(request).acting(Kind.OFFICER)
        done = sum(
            operations.process_again(event_id=event.pk, by=officer, at=clock.now())
            for event in events
        )
        said = ngettext("%d event is dealt with again.", "%d events are dealt with again.", done)
        self.message_user(request, said % done, messages.SUCCESS if done else messages.WARNING)
