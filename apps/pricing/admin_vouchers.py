"""The office's desk for vouchers: issued with a reason, watched, and ended."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
)

from apps.audit.office import Personal
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.money import EXPONENTS, Money
from apps.kernel.office import ActsWithReason, Facts
from apps.parties.authentication import asking
from apps.places.models import City
from apps.pricing import operations
from apps.pricing.models import Voucher, VoucherUse

COMPLAINTS: dict[type[Exception], str | Promise] = {}
# More than anybody gives away, and what the database can hold.
MOST = Decimal(10) ** 12


def sum_of_money(label: Any, *, required: bool = True, help_text: Any = "") -> Any:
    return forms.DecimalField(
        label=label,
        required=required,
        min_value=0,
        max_value=MOST,
        help_text=help_text,
        widget=UnfoldAdminDecimalFieldWidget,
    )


class IssueVoucher(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A voucher as people write it: sums in the city's money, shares in percent, days as days."""

    amount = sum_of_money(_("sum"), required=False, help_text=_("Either a sum or a share."))
    share = forms.DecimalField(
        label=_("share, percent"),
        required=False,
        min_value=0,
        max_value=100,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    most = sum_of_money(_("of one order at most"), required=False)
    budget = sum_of_money(_("budget"))
    since = forms.DateField(label=_("from the day"), widget=UnfoldAdminSingleDateWidget)
    until = forms.DateField(label=_("up to the day, included"), widget=UnfoldAdminSingleDateWidget)

    class Meta:
        model = Voucher
        fields = ("city", "code", "issuer", "vertical", "uses_most", "uses_each", "reason")
        widgets = {"reason": UnfoldAdminTextareaWidget}

    def clean_code(self) -> str:
        code = operations.written(self.cleaned_data["code"])
        if not operations.CODE.fullmatch(code):
            raise forms.ValidationError(_("Four to thirty letters, digits and hyphens."))
        return code

    def clean(self) -> dict[str, Any]:
        """Complain beside the field, before the operation would."""
        told = super().clean() or self.cleaned_data
        city: City | None = told.get("city")
        if city is None:
            return told
        for name in ("amount", "most", "budget"):
            self._in_minor_units(name, city)
        if bool(told.get("amount")) == bool(told.get("share")):
            self.add_error("amount", _("Say a sum or a share, one of the two."))
        if told.get("since") and told.get("until") and told["until"] < told["since"]:
            self.add_error("until", _("It ends before it begins."))
        if Voucher.objects.filter(city=city, code=told.get("code")).exists():
            self.add_error("code", _("There is a voucher with this code already."))
        return told

    def _in_minor_units(self, name: str, city: City) -> None:
        said: Decimal | None = self.cleaned_data.get(name)
        if said is None:
            return
        places = EXPONENTS[city.currency]
        if said != round(said, places):
            self.add_error(name, _("This currency has no smaller coins."))
        self.cleaned_data[name] = int(said.scaleb(places))

    def terms(self) -> dict[str, Any]:
        """What was said, as fields of the model."""
        told = self.cleaned_data
        zone = told["city"].zone_info
        begins = datetime.combine(told["since"], time(), zone)
        ends = datetime.combine(told["until"] + timedelta(days=1), time(), zone)
        return {
            **{name: told[name] for name in ("issuer", "vertical", "uses_most", "uses_each")},
            "flat_minor": told["amount"] or 0,
            "share_bp": int((told["share"] or Decimal(0)) * 100),
            "most_minor": told["most"] or None,
            "budget_minor": told["budget"],
            "valid": DateTimeTZRange(begins, ends),
            "reason": told["reason"],
        }


@admin.register(Voucher)
class VoucherAdmin(ActsWithReason):
    """Vouchers are issued and ended, and never otherwise changed."""

    list_display = ("code", "city", "issuer", "pays", "spent", "times", "valid", "ended_at")
    list_filter = ("city", "issuer", "vertical")
    list_select_related = ("city",)
    search_fields = ("code",)
    ordering = ("-pk",)
    readonly_fields = ("pays", "spent", "times")
    actions = ("end",)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return asking(request).has_perm("pricing.issue_voucher")

    def has_end_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("pricing.issue_voucher")

    def get_form(self, request: HttpRequest, obj: Voucher | None = None, **rest: Any) -> Any:
        return super().get_form(request, obj, **rest | ({} if obj else {"form": IssueVoucher}))

    def get_fields(self, request: HttpRequest, obj: Voucher | None = None) -> Any:
        if obj:
            return (
                ("code", "city", "issuer", "vertical"),
                ("pays", "spent", "times", "uses_each"),
                ("valid", "issued_at", "ended_at"),
                "reason",
            )
        return (
            ("city", "code"),
            ("issuer", "vertical"),
            ("amount", "share", "most"),
            ("budget", "uses_most", "uses_each"),
            ("since", "until"),
            "reason",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Voucher | None = None) -> Any:
        return self.readonly_fields if obj else ()

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **rest: Any) -> Any:
        if db_field.name == "issuer" and not asking(request).is_superuser:
            # The city's officers give the city's money away, and nobody else's.
            rest["choices"] = [(Voucher.Issuer.CITY.value, Voucher.Issuer.CITY.label)]
        return super().formfield_for_choice_field(db_field, request, **rest)

    def save_model(self, request: HttpRequest, obj: Voucher, form: Any, change: bool) -> None:
        made = operations.issue_voucher(
            city_id=obj.city_id,
            code=obj.code,
            terms=form.terms(),
            by=asking(request).acting(Kind.OFFICER),
            at=clock.now(),
        )
        obj.pk = made.pk
        obj.refresh_from_db()

    @admin.action(description=_("End"), permissions=["end"])
    def end(self, request: HttpRequest, vouchers: QuerySet[Voucher]) -> HttpResponse | None:
        by = asking(request).acting(Kind.OFFICER)

        def act(voucher: Voucher, *, reason: str) -> None:
            operations.end_voucher(voucher_id=voucher.pk, reason=reason, by=by, at=clock.now())

        return self.with_reason(request, vouchers, "end", _("End vouchers"), act, COMPLAINTS)

    @admin.display(description=_("pays"))
    def pays(self, voucher: Voucher) -> str:
        currency = voucher.city.currency
        if not voucher.share_bp:
            return str(Money(voucher.flat_minor, currency))
        share = f"{voucher.share_bp / 100:g} %"
        if voucher.most_minor is None:
            return share
        most = Money(voucher.most_minor, currency)
        return _("%(share)s, %(most)s at most") % {"share": share, "most": most}

    @admin.display(description=_("spent, of the budget"), ordering="spent_minor")
    def spent(self, voucher: Voucher) -> str:
        currency = voucher.city.currency
        return f"{Money(voucher.spent_minor, currency)} / {Money(voucher.budget_minor, currency)}"

    @admin.display(description=_("times used"), ordering="used")
    def times(self, voucher: Voucher) -> str:
        return f"{voucher.used} / {voucher.uses_most}"


@admin.register(VoucherUse)
class VoucherUseAdmin(Personal, Facts):
    """Who used which voucher for what."""

    people, named = ("person_id",), "holder"
    list_display = ("voucher", "person", "promised", "taken_minor", "promised_at", "ended_at")
    list_filter = ("voucher",)
    list_select_related = ("voucher", "person")
    search_fields = ("holder", "person__email", "voucher__code")
    ordering = ("-pk",)
