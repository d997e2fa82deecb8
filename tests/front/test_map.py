"""The map in a real browser, under the content policy that every page of the platform has."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from django.conf import settings
from django.utils.csp import build_policy
from playwright.sync_api import Page
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from apps.places import tiles
from tests.places.test_tiles import ground, write_sketch, write_streets

STATIC = Path(settings.BASE_DIR) / "static"

LAT, LON = ground(2048, 2048)[::-1]
WEST, NORTH = ground(-8000, -8000)
EAST, SOUTH = ground(12_000, 12_000)

PAGE = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>La Serena</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/css/tokens.css">
<link rel="stylesheet" href="/static/css/base.css">
<link rel="stylesheet" href="/static/css/forms.css">
<link rel="stylesheet" href="/static/css/parts.css">
<link rel="stylesheet" href="/static/css/map.css">
<link rel="stylesheet" href="/page.css">
<script type="module" src="/static/js/map.js"></script></head>
<body><h1>La Serena</h1>
<city-map class="map" data-tiles="/tiles/{{z}}/{{x}}/{{y}}.mvt"
 data-centre="{LAT},{LON}" data-zoom="14"
 data-bounds="{WEST},{SOUTH},{EAST},{NORTH}" data-label="The streets around the square"
 data-label-zoom-in="Zoom in" data-label-zoom-out="Zoom out" data-label-locate="Show where I am">
<p class="map__plain">All it shows also stands on this page.</p></city-map>
</body></html>"""

# Without the page's tokens the map has no colours; without a height it has no room.
PAGE_CSS = "body { margin: 0 } h1 { margin: 0; height: 40px } city-map { height: 500px }"

DRAWN = """() => document.querySelector("city-map").ready.then(({ map }) => new Promise((done) => {
  map.once("idle", () => done(true)); map.triggerRepaint(); }))"""
NAMES = """(layers) => [...new Set(document.querySelector("city-map").map
  .queryRenderedFeatures({ layers }).map(({ properties }) => properties.name))].sort()"""
COLOUR = """([lat, lon]) => new Promise((done) => {
  const { map } = document.querySelector("city-map");
  map.once("render", () => {
    const gl = map.getCanvas().getContext("webgl2"), { x, y } = map.project([lon, lat]);
    const pixel = new Uint8Array(4);
    const left = Math.round(x), up = gl.drawingBufferHeight - Math.round(y);
    gl.readPixels(left, up, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    done("#" + [...pixel.slice(0, 3)].map((part) => part.toString(16).padStart(2, "0")).join(""));
  });
  map.triggerRepaint();
})"""
LISTEN = """() => { window.stopped = new Promise((done) => {
  const map = document.querySelector("city-map");
  map.addEventListener("map:moved", () => done(true), { once: true }); }); }"""
WATCH = """window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});"""


NO_WEBGL = """const context = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind.startsWith("webgl") ? null : context.call(this, kind, ...more);
};"""


