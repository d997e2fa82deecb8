"""The page on which an officer brings in the city's existing permits."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties.authentication import asking
from apps.regulation import operations
from apps.regulation.forms_permits import Import, city_here
from apps.regulation.models import Permit
from apps.regulation.permit_sheet import WRONG, BadSheet, Row, written


def import_page(request: HttpRequest) -> HttpResponse:
    """Try a table, bring it in, or take the report away; nothing is written of a wrong one."""
    if not request.user.has_perm("regulation.add_permit"):
        raise PermissionDenied
    form = Import(request.POST, request.FILES) if request.method == "POST" else Import()
    rows: list[Row] | None = None
    is_dry_run = "import" not in request.POST
    if form.is_valid():
        try:
            rows = operations.import_permits(
                city_id=city_here().pk,
                content=form.cleaned_data["file"].read(),
                is_dry_run=is_dry_run,
                by=asking(request).acting(Kind.OFFICER),
                at=clock.now(),
            )
        except BadSheet as bad:
            form.add_error("file", str(bad))
    if rows is not None and "report" in request.POST:
        head = {"Content-Disposition": 'attachment; filename="permits-report.csv"'}
        return HttpResponse(written(rows), content_type="text/csv; charset=utf-8", headers=head)
    page = {
        "title": _("Import permits"),
        "opts": Permit._meta,
        "form": form,
        "rows": rows,
        "wrong": sum(row.result == WRONG for row in rows or []),
        "is_dry_run": is_dry_run,
    }
    context = admin.site.each_context(request) | page
    status = 422 if form.errors or page["wrong"] else 200
    return TemplateResponse(request, "admin/regulation/import.html", context, status=status)
