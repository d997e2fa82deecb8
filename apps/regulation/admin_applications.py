"""The desk's part for applications: documents, fee, inspection, and the permit at the end."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties.authentication import asking
from apps.regulation import operations
from apps.regulation import queries_applications as read
from apps.regulation.forms_applications import Appointment, Check, Fee, Found
from apps.regulation.models import CaseFile, CaseKind, PermitTerms

ACTS: dict[str, str | Promise] = {
    "document": _("Check a document"),
    "fee": _("The fee was paid at the counter"),
    "appointment": _("Set an inspection"),
    "found": _("Say what was found"),
}
COMPLAINTS: dict[type[Exception], str | Promise] = {
    operations.AlreadyDecided: _("another officer was faster, or a newer one was sent"),
    operations.NothingOwed: _("there is no fee, or it is paid"),
    operations.NotReady: _("a document, the fee or the inspection is missing"),
}


def made_with(act: str, case: CaseFile) -> dict[str, Any]:
    """What a form of this part is made with, beside its data."""
    return {"case": case} if act in ("document", "appointment") else {}


def forms_for(case: CaseFile) -> dict[str, forms.Form]:
    """The forms of this part, for an application; none for anything else."""
    application = read.application_of(case.pk) if case.kind == CaseKind.APPLICATION else None
    if application is None:
        return {}
    made: dict[str, type[forms.Form]] = {"document": Check}
    if read.progress_of(application).owes:
        made["fee"] = Fee
    if application.terms.needs_inspection:
        made |= {"appointment": Appointment, "found": Found}
    return {act: form(auto_id=f"{act}_%s", **made_with(act, case)) for act, form in made.items()}


def operation_of(act: str, told: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The operation behind a form of this part, and what it is told."""
    match act:
        case "document":
            return _check, {"document_id": told["document"].pk, "reason": told["reason"]}
        case "fee":
            return _pay, told
        case "appointment":
            return operations.set_inspection, told
    return operations.note_inspection, told


def _check(*, case_id: int, **told: Any) -> None:
    operations.check_document(**told)


def _pay(*, officer_id: int, **told: Any) -> None:
    operations.note_fee_paid(person_id=officer_id, **told)


@admin.register(PermitTerms)
class PermitTermsAdmin(ModelAdmin):
    """On what terms the city gives permits.  Officers with leave write it."""

    list_display = (
        "title",
        "city",
        "vertical",
        "fee_minor",
        "fee_is_refundable",
        "months",
        "needs_inspection",
    )
    list_select_related = ("city",)
    ordering = ("city", "vertical")
    fields = (
        "city",
        "vertical",
        "title",
        "fee_minor",
        "fee_is_refundable",
        "months",
        "needs_inspection",
        "series",
        "given",
    )

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: PermitTerms | None = None) -> Any:
        return ("given", "city", "vertical") if obj else ("given",)

    def save_model(self, request: HttpRequest, obj: PermitTerms, form: Any, change: bool) -> None:
        kept = operations.set_permit_terms(
            city_id=obj.city_id,
            vertical=obj.vertical,
            title=obj.title,
            fee_minor=obj.fee_minor,
            fee_is_refundable=obj.fee_is_refundable,
            months=obj.months,
            needs_inspection=obj.needs_inspection,
            series=obj.series,
            by=asking(request).acting(Kind.OFFICER),
            at=clock.now(),
        )
        obj.pk = kept.pk
