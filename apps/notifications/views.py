"""A person's news, and how they want to hear of things."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.kernel import clock
from apps.kernel.actors import Kind as Part
from apps.notifications import keys, operations, queries, words
from apps.notifications.forms import QuietForm
from apps.notifications.models import Channel, Notice, QuietHours
from apps.parties.authentication import asking
from apps.parties.models import User

PAGE = 25
PARTS = {
    Part.CONSUMER: gettext_lazy("When you ride or order"),
    Part.WORKER: gettext_lazy("When you drive"),
    Part.PROVIDER: gettext_lazy("When you look after a business"),
    Part.OFFICER: gettext_lazy("When you work for the city"),
}


@require_safe
@login_required
@never_cache
def inbox(request: HttpRequest) -> HttpResponse:
    """All that a person was told, the newest first."""
    person, at = asking(request), clock.now()
    page = Paginator(queries.inbox(person.pk), PAGE).get_page(request.GET.get("page"))
    rows = [{"notice": one, "said": _said(one)} for one in page]
    told = {"rows": rows, "page": page, "unread_here": queries.unread(person.pk), "at": at}
    return render(request, "notifications/inbox.html", told)


def _said(notice: Notice) -> words.Said:
    # The page is in the language that its reader chose for pages.
    return words.said(notice, language=get_language() or "en", now=clock.now())


@require_safe
@login_required
@never_cache
def open_notice(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Go where a notice leads; whoever goes there has read it.

    By GET, for it is a link on the page and on the phone; going there twice changes nothing.
    """
    person = asking(request)
    notice = queries.inbox(person.pk).filter(ref=ref).first()
    if notice is None:
        raise Http404
    by = person.acting(Part.CONSUMER)
    operations.read(user_id=person.pk, ref=str(ref), by=by, at=clock.now())
    return redirect(notice.link)


@require_POST
@login_required
def read_all(request: HttpRequest) -> HttpResponse:
    person = asking(request)
    operations.read(user_id=person.pk, by=person.acting(Part.CONSUMER), at=clock.now())
    return redirect("notices:inbox")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def choices(request: HttpRequest) -> HttpResponse:
    """How a person wants to hear of what: kinds by channels, quiet hours, devices."""
    person, at = asking(request), clock.now()
    hours = QuietHours.objects.filter(user=person).first()
    known = {"starts": hours.starts, "ends": hours.ends, "zone": hours.zone} if hours else {}
    form = QuietForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        by = person.acting(Part.CONSUMER)
        wanted = request.POST.getlist("wanted")
        operations.choose(user_id=person.pk, wanted=wanted, by=by, at=at)
        operations.keep_quiet(user_id=person.pk, **form.cleaned_data, by=by, at=at)
        messages.success(request, _("Saved."))
        return redirect("notices:choices")
    return render(request, "notifications/choices.html", _page(person, form), status=_status(form))


def _page(person: User, form: QuietForm) -> dict[str, Any]:
    parts = [(PARTS[part], queries.wishes(person, part)) for part in queries.parts_of(person)]
    return {
        "form": form,
        "parts": [(label, kinds) for label, kinds in parts if kinds],
        "channels": Channel,
        "devices": queries.devices_of(person.pk),
        "push_key": keys.public_key() if keys.is_set() else "",
    }


def _status(form: QuietForm) -> int:
    return 422 if form.errors else 200


@require_POST
@login_required
def remove_device(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Ring one of a person's own devices no more."""
    person = cast(User, request.user)
    by = person.acting(Part.CONSUMER)
    try:
        operations.remove_device(user_id=person.pk, ref=ref, by=by, at=clock.now())
    except operations.NoSuchDevice as error:
        raise Http404 from error
    messages.success(request, _("This device is not rung any more."))
    return redirect("notices:choices")
