from typing import Any

from rest_framework.pagination import CursorPagination


class Pages(CursorPagination):
    """Pages by cursor: nothing is shown twice or skipped while rows come in.

    A view says its `ordering`; the caller may ask for up to 100 rows a page.
    """

    page_size = 25
    page_size_query_param = "limit"
    max_page_size = 100

    def get_ordering(self, request: Any, queryset: Any, view: Any) -> tuple[str, ...]:
        return tuple(view.ordering)
