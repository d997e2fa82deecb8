"""The office's desk for papers: what the city asks for, and what people sent."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.audit.office import Personal
from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.kernel.office import ActsWithReason
from apps.regulation import operations, queries
from apps.regulation.models import Paper, Requirement

COMPLAINTS: dict[type[Exception], str | Promise] = {
    operations.AlreadyDecided: _("another officer was faster, or a newer one was sent"),
    operations.PaperRanOut: _("its last day is over: refuse it, so that a new one comes"),
    operations.NoSuchPaper: _("it is not there any more"),
}


class Worklist(admin.SimpleListFilter):
    """What waits, before everything that ever was."""

    title = _("worklist")
    parameter_name = "worklist"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("to_check", _("Papers to check")),
            ("running_out", _("Papers that run out in 30 days")),
        ]

    def queryset(self, request: HttpRequest, papers: QuerySet[Paper]) -> QuerySet[Paper]:
        wanted: dict[str | None, Q] = {
            "to_check": queries.to_check(),
            "running_out": queries.running_out(clock.now()),
        }
        return papers.filter(wanted.get(self.value(), Q()))


@admin.register(Paper)
class PaperAdmin(Personal, ActsWithReason):
    """Papers are looked at, accepted or refused, and never otherwise changed."""

    people = ("holder_id",)
    list_display = ("id", "requirement", "holder", "number", "expires_on", "state", "sent_at")
    list_filter = (Worklist, "state", "requirement")
    list_select_related = ("requirement", "holder")
    search_fields = ("number", "holder__name", "holder__email")
    ordering = ("expires_on", "pk")
    # The rest stands beside the picture.
    fields = (("requirement", "holder"), ("state", "decided_at"), "reason")
    actions = ("accept", "refuse", "revoke")
    change_form_outer_before_template = "admin/regulation/paper.html"

    def has_check_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("regulation.check_paper")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        paper = self.get_object(request, object_id)
        beside = ("holder", "number", "expires_on", "sent_at")
        told = {
            "may_check": self.has_check_permission(request),
            # What an officer compares with the picture.
            "told": paper and [(_label(name), getattr(paper, name)) for name in beside],
        }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | told)

    @admin.action(description=_("Accept"), permissions=["check"])
    def accept(self, request: HttpRequest, papers: QuerySet[Paper]) -> None:
        done = 0
        for paper in papers:
            try:
                operations.accept_paper(paper_id=paper.pk, by=_officer(request), at=clock.now())
                done += 1
            except tuple(COMPLAINTS) as no:
                self.message_user(request, f"{paper}: {COMPLAINTS[type(no)]}", messages.WARNING)
        if done:
            said = ngettext("%d paper is accepted.", "%d papers are accepted.", done) % done
            self.message_user(request, said, messages.SUCCESS)

    @admin.action(description=_("Refuse"), permissions=["check"])
    def refuse(self, request: HttpRequest, papers: QuerySet[Paper]) -> HttpResponse | None:
        return self._act(request, papers, "refuse", _("Refuse papers"), operations.refuse_paper)

    @admin.action(description=_("Accept no longer"), permissions=["check"])
    def revoke(self, request: HttpRequest, papers: QuerySet[Paper]) -> HttpResponse | None:
        return self._act(
            request, papers, "revoke", _("Accept papers no longer"), operations.revoke_paper
        )

    def _act(
        self,
        request: HttpRequest,
        papers: QuerySet[Paper],
        name: str,
        title: str | Promise,
        operation: Callable[..., None],
    ) -> HttpResponse | None:
        def act(paper: Paper, reason: str) -> None:
            operation(paper_id=paper.pk, reason=reason, by=_officer(request), at=clock.now())

        return self.with_reason(request, papers, name, title, act, COMPLAINTS)


@admin.register(Requirement)
class RequirementAdmin(ActsWithReason):
    """Which papers the city asks for.  Officers with leave write it; nothing is deleted."""

    list_display = ("title", "kind", "vertical", "city", "position", "dropped_at")
    list_filter = ("city", "vertical")
    list_select_related = ("city",)
    ordering = ("city", "vertical", "position", "pk")
    fields = ("city", "vertical", "kind", "asked_of", "title", "hint", "position")
    actions = ("drop",)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm("regulation.add_requirement")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("regulation.change_requirement")

    def get_readonly_fields(self, request: HttpRequest, obj: Requirement | None = None) -> Any:
        # What papers are bound to stays; what is said about them may change.
        return ("city", "vertical", "kind", "asked_of") if obj else ()

    def save_model(self, request: HttpRequest, obj: Requirement, form: Any, change: bool) -> None:
        asked = operations.require_paper(
            city_id=obj.city_id,
            vertical=obj.vertical,
            kind=obj.kind,
            title=obj.title,
            hint=obj.hint,
            position=obj.position,
            asked_of=obj.asked_of,
            by=_officer(request),
            at=clock.now(),
        )
        obj.pk = asked.pk

    @admin.action(description=_("Ask for it no longer"), permissions=["change"])
    def drop(self, request: HttpRequest, asked: QuerySet[Requirement]) -> HttpResponse | None:
        def act(requirement: Requirement, reason: str) -> None:
            operations.drop_requirement(
                requirement_id=requirement.pk,
                reason=reason,
                by=_officer(request),
                at=clock.now(),
            )

        return self.with_reason(request, asked, "drop", _("Ask for papers no longer"), act, {})


def _label(name: str) -> Any:
    return Paper._meta.get_field(name).verbose_name  # type: ignore[union-attr]


def _officer(request: HttpRequest) -> Actor:
    return Actor(Kind.OFFICER, str(request.user.pk))
