"""The office's desk for taxes and fees: what holds, what is planned, and how to set a new one."""

from datetime import datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.kernel.office import ActsWithReason
from apps.parties.authentication import asking
from apps.pricing import operations
from apps.pricing.forms import SetLevy, written
from apps.pricing.levies import Rule
from apps.pricing.levy_words import example, tell
from apps.pricing.models import Levy, LevyExemption, LevyShare
from apps.pricing.queries import rule_of

COMPLAINTS: dict[type[Exception], str | Promise] = {
    operations.LevyOverlaps: _("Another officer has just set a version of this tax or fee."),
    operations.NumberTaken: _("Another officer has just used this number."),
}
# What may stand against a verdict.
AGAINST: dict[type[Exception], str | Promise] = {
    operations.FourEyes: _("you proposed it yourself: another officer decides on it"),
    operations.NotInTheMaking: _("it does not wait for this, or not any more"),
    operations.LevyOverlaps: _("another version holds in that time, or begins later"),
    operations.BeginsTooLate: _("its time is over"),
}


class Standing(admin.SimpleListFilter):
    """What holds now, before what held once."""

    title = _("standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("proposed", _("Waits for approval")),
            ("holds", _("In force")),
            ("planned", _("Planned")),
            ("over", _("Over, called off or rejected")),
        ]

    def queryset(self, request: HttpRequest, levies: QuerySet[Levy]) -> QuerySet[Levy]:
        at = clock.now()
        approved = Q(withdrawn_at=None, state=Levy.State.APPROVED)
        planned = approved & Q(valid__startswith__gt=at)
        holds = approved & Q(valid__contains=at)
        proposed = Q(state=Levy.State.PROPOSED)
        wanted: dict[str | None, Q] = {
            "proposed": proposed,
            "holds": holds,
            "planned": planned,
            "over": ~(holds | planned | proposed),
        }
        return levies.filter(wanted.get(self.value(), Q()))


class WrittenOnce(TabularInline):
    """Rows that are written with what they belong to, and never again."""

    extra = 1

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and request.user.has_perm("pricing.add_levy")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Shares(WrittenOnce):
    model = LevyShare
    fields = ("to", "beneficiary", "weight")
    min_num = 1

    def get_formset(self, request: HttpRequest, obj: Any = None, **rest: Any) -> Any:
        return super().get_formset(request, obj, **rest | {"validate_min": obj is None})


class Exemptions(WrittenOnce):
    model = LevyExemption
    fields = ("code", "name", "proof", "frees")


