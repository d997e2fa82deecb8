"""What an officer may do to a version of a policy, and what may stand against it."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from apps.regulation import operations
from apps.regulation.models import PolicyVersion
from apps.regulation.rulebook import Standing

COMPLAINTS: dict[type[Exception], str | Promise] = {
    operations.FourEyes: gettext_lazy(
        "You drafted or proposed it yourself: another officer decides on it."
    ),
    operations.NotInTheMaking: gettext_lazy(
        "Another officer was faster: it does not wait for this any more."
    ),
    operations.BeginsTooLate: gettext_lazy(
        "It would begin in the past, end before it begins, or come before one that is planned."
    ),
    operations.AnEmergencyEnds: gettext_lazy("An emergency needs an end."),
}
ABOUT: dict[str, str | Promise] = {
    "closed": gettext_lazy("Nobody is picked up or set down here, or nothing takes place."),
    "price": gettext_lazy("Lowest and highest price, and how far demand may lift a fare."),
    "commission": gettext_lazy("The most that the platform may add."),
    "pay": gettext_lazy("The least that whoever does the work gets."),
    "fee": gettext_lazy("What the city asks on top: a sum, a share, or both."),
    "subsidy": gettext_lazy("What the city pays of a price."),
    "cap": gettext_lazy("So many nights, rides or shifts, counted."),
    "limit": gettext_lazy("Guests, hours, ways: a number within bounds."),
    "hours": gettext_lazy("Open between these hours only."),
    "permit": gettext_lazy("Who needs a permit, and who does not."),
    "speed": gettext_lazy("How fast anybody may drive; 0 closes streets."),
    "crisis": gettext_lazy("The emergency switch: nobody is driven in, no surge, free ways out."),
}


class Approval(forms.Form):
    """From when to when a version holds, by the city's clock."""

    moment = {"type": "datetime-local"}
    begins = forms.DateTimeField(
        label=gettext_lazy("Begins"),
        help_text=gettext_lazy("Empty: at once."),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs=moment),
    )
    ends = forms.DateTimeField(
        label=gettext_lazy("Ends"),
        help_text=gettext_lazy("Empty: until somebody ends it."),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs=moment),
    )


class Why(forms.Form):
    """A reason that stays on record."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("Everybody can read it on the page of the rule."),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )


@dataclass(frozen=True, slots=True)
class Act:
    """Something that an officer may do to a version."""

    name: str
    permission: str
    standings: tuple[Standing, ...]
    title: str | Promise
    done: str | Promise
    form: type[forms.Form]
    operation: Callable[..., PolicyVersion]


ACTS = {
    act.name: act
    for act in (
        Act(
            "propose",
            "regulation.propose_policy",
            (Standing.DRAFT,),
            gettext_lazy("Propose"),
            gettext_lazy("It waits for another officer now."),
            forms.Form,
            operations.propose_policy,
        ),
        Act(
            "approve",
            "regulation.approve_policy",
            (Standing.PROPOSED,),
            gettext_lazy("Approve"),
            gettext_lazy("It is approved."),
            Approval,
            operations.approve_policy,
        ),
        Act(
            "reject",
            "regulation.approve_policy",
            (Standing.PROPOSED,),
            gettext_lazy("Reject"),
            gettext_lazy("It is rejected."),
            Why,
            operations.reject_policy,
        ),
        Act(
            "stop",
            "regulation.stop_policy",
            (Standing.IN_FORCE, Standing.PLANNED),
            gettext_lazy("Stop at once"),
            gettext_lazy("It is stopped. It holds nowhere any more."),
            Why,
            operations.stop_policy,
        ),
    )
}
# What only an officer who did not write it may do.
OF_ANOTHER = ("approve", "reject")
