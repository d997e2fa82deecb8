"""The officer's desk: what waits, and one case with all that was done in it."""

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.office import ActsWithReason, Facts
from apps.parties.authentication import asking
from apps.regulation import admin_applications, operations
from apps.regulation import queries_cases as read
from apps.regulation.forms_applications import DecideApplication
from apps.regulation.forms_cases import Ask, Close, DecideAppeal, HandOver, Inspection, Note
from apps.regulation.models import CaseEvent, CaseFile, CaseKind, DayOff, Deadline, Exemption
from apps.regulation.queries_appeals import contested, who_may_be_exempt
from apps.regulation.queries_applications import application_of, progress_of

For = CaseEvent.For
COMPLAINTS: dict[type[Exception], str | Promise] = {
    operations.TakenBySomebody: _("another officer works on it"),
    operations.CaseClosed: _("it is closed"),
    operations.NotTheirs: _("another officer works on it: let it be handed to you first"),
    operations.NotAnOfficer: _("they have no leave to work on cases"),
    operations.FourEyes: _("whoever took part in what it is about does not decide it"),
    **admin_applications.COMPLAINTS,
    operations.AlreadyExempt: _("they are exempt in some of that time already"),
    operations.PermitOverlaps: _("another permit has taken its place"),
    operations.StillToSpeak: _("the holder may still speak, and has not"),
    operations.UnfitOutcome: _("a case of this kind does not end like this"),
}


class Worklist(admin.SimpleListFilter):
    """What waits, before everything that ever was."""

    title = _("worklist")
    parameter_name = "worklist"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("mine", _("Mine")),
            ("unowned", _("Taken by nobody")),
            ("overdue", _("Past their day")),
            ("open", _("All that are open")),
        ]

    def queryset(self, request: HttpRequest, cases: QuerySet[CaseFile]) -> QuerySet[CaseFile]:
        match self.value():
            case "mine":
                return cases.filter(read.owned_by(asking(request).pk))
            case "unowned":
                return cases.filter(read.unowned())
            case "overdue":
                return cases.filter(read.overdue(clock.now()))
            case "open":
                return cases.filter(read.to_do())
        return cases


