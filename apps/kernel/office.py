"""The officer's way of looking: facts are read, never typed.

What an officer may do to them is an operation, offered as an action with a permission of its own.
"""

from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline


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


class FactsInline(ReadOnly, TabularInline):
    """What belongs to it, below."""

    extra = 0
    show_change_link = True
