"""A real browser for the tests: the system's Chromium, driven by Playwright.

    from tests.browser import assert_accessible, screenshot

    def test_home_can_be_read(new_page, site):
        page = new_page(width=390, theme="dark", lang="es")
        page.goto(f"{site}/")
        assert_accessible(page)
        screenshot(page, "home-390-dark")

The fixtures `browser`, `new_page` and `site` are known to every test.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SHOTS = ROOT / ".data" / "test" / "shots"
AXE = ROOT / "tests" / "vendor" / "axe.min.js"
HEIGHTS = {390: 844, 1280: 800}
WIDTHS, THEMES = (390, 1280), ("light", "dark")
# A phone at night and a desk by day; `make proof` looks at the other two as well.
LOOKS = [(390, "dark"), (1280, "light")]
if os.environ.get("EVERY_LOOK"):
    LOOKS = [(width, theme) for width in WIDTHS for theme in THEMES]
ARGUMENTS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    # Maps are drawn by a graphics card made of software; pages need none, and are drawn sooner.
    "--disable-gpu-compositing",
    "--disable-gpu-rasterization",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


# Nobody waits this long unless something is wrong: a busy machine alone fails no test.
LONGEST = 60_000
expect.set_options(timeout=LONGEST)


def each_look(test: Any) -> Any:
    """Run a test once for each of `LOOKS`, as its `width` and `theme`."""
    return pytest.mark.look(pytest.mark.parametrize(("width", "theme"), LOOKS)(test))


def chromium() -> str:
    """The system's Chromium."""
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        if name and (path := shutil.which(name)):
            return path
    raise FileNotFoundError("no Chromium on this machine: install the package chromium")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the whole run; every page has a context, and so its cookies, of its own."""
    # Playwright keeps a loop running in this thread, and Django would take the tests for async.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield launched
        launched.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page as somebody's phone or desk: width 390 or 1280, a theme, a language."""
    contexts: list[BrowserContext] = []

    def open_page(width: int = 390, theme: str = "light", lang: str = "en", **rest: Any) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": HEIGHTS.get(width, 844)},
            color_scheme="dark" if theme == "dark" else "light",
            locale={"en": "en-GB", "es": "es-CL"}.get(lang, lang),
            reduced_motion=rest.pop("reduced_motion", "reduce"),
            # Pages come from the server, unless the test is about those that a phone keeps.
            service_workers=rest.pop("service_workers", "block"),
            **rest,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(LONGEST)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def site(live_server: Any) -> str:
    """The address of Django's own test server: pages and static files, no sockets."""
    return str(live_server.url)


def watch(page: Page) -> list[str]:
    """Collect what the page complains of: errors, refusals of the content policy, lost files."""
    told: list[str] = []
    page.on("pageerror", lambda error: told.append(f"error: {error}"))
    page.on(
        "console",
        lambda line: told.append(f"{line.type}: {line.text}") if line.type == "error" else None,
    )
    page.on(
        "response",
        lambda answer: (
            told.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None
        ),
    )
    return told


def assert_accessible(page: Page, *, but: tuple[str, ...] = ()) -> None:
    """Let axe look at the page as it stands; `but` names rules that do not hold here."""
    page.evaluate("() => Promise.all(document.getAnimations().map((one) => one.finished))")
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        """async (but) => {
          const rules = Object.fromEntries(but.map((id) => [id, { enabled: false }]));
          const result = await axe.run(document, {
            rules,
            runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
          });
          return result.violations.map(({ id, impact, help, nodes }) =>
            `${impact} ${id}: ${help}\\n` + nodes.slice(0, 4).map((node) =>
              `    ${node.target.join(" ")}\\n      ${node.html.slice(0, 160)}\\n      ` +
              (node.failureSummary ?? "").replaceAll("\\n", " ").slice(0, 300)).join("\\n"));
        }""",
        list(but),
    )
    assert not found, f"{page.url}\n" + "\n".join(found)
    too_wide = page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert too_wide <= 0, f"{page.url} is {too_wide} px wider than the screen"


def screenshot(page: Page, name: str, *, full: bool = False) -> Path:
    """Keep a picture below `.data/test/shots/`, to be looked at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    path = SHOTS / f"{name}.png"
    page.screenshot(path=path, full_page=full, animations="disabled")
    return path


def cut_the_line(page: Page) -> None:
    """Take the line from a page's context, and return when the page has noticed."""
    page.context.set_offline(True)
    page.wait_for_function("!navigator.onLine")
