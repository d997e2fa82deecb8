"""What officers see of logs that are sealed, and what they leave behind by looking."""

from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from apps.audit import operations, queries
from apps.kernel import clock
from apps.kernel.actors import Actor, Kind

# So long what an officer said they are looking for stands for what they look at.
WHY_LASTS = timedelta(hours=1)
WHY = "audit.why"


def state_why(request: HttpRequest, why: str, at: datetime) -> None:
    """Remember why an officer looks, for an hour; empty: no longer."""
    request.session[WHY] = {"why": why.strip()[:200], "until": (at + WHY_LASTS).isoformat()}


def why_of(request: HttpRequest, at: datetime) -> str:
    """Why an officer said that they look; empty if they did not, or too long ago."""
    said = request.session.get(WHY)
    if not said or datetime.fromisoformat(said["until"]) <= at:
        return ""
    return str(said["why"])


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why an officer looks; in an inspection, which one it is and of whom."""

    why: str
    inspection: UUID | None = None
    of: frozenset[int] = frozenset()


# What an app above knows of why an officer looks at these people: an inspection that lasts.
type Knows = Callable[[HttpRequest, Set[int], datetime], Purpose | None]
_known: list[Knows] = []


def known_by(knows: Knows) -> None:
    """Let an app above say why an officer looks, so that nobody states it twice."""
    _known.append(knows)


def purpose_of(request: HttpRequest, people: Set[int], at: datetime) -> Purpose:
    """Why an officer looks at these people: their inspection of one, else what they stated."""
    for knows in _known:
        if found := knows(request, people, at):
            return found
    return Purpose(why_of(request, at))


def leave_lines(
    purpose: Purpose, people: Set[int], *, what: str, row: str, by: Actor, at: datetime
) -> None:
    """Leave a line for each of these people; in an inspection only its person's names it.

    Raises `operations.NotSealed`.
    """
    inspected, others = people & purpose.of, people - purpose.of
    look = partial(operations.look, what=what, row=row, why=purpose.why, by=by, at=at)
    if inspected:
        look(people=inspected, inspection=purpose.inspection)
    # With nobody in it, too: what could not be proven is not shown.
    if others or not inspected:
        look(people=others)


class Personal:
    """A page of the office about people: whoever opens it leaves a line that those people see."""

    # The ways from a row to the accounts of the people whom it is about.
    people: tuple[str, ...] = ()
    # The way to the name by which those people know the row.
    named = "pk"
    change_form_outer_before_template = "audit/why.html"

    def people_of(self, row: Any) -> set[int]:
        """The accounts of the people whom a row is about."""
        return {int(person) for way in self.people if (person := _follow(row, way)) is not None}

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        admin: Any = self
        row = admin.get_object(request, unquote(object_id))
        if row is None or not admin.has_view_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)  # type: ignore[misc]
        purpose = self.purpose(request, row)
        if unseen := self.leave_a_line(request, row, purpose):
            return unseen
        told = (extra_context or {}) | {"why": purpose.why, "inspection": purpose.inspection}
        return super().change_view(request, object_id, form_url, told)  # type: ignore[misc]

    def purpose(self, request: HttpRequest, row: Any) -> Purpose:
        """Why an officer looks at a row."""
        return purpose_of(request, self.people_of(row), clock.now())

    def leave_a_line(self, request: HttpRequest, row: Any, purpose: Purpose) -> HttpResponse | None:
        """Let the people see that their row is looked at, before it is.

        Returns the page to show instead while nothing has been sealed for hours.
        """
        try:
            leave_lines(
                purpose,
                self.people_of(row),
                what=row._meta.label_lower,
                row=str(_follow(row, self.named)),
                by=Actor(Kind.OFFICER, str(request.user.pk)),
                at=clock.now(),
            )
        except operations.NotSealed:
            return self._unsealed(request)
        return None

    def _unsealed(self, request: HttpRequest) -> HttpResponse:
        context = self.admin_site.each_context(request)  # type: ignore[attr-defined]
        context |= {"title": _("Not shown"), "opts": self.opts}  # type: ignore[attr-defined]
        return TemplateResponse(request, "audit/unsealed.html", context, status=503)


def _follow(row: Any, way: str) -> Any:
    """What stands at the end of a way; None where it breaks off."""
    for step in way.split("."):
        row = getattr(row, step, None)
        if row is None:
            return None
    return row


class Proven:
    """A page of the office about one row of a sealed log, with the proof of it to download."""

    # The name of the log.
    stream = ""
    actions_detail = ("proof",)

    @action(description=_("Download the proof"), permissions=["view"], url_path="proof")
    def proof(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The row, its way to the root, and the signed root, for `manage.py verify_evidence`."""
        try:
            told = queries.proof(self.stream, int(object_id))
        except queries.NotYetSealed:
            messages.warning(request, _("This is not sealed yet. Ask again in a minute or two."))
        except queries.NoSuchRow:
            messages.error(request, _("This row is not what was sealed. Verify the log."))
        else:
            file = f'attachment; filename="proof-{self.stream}-{object_id}.json"'
            return JsonResponse(told, headers={"Content-Disposition": file})
        opts = self.opts  # type: ignore[attr-defined]
        page = f"admin:{opts.app_label}_{opts.model_name}_change"
        return HttpResponseRedirect(reverse(page, args=[object_id]))
