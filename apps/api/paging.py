from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound
from rest_framework.exceptions import ValidationError as Refused
from rest_framework.pagination import CursorPagination


class Pages(CursorPagination):
    """Pages by cursor: nothing is shown twice or skipped while rows come in.

    A view says its `ordering`; the caller may ask for up to 100 rows a page.
    """

    page_size = 25
    page_size_query_param = "limit"
    max_page_size = 100

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        """A page of rows.  Raises 404 for a cursor that none of our answers had in it."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, OverflowError):
            # It could be read, but names no place in these rows.
            raise NotFound(self.invalid_cursor_message) from None

    def get_page_size(self, request: Any) -> int:
        """As many as were asked for, at most 100.  Raises 422 for what is no number of rows."""
        asked = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not (asked.isascii() and asked.isdigit() and len(asked) < 19 and int(asked)):
            raise Refused({self.page_size_query_param: [_("A valid integer is required.")]})
        return min(int(asked), self.max_page_size)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for one in told:
            if one["name"] == self.page_size_query_param:
                one["schema"] |= {"minimum": 1, "maximum": 10**18 - 1}
        return told

    def get_ordering(self, request: Any, queryset: Any, view: Any) -> tuple[str, ...]:
        return tuple(view.ordering)
