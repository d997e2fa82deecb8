"""What people and officers write in a case."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apps.kernel import clock
from apps.parties.models import Provider, User
from apps.regulation import queries_cases as read
from apps.regulation import scans
from apps.regulation.models import CaseEvent, CaseFile, Exemption, Outcome
from apps.regulation.operations.appeals import Exempt
from apps.regulation.operations.cases import LONGEST

For = CaseEvent.For


class ScanField(forms.FileField):
    """A picture that is drawn anew, or a PDF; cleaned, it is a `Scan`."""

    widget = forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,application/pdf"})
    default_error_messages = {"empty": scans.BAD_SCANS["empty"]}

    def clean(self, data: Any, initial: Any = None) -> scans.Scan | None:
        file: UploadedFile[bytes] | None = super().clean(data, initial)
        if not file:
            return None
        try:
            return scans.read(file, file.size or 0)
        except scans.BadScan as bad:
            raise forms.ValidationError(scans.BAD_SCANS[bad.code]) from bad


class Statement(forms.Form):
    """What somebody says in a case, with a picture or a PDF if they like."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    words = forms.CharField(
        label=_("What you want to say"), max_length=LONGEST, widget=forms.Textarea
    )
    scan = ScanField(
        label=_("Picture or PDF"),
        required=False,
        help_text=_("Up to 10 MB, a PDF up to 5 MB. We keep the picture without its place."),
    )
    use_required_attribute = False


class Complaint(Statement):
    """What somebody complains of: a provider, or what they had of it."""

    About = CaseFile.About

    provider = forms.ModelChoiceField(
        Provider.objects.none(), label=_("About whom"), to_field_name="ref"
    )
    about_kind = forms.ChoiceField(
        label=_("What it is about"),
        choices=[
            (About.PROVIDER, _("the provider itself")),
            (About.ORDER, _("an order of yours")),
            (About.LISTING, _("something it offers")),
        ],
    )
    about = forms.CharField(
        label=_("Reference of the order or the offer"), max_length=100, required=False
    )
    title = forms.CharField(
        label=_("In a few words"),
        max_length=160,
        help_text=_("If the office asks the provider, it reads this line, and never your name."),
    )
    field_order = ("provider", "about_kind", "about", "title", "words", "scan")

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.fields["words"].label = _("What happened")
        providers = self.fields["provider"]
        assert isinstance(providers, forms.ModelChoiceField)
        permitted = Provider.objects.filter(permits__isnull=False)
        providers.queryset = permitted.distinct().order_by("name", "pk")

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        if told.get("about_kind") == self.About.PROVIDER and told.get("provider"):
            told["about"] = str(told["provider"].ref)
        elif "about_kind" in told and not told.get("about"):
            self.add_error("about", _("Say which: it stands on the receipt."))
        return told


class Withdrawal(forms.Form):
    words = forms.CharField(label=_("Why"), max_length=500)
    use_required_attribute = False


# --- the officer's desk -------------------------------------------------------------------


class Desk(forms.Form):
    """What an officer writes; `key` lets the same form be sent twice."""

    use_required_attribute = False


class Note(Desk):
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    words = forms.CharField(label=_("Words"), max_length=LONGEST, widget=UnfoldAdminTextareaWidget)
    seen_by = forms.ChoiceField(label=_("For"), choices=For, widget=UnfoldAdminSelectWidget)


class Ask(Note):
    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        sides = self.fields["seen_by"]
        assert isinstance(sides, forms.ChoiceField)
        sides.choices = [(one, one.label) for one in For if one != For.OFFICE]


class HandOver(Desk):
    to = forms.ModelChoiceField(
        User.objects.none(), label=_("To whom"), widget=UnfoldAdminSelectWidget
    )
    words = forms.CharField(label=_("Why"), max_length=500, widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        to = self.fields["to"]
        assert isinstance(to, forms.ModelChoiceField)
        to.queryset = read.officers()


class Close(Desk):
    outcome = forms.ChoiceField(label=_("Outcome"), widget=UnfoldAdminSelectWidget)
    words = forms.CharField(
        label=_("What the city says"),
        max_length=LONGEST,
        widget=UnfoldAdminTextareaWidget,
        help_text=_("Whoever it concerns reads this."),
    )

    def __init__(self, *args: Any, case: CaseFile, **rest: Any) -> None:
        super().__init__(*args, **rest)
        outcome = self.fields["outcome"]
        assert isinstance(outcome, forms.ChoiceField)
        may = [Outcome(one) for one in case.outcomes if one != Outcome.WITHDRAWN]
        outcome.choices = [("", _("Choose")), *((one, one.label) for one in may)]


class DecideAppeal(Close):
    """The end of an appeal; granted, it may exempt somebody from the policy that said no."""

    exempt = forms.ChoiceField(
        label=_("Exempt from the policy"), required=False, widget=UnfoldAdminSelectWidget
    )
    until = forms.DateField(label=_("Exempt through"), required=False, widget=UnfoldAdminDateWidget)

    def __init__(self, *args: Any, case: CaseFile, who: list[tuple[str, str]], **rest: Any) -> None:
        super().__init__(*args, case=case, **rest)
        self.city = case.city
        if not who:
            del self.fields["exempt"], self.fields["until"]
            return
        exempt = self.fields["exempt"]
        assert isinstance(exempt, forms.ChoiceField)
        kinds = dict(Exemption.Subject.choices)
        named = [(one, f"{kinds[one.partition(':')[0]]}: {name}") for one, name in who]
        exempt.choices = [("", _("Nobody")), *named]

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        exempt, until = told.pop("exempt", ""), told.pop("until", None)
        told["exempt"] = None
        if not exempt:
            return told
        if told.get("outcome") != Outcome.GRANTED:
            self.add_error("exempt", _("Only a granted appeal exempts anybody."))
        elif until is None or until < self.city.now(clock.now()).date():
            self.add_error("until", _("Say through which day, from today on."))
        else:
            kind, _colon, subject = exempt.partition(":")
            over = datetime.combine(until + timedelta(days=1), time(), tzinfo=self.city.zone_info)
            told["exempt"] = Exempt(kind, int(subject), over)
        return told


class Inspection(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """What an officer is to look at, at a provider's."""

    words = forms.CharField(
        label=_("What is to be looked at"), max_length=LONGEST, widget=UnfoldAdminTextareaWidget
    )
    is_announced = forms.BooleanField(
        label=_("Announced: the provider reads of it at once"), required=False
    )

    class Meta:
        model = CaseFile
        fields = ("city", "provider", "vertical", "title")

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.fields["provider"].required = True
