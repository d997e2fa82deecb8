from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from apps.api import docs


@cache
def _chapters(language: str | None) -> list[dict[str, Any]]:
    return docs.chapters(docs.schema())


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Every address of the API, in words: what it does, what goes in, what comes out."""
    return render(request, "api/reference.html", {"chapters": _chapters(get_language())})
