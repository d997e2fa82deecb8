from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from apps.audit.office import Personal
from apps.inspection import queries
from apps.inspection.models import Inspection
from apps.kernel.office import Facts


@admin.register(Inspection)
class InspectionAdmin(Personal, Facts):
    """Who inspected whom, why and until when; and every page that was looked at."""

    people, named = ("person_id",), "ref"
    list_display = ("started_at", "officer", "of", "purpose", "case", "until", "ended_at", "ending")
    list_filter = ("purpose", "ending", "started_at")
    list_select_related = ("officer", "person", "provider", "case")
    search_fields = ("officer__email", "person__email", "provider__name", "=ref", "words")
    ordering = ("-pk",)
    fields = (
        ("officer", "person", "provider"),
        ("purpose", "words", "case"),
        ("started_at", "until"),
        ("ended_at", "ending"),
        "ref",
        "looks",
    )
    readonly_fields = ("looks",)

    @admin.display(description=_("whom"))
    def of(self, inspection: Inspection) -> str:
        return inspection.of

    @admin.display(description=_("what was looked at"))
    def looks(self, inspection: Inspection) -> SafeString:
        """Every page, with the line that its person sees."""
        told = (
            (f"{one.looked_at:%H:%M:%S}", one.person, one.what, one.row)
            for one in queries.looks_of(inspection)
        )
        return format_html_join("", "<p>{} · {} · {} {}</p>", told) or SafeString("–")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request)
        return found.select_related("officer", "person", "provider", "case")