@admin.register(Levy)
class LevyAdmin(ActsWithReason):
    """Versions are proposed, decided on and ended, and never otherwise changed."""

    list_display = ("number", "name", "city", "says", "state", "begins", "ends", "withdrawn_at")
    list_filter = (Standing, "city", "vertical", "code")
    list_select_related = ("city", "zone")
    search_fields = ("number", "name", "code")
    ordering = ("city", "code", "-pk")
    actions = ("approve", "reject", "end")
    inlines = (Shares, Exemptions)
    change_form_outer_before_template = "admin/pricing/levy.html"
    change_form_after_template = "admin/pricing/levy_preview.html"

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm("pricing.add_levy")

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("pricing.approve_levy")

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("pricing.end_levy")

    @admin.display(description=_("says"))
    def says(self, levy: Levy) -> str:
        return tell(rule_of(levy), levy.city.currency, levy.city.zone_info)[0]

    @admin.display(description=_("valid from"), ordering="valid")
    def begins(self, levy: Levy) -> str:
        return _shown(levy, levy.valid.lower)

    @admin.display(description=_("up to"))
    def ends(self, levy: Levy) -> str:
        return _shown(levy, levy.valid.upper)

    def get_form(self, request: HttpRequest, obj: Levy | None = None, **rest: Any) -> Any:
        return super().get_form(request, obj, **rest | ({} if obj else {"form": SetLevy}))

    def get_fieldsets(self, request: HttpRequest, obj: Levy | None = None) -> Any:
        if obj:
            # The words above say the rest.
            fields = (
                ("city", "code", "number", "name"),
                ("state", "reason"),
                ("proposed_by", "proposed_at"),
                ("decided_by", "decided_at"),
                ("withdrawn_at", "follows"),
            )
            return [(None, {"fields": fields})]
        return [
            (None, {"fields": ("city", ("number", "code"), "name", "valid_from")}),
            (
                _("How much"),
                {"fields": (("kind", "rate", "per"), "base", ("most_unit_minor", "times_bp"))},
            ),
            (
                _("Where and when"),
                {
                    "fields": (
                        ("vertical", "category", "zone"),
                        "weekdays",
                        ("hour_from", "hour_until"),
                    )
                },
            ),
            (
                _("For whom, and up to what"),
                {
                    "fields": (
                        ("age_from", "age_below"),
                        ("most_parts", "most_person_minor", "most_minor"),
                    )
                },
            ),
            (_("Rounding"), {"fields": (("rounded", "direction"),)}),
        ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        before = self._before(request)
        return written(before) if before else super().get_changeform_initial_data(request)

    def get_formset_kwargs(
        self, request: HttpRequest, obj: Any, inline: Any, prefix: str
    ) -> dict[str, Any]:
        told: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        before = self._before(request)
        # Only the first time: what is sent with the form counts as said by the officer.
        if request.method == "GET" and before:
            rows = inline.model.objects.filter(levy=before).order_by("pk")
            told["initial"] = list(rows.values(*inline.fields))
        return told

    def _before(self, request: HttpRequest) -> Levy | None:
        """The version that a new one begins with, when the officer came from its page."""
        number = request.GET.get("before", "")
        found = Levy.objects.filter(pk=number) if number.isdecimal() else Levy.objects.none()
        return found.select_related("city").first()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **rest: Any
    ) -> HttpResponse:
        """A page with what the rule says, set or only looked at before it is."""
        obj: Levy | None = rest.get("obj")
        form = context["adminform"].form
        formsets = [one.formset for one in context["inline_admin_formsets"]]
        if obj:
            context["told"] = _told(rule_of(obj), obj)
            context["may_add"] = self.has_add_permission(request)
        elif getattr(form, "is_preview", False) and not form.errors:
            context["told"] = _preview(form, formsets)
        return cast(HttpResponse, super().render_change_form(request, context, *args, **rest))

    def save_model(self, request: HttpRequest, obj: Levy, form: Any, change: bool) -> None:
        """Nothing yet: it is proposed as one, with its shares and exemptions."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        levy = operations.propose_levy(
            city_id=form.cleaned_data["city"].pk,
            rule=_rule(form, formsets),
            officer_id=asking(request).pk,
            by=_officer(request),
            at=clock.now(),
        )
        form.instance.pk, form.instance.valid = levy.pk, levy.valid
        self.message_user(request, _("It waits for another officer now."), messages.SUCCESS)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        # The rows below were written by the operation, not by their forms.
        return super().construct_change_message(request, form, [], add)

    def add_view(self, request: HttpRequest, *args: Any, **rest: Any) -> HttpResponse:
        try:
            return cast(HttpResponse, super().add_view(request, *args, **rest))
        except tuple(COMPLAINTS) as no:
            # Between our look and our write.
            self.message_user(request, str(COMPLAINTS[type(no)]), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    @admin.action(description=_("Approve"), permissions=["approve"])
    def approve(self, request: HttpRequest, rows: QuerySet[Levy]) -> None:
        """Put what another officer proposed in force; what cannot be stops no other."""
        for levy in rows.order_by("pk"):
            try:
                operations.approve_levy(
                    levy_id=levy.pk,
                    officer_id=asking(request).pk,
                    by=_officer(request),
                    at=clock.now(),
                )
            except tuple(AGAINST) as no:
                self.message_user(request, f"{levy}: {AGAINST[type(no)]}", messages.WARNING)
            else:
                said = _("%(levy)s is approved.") % {"levy": levy}
                self.message_user(request, said, messages.SUCCESS)

    @admin.action(description=_("Reject"), permissions=["approve"])
    def reject(self, request: HttpRequest, rows: QuerySet[Levy]) -> HttpResponse | None:
        def act(levy: Levy, reason: str) -> None:
            operations.reject_levy(
                levy_id=levy.pk,
                officer_id=asking(request).pk,
                reason=reason,
                by=_officer(request),
                at=clock.now(),
            )

        return self.with_reason(request, rows, "reject", _("Reject taxes and fees"), act, AGAINST)

    @admin.action(description=_("End, or call off"), permissions=["end"])
    def end(self, request: HttpRequest, rows: QuerySet[Levy]) -> HttpResponse | None:
        def act(levy: Levy, reason: str) -> None:
            operations.end_levy(
                levy_id=levy.pk, reason=reason, by=_officer(request), at=clock.now()
            )

        return self.with_reason(request, rows, "end", _("End taxes and fees"), act, AGAINST)


def _rule(form: SetLevy, formsets: list[Any]) -> Rule:
    """What the form and the rows below it say."""
    rows: dict[Any, list[dict[str, Any]]] = {
        formset.model: [row for row in formset.cleaned_data if row] for formset in formsets
    }
    return form.rule(rows[LevyShare], rows[LevyExemption])


def _preview(form: SetLevy, formsets: list[Any]) -> dict[str, Any] | None:
    """What would be set, unless something below the form is wrong."""
    if not all(formset.is_valid() for formset in formsets):
        return None
    return _told(_rule(form, formsets), form.instance)


def _told(rule: Rule, levy: Levy) -> dict[str, Any]:
    city = levy.city
    name = levy.zone.name if levy.zone else ""
    return {
        "words": tell(rule, city.currency, city.zone_info, name),
        "example": example(rule, city.currency, city.zone_info, clock.now()),
    }


def _shown(levy: Levy, moment: datetime | None) -> str:
    """A moment as the clocks of the city show it."""
    return f"{levy.city.now(moment):%Y-%m-%d %H:%M}" if moment else ""


def _officer(request: HttpRequest) -> Actor:
    return Actor(Kind.OFFICER, str(request.user.pk))
