"""The pages that belong to no trade: home, the person's own page, help, choices of look."""

import json
from datetime import datetime
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import get_template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.kernel.actors import Kind
from apps.kernel.clock import now
from apps.mobility.queries import known_places
from apps.parties import operations as parties
from apps.parties.models import Consumer, User
from apps.places.models import City
from apps.web import kept, navigation, queries, specimens
from apps.web.context import THEME_COOKIE, THEMES, current_city, person
from apps.web.forms import PersonForm

YEAR = 365 * 24 * 3600


def _back(request: HttpRequest) -> HttpResponseRedirect:
    """Back to where the person was, and never to another site."""
    there = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        there, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(there if safe else reverse("web:home"))


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Where to, what lives now, and what the city charges."""
    at, user = now(), person(request)
    # Whole and fresh: the map needs the edge, which the city of every other page goes without.
    city = City.objects.order_by("pk").first()
    known = known_places(user.pk, city) if user and city else []
    return render(
        request,
        "web/home.html",
        {
            "city": city,
            "greeting": _greeting(city, user, at),
            "live": queries.live_orders(user) if user else [],
            "known": known,
            "examples": queries.example_places(city) if city and not known else [],
            "tariff": queries.tariff(city, at) if city else None,
            "cars": queries.cars_on_line(city, at) if city else 0,
            "rides": navigation.RIDES.path if navigation.services() else "",
        },
    )


def _greeting(city: City | None, user: User | None, at: datetime) -> str:
    """By the clocks of the city: morning to noon, afternoon to eight, then evening."""
    hour = city.now(at).hour if city else 12
    name = user.name.split()[0] if user and user.name else ""
    if 5 <= hour < 12:
        return _("Good morning, %s") % name if name else _("Good morning")
    if 12 <= hour < 20:
        return _("Good afternoon, %s") % name if name else _("Good afternoon")
    return _("Good evening, %s") % name if name else _("Good evening")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """What the city knows of a person, and where they change it."""
    user = cast(User, request.user)
    consumer = Consumer.objects.filter(user=user).first()
    told = {
        "name": user.name,
        "phone": user.phone,
        "language": user.language,
        "needs": consumer.needs if consumer else [],
    }
    form = PersonForm(request.POST or None, initial=told)
    if request.method == "POST" and form.is_valid():
        by = user.acting(Kind.CONSUMER)
        parties.change_person(user_id=user.pk, by=by, at=now(), **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("web:me")
    status = 422 if form.errors else 200
    pages = navigation.account_pages(user)
    return render(request, "web/me.html", {"form": form, "account_pages": pages}, status=status)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or the system's wish, in a cookie."""
    response = _back(request)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=YEAR, samesite="Lax", secure=request.is_secure()
        )
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Speak another language from now on.  One that the city does not speak changes nothing."""
    response = _back(request)
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        if user := person(request):
            by = user.acting(Kind.CONSUMER)
            parties.choose_language(user_id=user.pk, language=chosen, by=by, at=now())
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=YEAR,
            samesite="Lax",
            secure=request.is_secure(),
        )
    return response


@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Every part of every page, in every state, by day and by night."""
    return render(request, "web/design.html", specimens.everything())


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    return render(request, "web/help.html")


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "web/accessibility.html")


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    return render(request, "web/offline.html")


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """What a phone needs to put the city on its home screen."""
    city = current_city()
    name = city.name if city else _("The city")
    shortcuts = [(_("Where to?"), navigation.RIDES), (_("Orders"), navigation.ORDERS)]
    return JsonResponse(
        {
            "id": "/",
            "name": name,
            "short_name": name,
            "lang": get_language(),
            "start_url": reverse("web:home"),
            "scope": "/",
            "display": "standalone",
            # As tokens.css has them by day: --canvas and --primary.
            "background_color": "#f4f6f3",
            "theme_color": "#0b5a5c",
            "icons": [
                _icon("img/mark.svg", "any", "image/svg+xml"),
                _icon("icons/192.png", "192x192", "image/png"),
                _icon("icons/512.png", "512x512", "image/png"),
                _icon("icons/maskable-512.png", "512x512", "image/png", "maskable"),
            ],
            "shortcuts": [
                {
                    "name": label,
                    "url": page.path,
                    "icons": [_icon("icons/192.png", "192x192", "image/png")],
                }
                for label, page in shortcuts
            ],
        },
        content_type="application/manifest+json",
    )


def _icon(name: str, sizes: str, kind: str, purpose: str = "any") -> dict[str, str]:
    return {"src": static(name), "sizes": sizes, "type": kind, "purpose": purpose}


@require_safe
@never_cache
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script that keeps pages, over the whole site; it changes when the shell does."""
    source = get_template("web/sw.js")
    told = {"files": mark_safe(json.dumps(kept.addresses())), "offline": reverse("web:offline")}
    version = kept.version(source.render({**told, "version": ""}))
    script = source.render({**told, "version": version})
    return HttpResponse(script, content_type="text/javascript; charset=utf-8")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = ["User-agent: *", "Disallow: /accounts/", "Disallow: /admin/", "Disallow: /me/", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")
