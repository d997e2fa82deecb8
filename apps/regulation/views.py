"""The one way to the picture of a paper, and how every file of the kind is handed out."""

from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe

from apps.audit import office
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties.models import User
from apps.regulation import queries
from apps.regulation.models import Paper

# Whatever the file is after all, it runs nothing, asks for nothing and stays in nobody's cache.
ALONE = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@require_safe
@login_required
def scan(request: HttpRequest, ref: UUID) -> FileResponse:
    """Hand out a paper's picture to whoever may see it; to everybody else there is none.

    Its holder sees who else looked.
    """
    paper = queries.paper_open_to(cast(User, request.user), ref)
    if paper is None or not paper.scan.storage.exists(str(paper.scan.name)):
        raise Http404
    user = cast(User, request.user)
    if paper.holder_id != user.pk:
        holder, at = {paper.holder_id}, clock.now()
        purpose = office.purpose_of(request, holder, at) if user.is_staff else office.Purpose("")
        office.leave_lines(
            purpose,
            holder,
            what=Paper._meta.label_lower,
            row=str(paper.pk),
            by=user.acting(Kind.OFFICER if user.is_staff else Kind.PROVIDER),
            at=at,
        )
    return hand_out(paper.scan, paper.format, f"paper.{paper.ending}")


def hand_out(file: FieldFile, format: str, name: str) -> FileResponse:
    """A file that somebody sent: a picture is shown, a PDF only downloaded."""
    return FileResponse(
        file.open(),
        as_attachment=format == Paper.Format.PDF,
        filename=name,
        content_type=format,
        headers=ALONE,
    )
