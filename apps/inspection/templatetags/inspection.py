"""What the frame of the office shows of an inspection, on every page of it."""

from typing import Any

from django import template
from django.template import Context

from apps.inspection import desk, queries
from apps.parties.models import User
from apps.places.current import current_city

register = template.Library()


@register.inclusion_tag("inspection/banner.html", takes_context=True)
def inspection_banner(context: Context) -> dict[str, Any]:
    """The inspection under way: whom, why, how much time is left, and how to end it."""
    request = context.get("request")
    found = desk.current(request) if request is not None else None
    told = {"under_way": found, "request": request, "csrf_token": context.get("csrf_token")}
    return told | {"here": current_city() if found else None}


@register.simple_tag(takes_context=True)
def may_inspect(context: Context) -> bool:
    """Whether there is anybody whom this officer may inspect."""
    user = getattr(context.get("request"), "user", None)
    return isinstance(user, User) and bool(queries.reach_of(user))
