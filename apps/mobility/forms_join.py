"""What somebody fills in to drive: who they are and what they drive, and each paper."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from apps.parties.models import Joining, Provider, User
from apps.regulation import scans
from apps.regulation.scans import BAD_SCANS

OWN = "own"
ABILITIES = {
    "accessible": _("A ramp or lift for wheelchairs"),
    "large": _("Six seats or more"),
}


class DrivingForm(forms.Form):
    """Who wants to drive, for whom, and in what.  A draft may lack anything."""

    name = forms.CharField(
        label=_("Name, as on your licence"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    phone = forms.RegexField(
        r"^\+?[0-9 ()./-]{6,29}$",
        label=_("Phone"),
        error_messages={"invalid": _("Enter a phone number, like +56 9 1234 5678")},
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "maxlength": 30}),
    )
    fleet = forms.ChoiceField(
        label=_("For whom you want to drive"),
        help_text=_(
            "A fleet has to agree. Once you send this, it sees what stands here and your papers."
        ),
    )
    business = forms.CharField(
        label=_("Name of your business"),
        max_length=200,
        required=False,
        help_text=_("Only if you drive for yourself."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    make = forms.CharField(label=_("Make and model of the car"), max_length=60)
    colour = forms.CharField(label=_("Colour"), max_length=30)
    plate = forms.CharField(
        label=_("Plate"),
        max_length=12,
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off"}),
    )
    seats = forms.IntegerField(
        label=_("Seats for riders"),
        min_value=1,
        max_value=16,
        initial=4,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    abilities = forms.MultipleChoiceField(
        label=_("What the car can do"),
        choices=list(ABILITIES.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, fleets: list[Provider], is_draft: bool, **rest: Any) -> None:
        super().__init__(*args, **rest)
        choices = [("", _("Choose")), *((str(one.ref), one.name) for one in fleets)]
        choices.append((OWN, _("For myself, as a business of my own")))
        self.fleets = {str(one.ref): one for one in fleets}
        fleet = self.fields["fleet"]
        assert isinstance(fleet, forms.ChoiceField)
        fleet.choices = choices
        self.use_required_attribute = False
        if is_draft:
            for field in self.fields.values():
                field.required = False

    def clean_plate(self) -> str:
        return "".join(self.cleaned_data["plate"].split()).upper()

    @property
    def wish(self) -> dict[str, Any]:
        """What `parties.save_joining` keeps of it."""
        told = self.cleaned_data
        fleet = self.fleets.get(told["fleet"])
        return {
            "provider_id": fleet.pk if fleet else None,
            "business": told["business"],
            "seats": told["seats"] or 4,
            "abilities": told["abilities"],
            "details": {
                "make": told["make"],
                "colour": told["colour"],
                "plate": told["plate"],
                "own": "yes" if told["fleet"] == OWN else "",
            },
        }


def told_so_far(user: User, joining: Joining | None, fleet: str) -> dict[str, Any]:
    """What the form shows before anything is typed: the draft, or what the account knows."""
    told: dict[str, Any] = {"name": user.name, "phone": user.phone, "fleet": fleet}
    if joining is None:
        return told
    own = OWN if joining.details.get("own") else ""
    chosen = str(joining.provider.ref) if joining.provider else own
    car = {name: joining.details.get(name, "") for name in ("make", "colour", "plate")}
    return (
        told
        | car
        | {
            "fleet": chosen or fleet,
            "business": joining.business,
            "seats": joining.seats,
            "abilities": joining.abilities,
        }
    )


class PaperForm(forms.Form):
    """One paper: its number, its last day, its picture."""

    number = forms.CharField(
        label=_("Number on the paper"),
        max_length=50,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    expires_on = forms.DateField(
        label=_("Valid through"),
        help_text=_("The last day on which it holds."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    scan = forms.FileField(
        label=_("Picture or PDF"),
        help_text=_("The whole paper, sharp, all four corners. Up to 10 MB, a PDF up to 5 MB."),
        error_messages={"empty": BAD_SCANS["empty"]},
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,application/pdf"}),
    )

    def __init__(self, *args: Any, today: Callable[[], date], **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.today = today
        self.use_required_attribute = False

    def clean_expires_on(self) -> date:
        day: date = self.cleaned_data["expires_on"]
        if day < self.today():
            raise forms.ValidationError(_("This day is over. Send a paper that still holds."))
        return day

    def clean_scan(self) -> scans.Scan:
        file: UploadedFile[bytes] = self.cleaned_data["scan"]
        try:
            return scans.read(file, file.size or 0)
        except scans.BadScan as bad:
            raise forms.ValidationError(BAD_SCANS[bad.code]) from bad
