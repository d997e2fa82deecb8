"""The officer's way of looking: facts are read, never typed.

What an officer may do to them is an operation, offered as an action with a permission of its own.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget


class ReadOnly:
    """Nothing is added, changed or deleted by hand."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class Facts(ReadOnly, ModelAdmin):
    """A list and a page of what happened."""


class Reason(forms.Form):
    """Why an officer does something that somebody may ask about."""

    reason = forms.CharField(label=_("Reason"), widget=UnfoldAdminTextareaWidget, max_length=500)


class ActsWithReason(Facts):
    """Facts on which officers act, each time saying why on a page of its own."""

    def with_reason(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        action: str,
        title: str | Promise,
        act: Callable[..., None],
        complaints: dict[type[Exception], str | Promise],
        asks: type[Reason] = Reason,
    ) -> HttpResponse | None:
        """Ask why, and then do it to each row; what cannot be done says so and stops no other.

        `asks` may want to know more than why: `act` is told all of it by name.
        """
        form = asks(request.POST if "because" in request.POST else None)
        if not form.is_valid():
            page = {
                "title": title,
                "form": form,
                "rows": rows,
                "action": action,
                "checkbox": ACTION_CHECKBOX_NAME,
                "opts": self.opts,
            }
            context = self.admin_site.each_context(request) | page
            return TemplateResponse(request, "admin/reason.html", context)
        done = 0
        for row in rows:
            try:
                act(row, **form.cleaned_data)
                done += 1
            except tuple(complaints) as no:
                self.message_user(request, f"{row}: {complaints[type(no)]}", messages.WARNING)
        told = ngettext("Done for %d row.", "Done for %d rows.", done) % done
        self.message_user(request, told, messages.SUCCESS if done else messages.WARNING)
        return None


class FactsInline(ReadOnly, TabularInline):
    """What belongs to it, below."""

    extra = 0
    show_change_link = True
