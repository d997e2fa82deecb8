"""What every page is told: the city it stands in, the theme, what is in the bars."""

from typing import Any, cast

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.notifications import queries as notifications
from apps.parties.models import User
from apps.places.models import City
from apps.web import navigation

THEME_COOKIE = "theme"
THEMES = ("light", "dark")
CITY_KEY = "web.city"
CITY_SECONDS = 60


def current_city() -> City | None:
    """The city whose pages these are: the first that was loaded.  Known for a minute."""
    found: City | None = cache.get(CITY_KEY)
    if found is None:
        found = City.objects.defer("boundary").order_by("pk").first()
        if found is not None:
            cache.set(CITY_KEY, found, CITY_SECONDS)
    return found


def person(request: HttpRequest) -> User | None:
    """Who is signed in, if anybody is."""
    user = getattr(request, "user", None)
    return cast(User, user) if user is not None and user.is_authenticated else None


def _unread(user: User | None) -> int:
    return notifications.unread(user.pk) if user else 0


def shell(request: HttpRequest) -> dict[str, Any]:
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "city": SimpleLazyObject(current_city),
        "theme": theme if theme in THEMES else "system",
        "languages": [("en", "English"), ("es", "Español")],
        "services": navigation.services(),
        "own_pages": SimpleLazyObject(lambda: navigation.own_pages(person(request))),
        "unread_news": SimpleLazyObject(lambda: _unread(person(request))),
        "bottom_pages": SimpleLazyObject(lambda: navigation.bottom_pages(person(request))),
        "mode": settings.MODE,
    }
