"""Who may open what: every address, as every kind of person, for whatever is in its reach.

`docs/permissions.md` is the table; it is drawn from what the addresses answer and compared with
the file, so that an address nobody wrote down fails here, as does one that answers otherwise.
Read the difference before you write it down: `WRITE=1 pytest tests/access`.
"""

import os
from functools import partial
from pathlib import Path

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from cityplatform import urls
from tests.access import asking, drawing, routes, world
from tests.access.world import OFFICERS, PEOPLE

pytestmark = pytest.mark.django_db
FILE = Path(__file__).resolve().parent.parent.parent / "docs" / "permissions.md"


@pytest.fixture
def city(settings, monkeypatch):
    settings.ACCOUNT_RATE_LIMITS = False
    # Most answers are "not there" and "not for you".  How those look is drawn by other tests.
    for status in (403, 404):
        monkeypatch.setattr(urls, f"handler{status}", partial(plain, status), raising=False)
    return world.build()


def plain(status, request, exception):
    return HttpResponse(status=status)


def observe(city, found, people=PEOPLE):
    """What each address answers each person: for every method, a word for each of its things."""
    clients = {role: Client() for role in people}
    for role, client in clients.items():
        if role != "visitor":
            client.force_login(city.people[role])
    told = {}
    for route in found:
        addresses = route.filled(city.things)
        # What somebody asked before counts against them, here as in life.
        cache.clear()
        for method in route.methods():
            # A way of asking that the address does not know is refused before anybody is looked at.
            known = {
                role: asking.through_the_door(clients[role], method, addresses[0])
                for role in ("visitor", "citizen", "superuser")
            }
            if set(known.values()) <= {"405", "in"} and "405" in known.values():
                continue
            told[f"{method} /{route.address}"] = {
                role: [
                    known[role]
                    if role in known and one == addresses[0]
                    else asking.through_the_door(clients[role], method, one)
                    for one in addresses
                ]
                for role in people
            }
    return told


def agree(section, lines):
    """The section of the file says exactly this."""
    written = FILE.read_text() if FILE.exists() else ""
    if os.environ.get("WRITE"):
        FILE.write_text(drawing.replaced(written, section, lines))
        return
    assert drawing.section(written, section) == lines


def test_every_page(city):
    told = observe(city, routes.pages())

    assert no_server_errors(told)
    agree("pages", drawing.table(told))


def test_every_endpoint(city):
    told = observe(city, routes.api())

    assert no_server_errors(told)
    agree("api", drawing.table(told))


def test_every_page_of_the_office_that_is_no_models(city):
    told = {}
    for route in routes.office():
        for method in ("GET", "POST"):
            row = {
                role: [
                    asking.in_the_office(city.people[role], method, one)
                    for one in route.filled(city.things)
                ]
                for role in PEOPLE
            }
            if {word for words in row.values() for word in words} - {"in"} != {"405"}:
                told[f"{method} /{route.address}"] = row

    assert no_server_errors(told)
    agree("office", drawing.table(told))


def test_every_model_of_the_office(city):
    told = {}
    for model, desk in routes.desks():
        label = model._meta.label_lower
        row = city.rows.get(label) or [model._default_manager.order_by("pk").first()]
        told[label] = {role: ask_desk(city.people[role], model, desk, row) for role in OFFICERS}
        # Whoever is no officer is sent to sign in, whatever they ask for.
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for role in ("visitor", "citizen", "driver", "owner", "accountant"):
            for page in ("", "add/", "1/change/", "1/delete/", "1/history/"):
                assert asking.in_the_office(city.people[role], "GET", base + page) == "in"

    agree("models", drawing.desks(told))


def ask_desk(user, model, desk, rows):
    """What a model's desk answers one officer: its list, its pages, its forms, its actions."""
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    numbers = [row.pk if row else 0 for row in rows]

    def ask(method, page):
        return asking.in_the_office(user, method, base + page)

    pages = [ask("GET", f"{number}/change/") for number in numbers]
    for number, shown in zip(numbers, pages, strict=True):
        # Who is refused the page is refused whatever else there is of the row.
        for more in ("history/", *routes.detail_views(model)):
            if number and shown == "403":
                # A row of elsewhere is not there (302) rather than refused.
                assert ask("GET", f"{number}/{more}") in ("403", "302"), (user, base, more)
    listed = ask("GET", "")
    return {
        "list": listed,
        "here": pages[0],
        "elsewhere": pages[-1] if len(pages) > 1 else "",
        "add": ask("GET", "add/"),
        "change": ask("POST", f"{numbers[0]}/change/"),
        "delete": ask("POST", f"{numbers[0]}/delete/"),
        "actions": asking.actions(user, desk) if listed == "200" else [],
    }


def test_whoever_only_looks_gets_nothing_done(city):
    """An auditor and an inspector have no action and no form anywhere in the office."""
    for role in ("auditor", "inspector"):
        for model, desk in routes.desks():
            base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            if asking.in_the_office(city.people[role], "GET", base) == "200":
                assert asking.actions(city.people[role], desk) == [], (role, model)
            row = city.rows.get(model._meta.label_lower) or [model._default_manager.first()]
            pages = [f"{row[0].pk}/change/", f"{row[0].pk}/delete/"] if row[0] else []
            for page in ("add/", *pages):
                told = asking.in_the_office(city.people[role], "POST", base + page)
                # Elsewhere, where they see nothing, it is not there (302).
                assert told in ("403", "302"), (role, base, page)


@pytest.mark.django_db(transaction=True)
def test_every_socket(city):
    told = {}
    for route in routes.sockets():
        told[f"WS /{route.address}"] = {
            role: [asking.on_the_line(city.people[role], one) for one in route.filled(city.things)]
            for role in PEOPLE
        }

    agree("sockets", drawing.table(told))


def no_server_errors(told):
    broken = {
        (row, role): words
        for row, roles in told.items()
        for role, words in roles.items()
        if any(word.startswith("5") for word in words)
    }
    assert broken == {}
    return True
