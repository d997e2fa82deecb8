"""The one way to the picture of a paper."""

from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe

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
    """Hand out a paper's picture to whoever may see it; to everybody else there is none."""
    paper = queries.paper_open_to(cast(User, request.user), ref)
    if paper is None or not paper.scan.storage.exists(str(paper.scan.name)):
        raise Http404
    return FileResponse(
        paper.scan.open(),
        as_attachment=paper.format == Paper.Format.PDF,
        filename=f"paper.{paper.ending}",
        content_type=paper.format,
        headers=ALONE,
    )
