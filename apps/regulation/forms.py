from typing import Any

from django import forms
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from apps.regulation.models import Permit


class Grant(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """What an officer says to grant a permit."""

    valid_from = forms.SplitDateTimeField(
        label=_("valid from"), widget=UnfoldAdminSplitDateTimeWidget
    )
    valid_until = forms.SplitDateTimeField(
        label=_("up to"), widget=UnfoldAdminSplitDateTimeWidget, required=False
    )

    class Meta:
        model = Permit
        fields = ("provider", "vertical", "number")

    def clean(self) -> dict[str, Any]:
        """Complain beside the field, before the operation would."""
        told = super().clean() or self.cleaned_data
        since, until = told.get("valid_from"), told.get("valid_until")
        if not since or self.errors:
            return told
        if until and until <= since:
            self.add_error("valid_until", _("It ends before it begins."))
            return told
        others = Permit.objects.filter(
            provider=told["provider"], vertical=told["vertical"], revoked_at=None
        )
        if others.filter(valid__overlap=DateTimeTZRange(since, until)).exists():
            self.add_error(None, _("The provider has a permit for this service in that time."))
        return told
