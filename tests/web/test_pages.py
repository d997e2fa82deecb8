from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser import THEMES, WIDTHS, assert_accessible, screenshot, watch

PAGES = {
    "design": "/design/",
    "help": "/help/",
    "accessibility": "/accessibility/",
    "offline": "/offline/",
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.django_db(transaction=True)
def test_nothing_on_the_page_stands_in_anybodys_way(
    name: str,
    theme: str,
    width: int,
    new_page: Callable[..., Page],
    site: str,
) -> None:
    page = new_page(width=width, theme=theme)
    complaints = watch(page)
    page.goto(site + PAGES[name])
    screenshot(page, f"{name}-{width}-{theme}", full=True)
    assert_accessible(page)
    assert complaints == []
