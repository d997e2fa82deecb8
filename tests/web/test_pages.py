from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from django.test import Client
from playwright.sync_api import Page

from apps.parties.models import User
from apps.places.models import City
from tests.browser import assert_accessible, each_look, screenshot, watch

ANYBODY = {
    "home": "/",
    "design": "/design/",
    "help": "/help/",
    "accessibility": "/accessibility/",
    "offline": "/offline/",
    "sign-in": "/accounts/login/",
    "sign-up": "/accounts/signup/",
    "sign-in-code": "/accounts/login/code/",
    "password-reset": "/accounts/password/reset/",
    "password-reset-done": "/accounts/password/reset/done/",
    "mail-sent": "/accounts/confirm-email/",
    "bad-link": "/accounts/confirm-email/x/",
    "not-found": "/nothing-here/",
}
SIGNED_IN = {
    "home-camila": "/",
    "me": "/me/",
    "sign-out": "/accounts/logout/",
    "password-change": "/accounts/password/change/",
    "mail-addresses": "/accounts/email/",
    "second-factor": "/accounts/2fa/",
}
PAGES = ANYBODY | SIGNED_IN


class Outline(HTMLParser):
    """What a page must have: one title, one h1, no inline style or script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.titles: list[str] = []
        self.heads = 0
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.open.append(tag)
        self.heads += tag == "h1"
        if tag == "style" or "style" in told or any(name.startswith("on") for name in told):
            self.inline.append(f"<{tag} {told}>")
        if tag == "script" and "src" not in told and told.get("type") != "application/json":
            self.inline.append("<script>")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title":
            self.titles.append(data.strip())

    def handle_endtag(self, tag: str) -> None:
        self.open.append("")


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_a_name_a_heading_and_nothing_inline(
    name: str, language: str, client: Client, city: City, camila: User
) -> None:
    if name in SIGNED_IN:
        client.force_login(camila)
    answer = client.get(PAGES[name], headers={"accept-language": language})
    assert answer.status_code == (404 if name == "not-found" else 200)
    page = Outline(answer.content.decode())
    assert f'<html lang="{language}"' in answer.content.decode()
    assert page.titles[0].removesuffix(" · La Serena") not in ("", "· La Serena")
    assert page.heads == 1
    assert page.inline == []


@each_look
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.django_db(transaction=True)
def test_nothing_on_the_page_stands_in_anybodys_way(
    name: str,
    theme: str,
    width: int,
    new_page: Callable[..., Page],
    site: str,
    city: City,
    camila: User,
    client: Client,
) -> None:
    page = new_page(width=width, theme=theme)
    if name in SIGNED_IN:
        client.force_login(camila)
        page.context.add_cookies(
            [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}]
        )
    complaints = watch(page)
    page.goto(site + PAGES[name])
    screenshot(page, f"{name}-{width}-{theme}", full=True)
    assert_accessible(page)
    assert [line for line in complaints if "404" not in line] == []
