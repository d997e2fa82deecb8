from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.audit import operations as audit
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.office import ActsWithReason, Facts
from apps.parties.authentication import asking
from apps.settlement import operations
from apps.settlement.models import Night, Payout

COMPLAINTS: dict[type[Exception], str | Promise] = {
    operations.NotPossible: _("not possible in its present state"),
    operations.SettledSince: _("its money is in a later payout already"),
    audit.NotSealed: _("nothing has been sealed for hours, and until it is no money leaves"),
}


@admin.register(Payout)
class PayoutAdmin(ActsWithReason):
    """Payouts, which officers hold, release and send once more, each time saying why."""

    list_display = ("day", "provider", "sum", "state", "failure", "paid_at")
    list_filter = ("state", "currency")
    list_select_related = ("provider",)
    search_fields = ("ref", "provider__name")
    ordering = ("-day", "-pk")
    readonly_fields = ("sum",)
    actions = ("hold", "release", "retry")

    def has_hold_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("settlement.hold_payout")

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
