"""The office's desk for policies: what holds, what waits, and the way of a draft into force."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.kernel.office import Facts
from apps.parties.models import User
from apps.places import queries as places
from apps.places.current import current_city
from apps.places.models import City
from apps.regulation import operations, rulebook
from apps.regulation.desk import ABOUT, ACTS, COMPLAINTS, OF_ANOTHER, Act
from apps.regulation.forms_policies import RuleForm
from apps.regulation.models import Policy, PolicyVersion
from apps.regulation.rulebook import Standing
from apps.regulation.rules import KINDS, Malformed


class Worklist(admin.SimpleListFilter):
    """What waits, before everything that ever was."""

    title = gettext_lazy("worklist")
    parameter_name = "worklist"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        said = {Standing.PROPOSED: _("To approve")}
        return [
            (one.value, said.get(one, one.label.capitalize()))
            for one in Standing
            if one is not Standing.REJECTED
        ]

    def queryset(self, request: HttpRequest, policies: QuerySet[Policy]) -> QuerySet[Policy]:
        if not (wanted := self.value()) or wanted not in Standing.values:
            return policies
        return policies.filter(rulebook.standing_so(wanted, clock.now()))


@admin.register(Policy)
class PolicyAdmin(Facts):
    """Policies are drafted, proposed, approved and stopped, and never otherwise changed."""

    list_display = ("number", "says", "standing", "kind", "since", "until")
    list_display_links = ("number", "says")
    list_filter = (Worklist, "city")
    search_fields = ("=number", "versions__title", "versions__why")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Policy]:
        return rulebook.with_versions(super().get_queryset(request))

    def get_ordering(self, request: HttpRequest) -> Any:
        """What waits for approval first, then the newest."""
        waiting = PolicyVersion.objects.to_approve().filter(policy=OuterRef("pk"))
        return (Exists(waiting).desc(), "-pk")

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm("regulation.propose_policy")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("add/<slug:kind>/", wrap(self.draft_view), name="regulation_policy_draft"),
            path("preview/<slug:kind>/", wrap(self.preview_view), name="regulation_policy_preview"),
            path("zones/", wrap(self.zones_view), name="regulation_policy_zones"),
            path("<int:policy_id>/next/", wrap(self.next_view), name="regulation_policy_next"),
            path(
                "version/<int:version_id>/<slug:act>/",
                wrap(self.act_view),
                name="regulation_policy_act",
            ),
            *super().get_urls(),
        ]

    # --- the list ---

    @admin.display(description=gettext_lazy("what it says"))
    def says(self, policy: Policy) -> str:
        return _shown(policy).version.title

    @admin.display(description=gettext_lazy("state"))
    def standing(self, policy: Policy) -> str:
        entry = _entry(policy)
        making = entry.making
        if making and making is not entry.shown:
            both = {"now": entry.shown.standing.label, "next": making.standing.label}
            return _("%(now)s; next version: %(next)s") % both
        return str(entry.shown.standing.label)

    @admin.display(description=gettext_lazy("kind"))
    def kind(self, policy: Policy) -> str:
        return _shown(policy).version.get_kind_display()

    @admin.display(description=gettext_lazy("from"))
    def since(self, policy: Policy) -> Any:
        return _shown(policy).begins

    @admin.display(description=gettext_lazy("up to"))
    def until(self, policy: Policy) -> Any:
        return _shown(policy).ends

    # --- the page of a policy ---

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        policy = self.get_object(request, object_id)
        if policy is None or not self.has_view_permission(request, policy):
            return cast(HttpResponse, super().change_view(request, object_id, form_url))
        if request.method != "GET":
            raise PermissionDenied
        (entry,) = rulebook.entries(Policy.objects.filter(pk=policy.pk), clock.now())
        told = {
            "title": f"{policy.number}: {entry.shown.version.title}",
            "original": policy,
            "entry": entry,
            "rows": [(said, self._acts(request, said)) for said in entry.versions],
            "zone_info": policy.city.zone_info,
            "shapes": places.shapes(policy.city, entry.zones),
            "may_draft": self.has_add_permission(request) and not entry.first(Standing.PROPOSED),
        }
        return self._page(request, "admin/regulation/policy.html", told)

    def _acts(self, request: HttpRequest, said: rulebook.Said) -> list[tuple[Act, bool]]:
        """What this officer may do to a version, and whether their own hand forbids it."""
        own = request.user.pk in (said.version.drafted_by_id, said.version.proposed_by_id)
        return [
            (act, own and act.name in OF_ANOTHER)
            for act in ACTS.values()
            if said.standing in act.standings and request.user.has_perm(act.permission)
        ]

    # --- drafting ---

    def add_view(self, request: HttpRequest, *args: Any, **rest: Any) -> HttpResponse:
        """The first step of a new policy: which kind of rule."""
        self._may(request, "regulation.propose_policy")
        kinds = [(kind, kind.label, ABOUT[kind]) for kind in PolicyVersion.Kind]
        return self._page(
            request, "admin/regulation/kinds.html", {"title": _("New policy"), "kinds": kinds}
        )

    def draft_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """The second: what it says."""
        return self._draft(request, _city(), kind)

    def next_view(self, request: HttpRequest, policy_id: int) -> HttpResponse:
        """A draft that is changed, or the next version of a policy, begun from its last."""
        policy = self.get_object(request, str(policy_id))
        last = policy and policy.versions.order_by("-version").first()
        if policy is None or last is None:
            raise Http404
        return self._draft(request, policy.city, last.kind, policy, last)

    def _draft(
        self,
        request: HttpRequest,
        city: City,
        kind: str,
        policy: Policy | None = None,
        last: PolicyVersion | None = None,
    ) -> HttpResponse:
        self._may(request, "regulation.propose_policy")
        if kind not in KINDS:
            raise Http404
        form = RuleForm(request.POST or None, kind=kind, city=city, version=last)
        if request.method == "POST" and form.is_valid():
            try:
                version = operations.draft_policy(
                    city_id=city.pk,
                    kind=kind,
                    title=form.cleaned_data["title"],
                    why=form.cleaned_data["why"],
                    scope=form.cleaned_data["scope"],
                    terms=form.cleaned_data["terms"],
                    policy_id=policy.pk if policy else None,
                    officer_id=_officer(request).pk,
                    by=_by(request),
                    at=clock.now(),
                )
            except Malformed as no:
                form.complain(no)
            except operations.NotInTheMaking as no:
                form.add_error(None, str(COMPLAINTS[type(no)]))
            else:
                said = _("The draft %(name)s is kept. Propose it when it is right.")
                self.message_user(request, said % {"name": version}, messages.SUCCESS)
                return HttpResponseRedirect(_page_of(version))
        label = PolicyVersion.Kind(kind).label
        told = {
            "title": f"{policy}: {label}" if policy else label,
            "original": policy,
            "about": ABOUT[kind],
            "kind": kind,
            "form": form,
            "here": city,
            "sentences": form.sentences()
            if form.is_bound
            else last and rulebook.sentences_of(last),
            "shapes": places.shapes(city),
        }
        return self._page(request, "admin/regulation/draft.html", told)

    def preview_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """What the form says by now, in words; asked while somebody is typing."""
        self._may(request, "regulation.propose_policy")
        if kind not in KINDS or request.method != "POST":
            raise Http404
        form = RuleForm(request.POST, kind=kind, city=_city())
        return TemplateResponse(
            request, "admin/regulation/preview.html", {"sentences": form.sentences()}
        )

    def zones_view(self, request: HttpRequest) -> HttpResponse:
        """The zones to tick, with those that were drawn since the form was opened."""
        self._may(request, "regulation.propose_policy")
        city = _city()
        form = RuleForm(request.GET, kind="closed", city=city)
        told = {"bound": form["scope_zones"], "shapes": places.shapes(city)}
        return TemplateResponse(request, "admin/regulation/zones.html", told)

    # --- deciding ---

    def act_view(self, request: HttpRequest, version_id: int, act: str) -> HttpResponse:
        """A page on which an officer proposes, approves, rejects or stops one version."""
        does = ACTS.get(act)
        versions = PolicyVersion.objects.select_related("policy__city", "drafted_by")
        version = versions.filter(pk=version_id).first()
        if does is None or version is None:
            raise Http404
        self._may(request, does.permission)
        # An officer writes the hours of the city's own clocks.
        with timezone.override(version.policy.city.zone_info):
            form = does.form(request.POST if request.method == "POST" else None)
            is_right = form.is_valid()
        if is_right:
            try:
                does.operation(
                    version_id=version.pk,
                    officer_id=_officer(request).pk,
                    by=_by(request),
                    at=clock.now(),
                    **form.cleaned_data,
                )
            except tuple(COMPLAINTS) as no:
                form.add_error(None, str(COMPLAINTS[type(no)]))
            else:
                self.message_user(request, f"{version}: {does.done}", messages.SUCCESS)
                return HttpResponseRedirect(_page_of(version))
        told = {
            "title": f"{version}: {does.title}",
            "original": version.policy,
            "act": does,
            "form": form,
            "version": version,
            "sentences": rulebook.sentences_of(version),
        }
        return self._page(request, "admin/regulation/policy_act.html", told)

    def _may(self, request: HttpRequest, permission: str) -> None:
        if not request.user.has_perm(permission):
            raise PermissionDenied

    def _page(self, request: HttpRequest, template: str, told: dict[str, Any]) -> HttpResponse:
        context = self.admin_site.each_context(request) | {"opts": self.opts} | told
        return TemplateResponse(request, template, context)


def _entry(policy: Policy) -> rulebook.Entry:
    """How a policy of the list stands, without its words."""
    return rulebook.entry_of(policy, clock.now())


def _shown(policy: Policy) -> rulebook.Said:
    return _entry(policy).shown


def _page_of(version: PolicyVersion) -> str:
    url = reverse("admin:regulation_policy_change", args=[version.policy_id])
    return f"{url}#v{version.version}"


def _city() -> City:
    city = current_city()
    if city is None:
        raise Http404
    return city


def _officer(request: HttpRequest) -> User:
    return cast(User, request.user)


def _by(request: HttpRequest) -> Actor:
    return Actor(Kind.OFFICER, str(request.user.pk))
