"""What applicants send, and what officers say of an application."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apps.kernel import clock
from apps.parties.models import Provider, User
from apps.parties.queries import providers_of
from apps.regulation.forms_cases import Close, Desk, ScanField, Statement
from apps.regulation.models import CaseFile, Document
from apps.regulation.operations.cases import LONGEST


class Apply(Statement):
    """For whom a permit is asked, and what for."""

    provider = forms.ModelChoiceField(
        Provider.objects.none(), label=_("For whom"), to_field_name="ref", empty_label=None
    )
    field_order = ("provider", "words")

    def __init__(self, *args: Any, user: User, **rest: Any) -> None:
        super().__init__(*args, **rest)
        del self.fields["scan"]
        self.fields["words"].label = _("What you want to offer, and where")
        mine = self.fields["provider"]
        assert isinstance(mine, forms.ModelChoiceField)
        mine.queryset = providers_of(user, "operate_provider").order_by("name", "pk")


class Send(forms.Form):
    scan = ScanField(label=_("Picture or PDF"))


class Check(Desk):
    """What an officer says of one document."""

    document = forms.ModelChoiceField(
        Document.objects.none(), label=_("Document"), widget=UnfoldAdminSelectWidget
    )
    verdict = forms.ChoiceField(
        label=_("It is"),
        choices=[("accept", _("accepted")), ("refuse", _("refused"))],
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(
        label=_("Why not"), max_length=500, required=False, widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, *args: Any, case: CaseFile, **rest: Any) -> None:
        super().__init__(*args, **rest)
        waiting = self.fields["document"]
        assert isinstance(waiting, forms.ModelChoiceField)
        sent = Document.objects.filter(application=case.pk, state=Document.State.SENT)
        waiting.queryset = sent.select_related("requirement").order_by("pk")

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        if told.get("verdict") == "refuse" and not told.get("reason"):
            self.add_error("reason", _("Say why: whoever sent it will read it."))
        if told.get("verdict") == "accept":
            told["reason"] = ""
        return told


class Fee(Desk):
    """What was paid elsewhere than by card, and why."""

    payment = forms.CharField(
        label=_("Receipt of the payment"), max_length=100, widget=UnfoldAdminTextInputWidget
    )
    reason = forms.CharField(
        label=_("How it was paid, and why not by card"),
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )


class Appointment(Desk):
    moment = forms.SplitDateTimeField(
        label=_("When, by the city's clock"), widget=UnfoldAdminSplitDateTimeWidget
    )

    def __init__(self, *args: Any, case: CaseFile, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.city = case.city

    def clean_moment(self) -> datetime:
        shown: datetime = self.cleaned_data["moment"]
        try:
            moment = self.city.moment(shown.replace(tzinfo=None))
        except ValueError as error:
            raise forms.ValidationError(_("No clock shows this hour.")) from error
        if moment < clock.now():
            raise forms.ValidationError(_("This is over."))
        return moment


class Found(Desk):
    is_passed = forms.TypedChoiceField(
        label=_("Result"),
        choices=[("1", _("passed")), ("0", _("failed"))],
        coerce=lambda said: said == "1",
        widget=UnfoldAdminSelectWidget,
    )
    words = forms.CharField(
        label=_("What was found"), max_length=LONGEST, widget=UnfoldAdminTextareaWidget
    )


class DecideApplication(Close):
    conditions = forms.CharField(
        label=_("Conditions of the permit"),
        max_length=LONGEST,
        required=False,
        widget=UnfoldAdminTextareaWidget,
    )
