"""Statements that officers hand in: read whole, or refused with every bad line named."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.parties.authentication import asking
from apps.treasury import operations
from apps.treasury import statements as reading
from apps.treasury.forms import Statement
from apps.treasury.models import BankFile
from apps.treasury.statements import Problem, Unreadable


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_member_required
@permission_required("treasury.read_lines", raise_exception=True)
def statements(request: HttpRequest) -> HttpResponse:
    """Hand in a statement of the bank, or the gateway's report."""
    form = Statement(request.POST or None, request.FILES or None)
    problems: tuple[Problem, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            said = _keep(form, asking(request).acting(Kind.OFFICER))
        except Unreadable as no:
            problems = no.problems
        except operations.FileKnown:
            form.add_error("file", _("This file was handed in before."))
        except operations.Contradicted as no:
            words = _("Known already, and with other sums: %s") % ", ".join(no.references[:10])
            form.add_error("file", words)
        else:
            messages.success(request, said)
            return redirect("treasury:statements")
    context: dict[str, Any] = admin.site.each_context(request) | {
        "title": _("Statements"),
        "form": form,
        "problems": problems,
        "files": BankFile.objects.order_by("-pk")[:20],
    }
    status = 400 if request.method == "POST" else 200
    return render(request, "treasury/statements.html", context, status=status)


def _keep(form: Statement, by: Actor) -> str:
    file, kind = form.cleaned_data["file"], form.cleaned_data["kind"]
    if file.size > reading.LARGEST:
        words = _("the file is larger than %s MB") % (reading.LARGEST // 1024**2)
        raise Unreadable(Problem(1, words))
    content = file.read()
    if kind == "report":
        count = operations.keep_lines(lines=reading.report(content), by=by, at=clock.now())
        return ngettext("%d new line.", "%d new lines.", count) % count
    lines = reading.camt(content) if kind == "camt" else reading.sheet(content, form.columns())
    kept = operations.keep_bank_file(
        name=file.name,
        content=content,
        format=BankFile.Format.CAMT if kind == "camt" else BankFile.Format.CSV,
        lines=lines,
        by=by,
        at=clock.now(),
    )
    count = kept.lines_count - kept.known_count
    return ngettext("%d new line.", "%d new lines.", count) % count
