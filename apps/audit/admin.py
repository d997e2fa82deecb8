from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.audit.models import Look, Record, Seal
from apps.audit.office import Personal, Proven
from apps.audit.seals import AUDIT_STREAM, LOOKS
from apps.kernel.office import Facts


@admin.register(Record)
class RecordAdmin(Proven, Personal, Facts):
    """Who did what, when, and through which door."""

    stream = AUDIT_STREAM
    # What a person did is theirs, too.
    people = ("actor_id",)
    list_display = ("id", "happened_at", "by", "topic", "source", "body")
    list_filter = ("happened_at",)
    search_fields = ("=event", "topic", "by")
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(Look)
class LookAdmin(Proven, Facts):
    """Who looked at whose data, and why."""

    stream = LOOKS
    list_display = ("id", "looked_at", "by", "person", "what", "row", "why", "inspection")
    list_filter = ("what", "looked_at")
    search_fields = ("=person", "by", "why", "=inspection")
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(Seal)
class SealAdmin(Facts):
    """What was sealed.  `manage.py verify_seals` checks it against the rows."""

    list_display = ("stream", "number", "sealed_at", "rows", "first_id", "last_id", "digest")
    list_filter = ("stream",)
    search_fields = ("digest", "merkle_root")
    ordering = ("stream", "-number")
    exclude = ("leaves", "ids")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Seal]:
        """The leaves are for the check, and long."""
        seals: QuerySet[Seal] = super().get_queryset(request)
        return seals.defer("leaves", "ids")
