"""What a first visit costs whoever has a poor line."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from apps.places.models import City
from tests.browser import watch

LINE = 400_000 / 8  # bytes in a second: a page of 250 kB takes five
# Measured without compression, which the city serves with: the real figure is lower.
MOST = {"/": 250_000, "/rides/": 250_000}


@pytest.mark.parametrize("path", MOST)
def test_a_poor_line_still_leads_to_a_page_that_can_be_used(
    new_page: Callable[..., Page], site: str, city: City, path: str
) -> None:
    page = new_page()
    page.set_default_timeout(60_000)
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 400, "downloadThroughput": LINE, "uploadThroughput": LINE},
    )
    arrived: list[float] = []
    line.on("Network.loadingFinished", lambda told: arrived.append(told["encodedDataLength"]))
    told = watch(page)
    page.goto(f"{site}{path}", wait_until="domcontentloaded")
    expect(page.get_by_role("combobox").last).to_be_editable()
    usable = sum(arrived)
    assert told == []
    assert 0 < usable < MOST[path]


def test_a_line_asks_how_things_stand_when_the_phone_is_back_or_looked_at(
    new_page: Callable[..., Page], site: str, city: City
) -> None:
    page = new_page()
    heard: list[str] = []

    def answer(line: WebSocketRoute) -> None:
        line.on_message(lambda text: (heard.append(str(text)), line.send('{"type":"state"}')))

    page.route_web_socket("**/ws/test", answer)
    page.goto(f"{site}/help/")
    states = page.evaluate(
        """async () => {
          const { connect } = await import("/static/js/socket.js");
          const states = [];
          let hears;
          const heard = () => new Promise((resolve) => { hears = resolve; });
          let next = heard();
          connect("/ws/test", {
            hello: { type: "sync" },
            onState: (state) => states.push(state),
            onMessage: () => hears(),
          });
          await next;
          dispatchEvent(new Event("offline"));
          next = heard();
          dispatchEvent(new Event("online"));
          await next;
          next = heard();
          document.dispatchEvent(new Event("visibilitychange"));
          await next;
          return states;
        }"""
    )
    assert states == ["connecting", "open", "offline", "connecting", "open"]
    assert heard == ['{"type":"sync"}'] * 3