@pytest.fixture(scope="module")
def streets_site(tmp_path_factory) -> Iterator[str]:
    """A few streets between the sea and a river, served as the platform serves them."""
    folder = tmp_path_factory.mktemp("city")
    pbf = write_streets(
        folder / "city.osm.pbf",
        ({"highway": "primary", "name": "Avenida Francisco de Aguirre"}, [(0, 2048), (4096, 2048)]),
        ({"highway": "trunk", "name": "Ruta 5 Norte"}, [(3000, -2000), (3000, 6000)]),
        ({"highway": "secondary", "name": "Amunátegui"}, [(900, 2900), (4500, 2900)]),
    )
    sea = [ground(x, y) for x, y in [(-300, -9e4), (-300, 9e4), (-9e4, 9e4), (-9e4, -9e4)]]
    sketch = write_sketch(
        folder / "sketch.geojson",
        ({"kind": "sea"}, "Polygon", [[*sea, sea[0]]]),
        (
            {"kind": "river", "name": "Río Elqui"},
            "LineString",
            [ground(0, 1200), ground(4096, 1200)],
        ),
    )
    tiles.cut(pbf, sketch, folder / "tiles")
    policy = {"Content-Security-Policy": build_policy(settings.SECURE_CSP)}

    def tile(request):
        path = folder / "tiles" / request.path_params["tile"]
        if not path.is_file():
            return Response(status_code=204)
        return Response(path.read_bytes(), headers={"Content-Encoding": "gzip"})

    app = Starlette(
        routes=[
            Route("/", lambda request: HTMLResponse(PAGE, headers=policy)),
            Route("/page.css", lambda request: PlainTextResponse(PAGE_CSS, media_type="text/css")),
            Route("/tiles/{tile:path}", tile),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        # From here on nobody is refused, though the server may not have begun.
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def look(browser, streets_site):
    """Open the page in a theme; the page remembers what it asked for and what was forbidden."""
    opened = []

    def look(theme: str = "light", **more) -> Page:
        context = browser.new_context(
            viewport={"width": 800, "height": 600}, color_scheme=theme, **more
        )
        opened.append(context)
        page = context.new_page()
        page.add_init_script(WATCH)
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(streets_site)
        page.evaluate(DRAWN)
        return page

    yield look
    for context in opened:
        context.close()


@pytest.mark.parametrize(
    ("theme", "sea", "land", "trunk"),
    [
        ("light", "#c9e1e5", "#ecede6", "#fbdda6"),
        ("dark", "#0a2127", "#121a19", "#5c4b2a"),
    ],
)
def test_the_map_draws_streets_and_names_in_both_themes(look, theme, sea, land, trunk):
    page = look(theme)
    assert page.evaluate(NAMES, ["road-trunk", "road-primary", "road-secondary"]) == [
        "Amunátegui",
        "Avenida Francisco de Aguirre",
        "Ruta 5 Norte",
    ]
    assert page.evaluate(
        NAMES, ["label-trunk", "label-primary", "label-secondary", "label-water"]
    ) == ["Amunátegui", "Avenida Francisco de Aguirre", "Ruta 5 Norte", "Río Elqui"]
    spots = [(-1000, 1600), (1500, 1600), (3000, 1700)]
    colours = [page.evaluate(COLOUR, ground(*spot)[::-1]) for spot in spots]
    assert colours == [sea, land, trunk]


def test_nothing_is_forbidden_and_no_stranger_is_asked(look, streets_site):
    page = look()
    assert page.evaluate("window.violations") == []
    hosts = {urlsplit(url).netloc for url in page.asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(streets_site).netloc}


def test_a_change_of_theme_recolours_the_map_and_keeps_what_lies_on_it(look):
    page = look("light")
    page.evaluate(
        """([line, pins]) => { const map = document.querySelector("city-map");
        map.setRoute(line); map.setPins(pins); }""",
        [
            [ground(600, 2048), ground(2000, 2048)],
            [{"id": 1, "kind": "start", "lat": LAT, "lon": LON, "title": "Pick-up 14:35"}],
        ],
    )
    page.evaluate(DRAWN)
    on_the_route, on_land = ground(1200, 2048)[::-1], ground(1500, 1600)[::-1]
    assert page.evaluate(COLOUR, on_the_route) == "#0b5a5c"
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.evaluate(DRAWN)
    assert page.evaluate(COLOUR, on_land) == "#121a19"
    assert page.evaluate(COLOUR, on_the_route) == "#62cfc2"
    assert page.locator(".pin--says").inner_text() == "Pick-up 14:35"


def test_the_map_can_be_moved_by_keys_and_by_named_buttons(look):
    page = look()
    where = "document.querySelector('city-map').map.getCenter().lng"
    zoom = "document.querySelector('city-map').map.getZoom()"
    canvas = page.get_by_role("region", name="The streets around the square")
    before = page.evaluate(where)
    page.evaluate(LISTEN)
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.evaluate("() => window.stopped")
    assert page.evaluate(where) > before
    for name, change in [("Zoom in", 1), ("Zoom out", -1)]:
        before = page.evaluate(zoom)
        page.evaluate(LISTEN)
        button = page.get_by_role("button", name=name)
        button.click()
        page.evaluate("() => window.stopped")
        assert page.evaluate(zoom) == pytest.approx(before + change)
        assert min(button.bounding_box()["width"], button.bounding_box()["height"]) >= 44
    link = page.get_by_role("link", name="OpenStreetMap")
    assert link.get_attribute("href") == "https://www.openstreetmap.org/copyright"


def test_a_tap_says_where_on_earth_it_was(look):
    page = look()
    page.evaluate(
        """() => { const map = document.querySelector("city-map");
        window.tapped = new Promise((done) => map.onTap((lat, lon) => done([lat, lon]))); }"""
    )
    box = page.locator("city-map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert page.evaluate("window.tapped") == pytest.approx([LAT, LON], abs=1e-4)


CARS = """([heading, from, to]) => { const map = document.querySelector("city-map");
  const seen = [], [start, end] = [from, to].map(([lat, lon]) => map.map.project([lon, lat]).x);
  const left = () => new DOMMatrix(document.querySelector(".map__car").style.transform).e;
  map.setCars([{ id: 7, lat: from[0], lon: from[1], heading }]);
  const first = performance.now();
  map.setCars([{ id: 7, lat: to[0], lon: to[1], heading }]);
  const last = performance.now();
  return new Promise((done) => {
    const look = () => {
      const share = (left() - start) / (end - start), now = performance.now();
      seen.push([share, now - last, now - first]);
      if (share > .999) done(seen); else requestAnimationFrame(look);
    };
    look();
  }); }"""


def test_a_car_travels_evenly_to_its_next_place_for_900_ms(look):
    seen = look().evaluate(CARS, [90, ground(1000, 2048)[::-1], ground(2000, 2048)[::-1]])
    assert seen[0][0] < 0.1
    # However few pictures a busy machine draws, each shows the car where it was by the time
    # that this picture was begun: after the last one, and before we looked at it.
    before = 0
    for share, at_least, at_most in seen:
        assert before / 900 - 0.02 <= share <= at_most / 900 + 0.02
        before = min(at_least, 900)
    assert [share for share, *_ in seen] == sorted(share for share, *_ in seen)


def test_a_car_points_the_way_it_drives(look):
    page = look()
    page.evaluate(CARS, [90, ground(1000, 2048)[::-1], ground(2000, 2048)[::-1]])
    style = page.locator(".map__car").get_attribute("style")
    assert "rotate(90deg)" in style


def test_a_car_jumps_for_those_who_asked_for_less_motion(look):
    page = look(reduced_motion="reduce")
    seen = page.evaluate(CARS, [90, ground(1000, 2048)[::-1], ground(2000, 2048)[::-1]])
    assert [share for share, *_ in seen] == [pytest.approx(1, abs=0.001)]


def test_without_webgl_the_words_stay_and_no_tool_promises_what_is_not_there(browser, streets_site):
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(NO_WEBGL)
    page.goto(streets_site)
    page.wait_for_selector("city-map.is-plain")
    assert page.get_by_text("All it shows also stands on this page.").is_visible()
    assert page.get_by_role("link", name="OpenStreetMap").is_visible()
    assert page.get_by_role("button", name="Zoom in").count() == 0
    context.close()


def test_a_city_without_tiles_says_so_at_once_instead_of_keeping_pages_waiting(look):
    page = look()
    failed = page.evaluate(
        """() => { const map = document.createElement("city-map");
        document.body.append(map);
        return map.ready.catch((error) => error.message); }"""
    )
    assert failed == "no tiles are cut for this city"
