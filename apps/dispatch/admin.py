from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from apps.dispatch.models import Job, Offer, Run, Shift
from apps.kernel.money import EXPONENTS, Money
from apps.kernel.office import Facts


def _link(row: Model | None) -> SafeString | str:
    """A way to the page of a row."""
    if row is None:
        return ""
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, row)


class OfWorkers(Facts):
    """Facts about a worker, who is named with their provider in each line."""

    list_select_related: tuple[str, ...] = ("worker__user", "worker__provider")
    search_fields: tuple[str, ...] = (
        "worker__user__name",
        "worker__user__email",
        "worker__provider__name",
    )


@admin.register(Shift)
class ShiftAdmin(OfWorkers):
    list_display = (
        "worker",
        "city",
        "started_at",
        "paused_at",
        "pause_reason",
        "missed",
        "until",
        "ended_at",
    )
    list_filter = (
        "city",
        ("ended_at", admin.EmptyFieldListFilter),
        ("paused_at", admin.EmptyFieldListFilter),
        "pause_reason",
        "started_at",
    )
    ordering = ("-started_at", "-pk")


@admin.register(Run)
class RunAdmin(OfWorkers):
    list_display = (
        "id",
        "worker",
        "state",
        "taken",
        "seats",
        "jobs_on_it",
        "started_at",
        "ended_at",
    )
    list_filter = ("state", "started_at")
    ordering = ("-started_at", "-pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        runs: QuerySet[Run] = super().get_queryset(request)
        return runs.prefetch_related("jobs")

    @admin.display(description=_("jobs"))
    def jobs_on_it(self, run: Run) -> SafeString:
        links = [_link(job) for job in run.jobs.all()]
        return format_html(", ".join(["{}"] * len(links)), *links)


class OfferInline(TabularInline):
    """Who was asked, in order, and what they said."""

    model = Offer
    fields = ("worker", "state", "why", "offered_at", "answered_at", "eta_seconds", "reasons")
    readonly_fields = fields
    ordering = ("offered_at", "pk")
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(Facts):
    list_display = (
        "id",
        "state",
        "city",
        "seats",
        "needs",
        "pay",
        "run_link",
        "held_at",
        "searching_since",
        "search_until",
        "assigned_at",
        "picked_up_at",
        "released_at",
    )
    list_filter = ("state", "city", "held_at")
    list_select_related = ("city", "run")
    search_fields = ("holder",)
    ordering = ("-held_at", "-pk")
    inlines = (OfferInline,)

    @admin.display(description=_("pay of the worker"), ordering="pay_minor")
    def pay(self, job: Job) -> str:
        return str(Money(job.pay_minor, job.currency)) if job.currency in EXPONENTS else ""

    @admin.display(description=_("run"), ordering="run")
    def run_link(self, job: Job) -> SafeString | str:
        return _link(job.run)


@admin.register(Offer)
class OfferAdmin(OfWorkers):
    list_display = (
        "id",
        "job_link",
        "worker",
        "state",
        "why",
        "offered_at",
        "answered_at",
        "eta_seconds",
        "is_estimate",
        "extended",
    )
    list_filter = ("state", "is_estimate", "extended", "job__city", "offered_at")
    search_fields = (*OfWorkers.search_fields, "job__holder")
    list_select_related = (*OfWorkers.list_select_related, "job")
    ordering = ("-offered_at", "-pk")

    @admin.display(description=_("job"), ordering="job")
    def job_link(self, offer: Offer) -> SafeString | str:
        return _link(offer.job)