@admin.register(CaseFile)
class CaseAdmin(Facts):
    """The worklist, what is late before what is not; and one case, on which officers act."""

    list_display = (
        "number",
        "kind",
        "about_what",
        "provider",
        "owner",
        "due_on",
        "state",
        "outcome",
    )
    list_filter = (Worklist, "kind", "state", "vertical")
    list_select_related = ("provider", "owner")
    search_fields = ("=number", "title", "about", "provider__name")
    ordering = (F("closed_at").desc(nulls_first=True), "due_on", "pk")
    actions = ("take",)

    @admin.display(description=_("what it is about"), ordering="title")
    def about_what(self, case: CaseFile) -> str:
        return read.title_of(case)

    def has_work_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(read.WORK)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return self.has_work_permission(request)

    def get_form(self, request: HttpRequest, obj: CaseFile | None = None, **rest: Any) -> Any:
        return super().get_form(request, obj, **rest | ({} if obj else {"form": Inspection}))

    def get_fields(self, request: HttpRequest, obj: CaseFile | None = None) -> Any:
        return ("city", "provider", "vertical", "title", "words", "is_announced")

    def save_model(self, request: HttpRequest, obj: CaseFile, form: Any, change: bool) -> None:
        """An officer opens an inspection; everything else comes in from the people."""
        told, officer = form.cleaned_data, asking(request)
        opened = operations.open_case(
            key=obj.ref,
            city_id=told["city"].pk,
            kind=CaseKind.INSPECTION,
            about_kind=CaseFile.About.PROVIDER,
            about=str(told["provider"].ref),
            title=told["title"],
            words=told["words"],
            opened_by_id=officer.pk,
            provider_id=told["provider"].pk,
            vertical=told["vertical"],
            seen_by=For.PROVIDER if told["is_announced"] else For.OFFICE,
            by=officer.acting(Kind.OFFICER),
            at=clock.now(),
        )
        obj.pk, obj.number = opened.pk, opened.number

    @admin.action(description=_("Take"), permissions=["work"])
    def take(self, request: HttpRequest, cases: QuerySet[CaseFile]) -> None:
        done = sum(self._do(request, operations.take_case, case) for case in cases.order_by("pk"))
        if done:
            said = ngettext("%d case is yours.", "%d cases are yours.", done) % done
            self.message_user(request, said, messages.SUCCESS)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One case: its history, and what may be done with it."""
        case = self.get_object(request, object_id)
        if case is None:
            raise Http404
        if not self.has_view_permission(request, case):
            raise PermissionDenied
        desk = self._desk(case)
        if request.method == "POST":
            if not self.has_work_permission(request):
                raise PermissionDenied
            act = request.POST.get("act", "")
            if act == "take":
                self._do(request, operations.take_case, case)
                return HttpResponseRedirect(request.path)
            if act not in desk:
                raise Http404
            desk[act] = type(desk[act])(request.POST, **_of(act, case))
            if desk[act].is_valid() and self._act(request, case, act, desk[act].cleaned_data):
                return HttpResponseRedirect(request.path)
        return self._page(request, case, desk)

    def _desk(self, case: CaseFile) -> dict[str, forms.Form]:
        key = uuid4()
        said = {"key": key, "seen_by": For.OFFICE}
        asked = {"key": key, "seen_by": For.OPENER}
        close: dict[str, type[Close]] = {
            CaseKind.APPEAL: DecideAppeal,
            CaseKind.APPLICATION: DecideApplication,
        }
        return {
            **admin_applications.forms_for(case),
            "note": Note(initial=said, **_of("note", case)),
            "ask": Ask(initial=asked, **_of("ask", case)),
            "hand_over": HandOver(**_of("hand_over", case)),
            "close": close.get(case.kind, Close)(**_of("close", case)),
        }

    def _act(self, request: HttpRequest, case: CaseFile, act: str, told: dict[str, Any]) -> bool:
        if act in admin_applications.ACTS:
            operation, told = admin_applications.operation_of(act, told)
            return self._do(request, operation, case, **told)
        match act:
            case "hand_over":
                told = {"to_id": told["to"].pk, "words": told["words"]}
                return self._do(request, operations.hand_over, case, **told)
            case "ask":
                return self._do(request, operations.ask_for_statement, case, **told)
            case "close" if case.kind == CaseKind.APPEAL:
                return self._do(request, operations.decide_appeal, case, **told)
            case "close" if case.kind == CaseKind.HEARING:
                return self._do(request, operations.decide_hearing, case, **told)
            case "close" if case.kind == CaseKind.APPLICATION:
                return self._do(request, operations.decide_application, case, **told)
            case "close":
                return self._do(request, operations.close_case, case, **told)
        return self._do(request, operations.note, case, **told)

    def _do(self, request: HttpRequest, operation: Any, case: CaseFile, **told: Any) -> bool:
        """One call of one operation, as this officer, now.  Say whether it was done."""
        officer = asking(request)
        by = officer.acting(Kind.OFFICER)
        try:
            operation(case_id=case.pk, officer_id=officer.pk, by=by, at=clock.now(), **told)
        except tuple(COMPLAINTS) as no:
            self.message_user(request, f"{case}: {COMPLAINTS[type(no)]}", messages.WARNING)
            return False
        return True

    def _page(
        self, request: HttpRequest, case: CaseFile, desk: dict[str, forms.Form]
    ) -> HttpResponse:
        wrong = any(form.errors for form in desk.values())
        officer = asking(request)
        made = application_of(case.pk)
        acts = admin_applications.ACTS | {
            "note": _("Write down"),
            "ask": _("Ask for a statement"),
            "hand_over": _("Hand over"),
            "close": _("Close"),
        }
        page = {
            "title": f"{case.number}: {read.title_of(case)}",
            "case": case,
            "opts": self.opts,
            "decision": contested(case),
            "progress": made and progress_of(made),
            "events": case.events.select_related("person"),
            "is_late": CaseFile.objects.filter(read.overdue(clock.now()), pk=case.pk).exists(),
            "may_work": self.has_work_permission(request) and case.is_open,
            "is_mine": case.owner_id == officer.pk,
            "is_barred": officer.pk in case.not_by,
            "desk": [{"act": act, "says": acts[act], "form": form} for act, form in desk.items()],
        }
        context = self.admin_site.each_context(request) | page
        status = 422 if wrong else 200
        return TemplateResponse(request, "admin/regulation/case.html", context, status=status)


def _of(act: str, case: CaseFile) -> dict[str, Any]:
    """What a form of the desk is made with."""
    own: dict[str, Any] = {"case": case} if act == "close" else {}
    if own and case.kind == CaseKind.APPEAL:
        decision = contested(case)
        own["who"] = who_may_be_exempt(decision) if decision else []
    return {"auto_id": f"{act}_%s", **own, **admin_applications.made_with(act, case)}


@admin.register(Exemption)
class ExemptionAdmin(ActsWithReason):
    """Who is exempt from which policy.  Granted appeals give exemptions; officers end them."""

    list_display = ("policy", "subject_kind", "subject", "valid", "reason", "given_by", "ended_at")
    list_filter = ("subject_kind", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("policy", "given_by")
    search_fields = ("=policy__number", "reason")
    ordering = ("-pk",)
    actions = ("end",)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("regulation.end_exemption")

    @admin.action(description=_("End"), permissions=["end"])
    def end(self, request: HttpRequest, given: QuerySet[Exemption]) -> HttpResponse | None:
        def act(one: Exemption, reason: str) -> None:
            by = asking(request).acting(Kind.OFFICER)
            operations.end_exemption(exemption_id=one.pk, reason=reason, by=by, at=clock.now())

        return self.with_reason(request, given, "end", _("End exemptions"), act, {})


class Setting(ModelAdmin):
    """What a city sets for its own office.  Officers with leave write it by operations."""

    ordering = ("city", "pk")

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Deadline)
class DeadlineAdmin(Setting):
    list_display = ("city", "kind", "working_days")
    list_select_related = ("city",)

    def get_readonly_fields(self, request: HttpRequest, obj: Deadline | None = None) -> Any:
        return ("city", "kind") if obj else ()

    def save_model(self, request: HttpRequest, obj: Deadline, form: Any, change: bool) -> None:
        kept = operations.set_deadline(
            city_id=obj.city_id,
            kind=obj.kind,
            working_days=obj.working_days,
            by=asking(request).acting(Kind.OFFICER),
            at=clock.now(),
        )
        obj.pk = kept.pk


@admin.register(DayOff)
class DayOffAdmin(Setting):
    list_display = ("day", "name", "city")
    list_select_related = ("city",)
    ordering = ("-day", "city")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: DayOff, form: Any, change: bool) -> None:
        kept = operations.set_day_off(
            city_id=obj.city_id,
            day=obj.day,
            name=obj.name,
            by=asking(request).acting(Kind.OFFICER),
            at=clock.now(),
        )
        obj.pk = kept.pk
