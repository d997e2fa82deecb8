"""Zones that officers draw: what may be drawn, by whom, and what stays as it is."""

import json

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from playwright.sync_api import expect

from apps.bus.models import Event
from apps.places import geometry, operations, outlines, tiles
from apps.places.models import Place, Zone
from apps.places.operations import District, ZoneInUse, ZoneUnfit
from tests.browser import THEMES, WIDTHS, assert_accessible, screenshot, watch
from tests.factories import (
    CENTRE,
    NOON,
    NORTH,
    OFFICER,
    WEST,
    CityFactory,
    UserFactory,
    ZoneFactory,
)
from tests.places.test_tiles import ground, write_streets
from tests.policies import enforced, proposed

pytestmark = pytest.mark.django_db
ADD = reverse("admin:places_zone_add")
SQUARE = {"type": "Polygon", "coordinates": [[*CENTRE, CENTRE[0]]]}


def polygon(*corners):
    return {"type": "Polygon", "coordinates": [[*map(list, corners), list(corners[0])]]}


def draw(boundary=SQUARE, *, name="Plaza de Armas", city=None, kind="RULE"):
    return operations.draw_zone(
        city_id=(city or CityFactory()).pk,
        name=name,
        kind=kind,
        boundary=boundary,
        by=OFFICER,
        at=NOON,
    )


class TestDrawing:
    def test_a_zone_is_drawn_once_and_news_of_it_goes_out(self):
        zone = draw()
        again = draw()

        assert again == zone
        assert (zone.slug, zone.kind) == ("plaza-de-armas", "RULE")
        assert zone.cells == geometry.cells_covering(zone.boundary)
        news = Event.objects.get()
        assert (news.topic, news.body["zone"]) == ("places.zone_drawn", "plaza-de-armas")

    @pytest.mark.parametrize(
        ("boundary", "code"),
        [
            (polygon(CENTRE[0], CENTRE[2], CENTRE[1], CENTRE[3]), "crosses_itself"),
            (polygon((-71.25, -29.9), (-71.24995, -29.9), (-71.24995, -29.89995)), "too_small"),
            (polygon((WEST - 0.1, NORTH), (WEST + 0.1, NORTH), (WEST, NORTH - 0.1)),
             "outside_city"),
            ({"type": "Point", "coordinates": [-71.25, -29.9]}, "no_area"),
            ({"type": "Polygon", "coordinates": []}, "no_area"),
            ({"type": "Polygon", "coordinates": "here"}, "no_area"),
            (["no", "object"], "no_area"),
            (polygon(*[(-71.25 + i / 1e5, -29.9 + (i % 2) / 100 + i / 1e6) for i in range(2001)],
                     (-71.23, -29.95)), "too_many_corners"),
        ],
    )  # fmt: skip
    def test_what_is_no_zone_of_the_city_is_refused(self, boundary, code):
        with pytest.raises(ZoneUnfit) as no:
            draw(boundary)

        assert no.value.code == code
        assert not Zone.objects.exists()

    @pytest.mark.parametrize(
        ("name", "code"), [("...", "no_name"), ("x" * 101, "no_name"), ("Centre!", "name_taken")]
    )
    def test_names_are_told_apart(self, name, code):
        ZoneFactory(slug="centre")

        with pytest.raises(ZoneUnfit) as no:
            draw(name=name)

        assert no.value.code == code

    def test_a_zone_of_which_a_rule_speaks_keeps_its_edge(self):
        zone = ZoneFactory(slug="centre", name="Centre")
        ZoneFactory(slug="free", name="Free")
        edge = polygon(*[(lon + 0.01, lat) for lon, lat in CENTRE])

        def redraw(slug, boundary, name="Centre"):
            return operations.draw_zones(
                city_id=zone.city_id,
                districts=[District(slug=slug, name=name, boundary=boundary)],
                by=OFFICER,
                at=NOON,
            )

        enforced("closed", scope={"zones": ["centre"]})
        with pytest.raises(ZoneInUse, match=r"P-1/1 speaks of the zone centre"):
            redraw("centre", edge)
        assert redraw("centre", SQUARE, name="The centre") == (0, 1)
        assert redraw("free", edge) == (0, 1)
        proposed("crisis", {"shelters": ["free"]}, scope={"zones": ["centre"]})
        with pytest.raises(ZoneInUse, match=r"P-2/1"):
            redraw("free", SQUARE)


@pytest.fixture
def city(own_data, tmp_path):
    """A city with a map: one street that goes on in the next tile, one of its name far away."""
    pbf = write_streets(
        tmp_path / "city.osm.pbf",
        ({"highway": "residential", "name": "Cordovez"}, [(1000, 2000), (4096, 2000)]),
        ({"highway": "residential", "name": "Cordovez"}, [(4096, 2000), (6000, 2000)]),
        ({"highway": "residential", "name": "Cordovez"}, [(-9000, 9000), (-8000, 9000)]),
        ({"highway": "residential", "name": "Balmaceda"}, [(2000, 0), (2000, 4000)]),
    )
    city = CityFactory(tiles_version="one")
    tiles.cut(pbf, None, tiles.folder(city.slug, "one"))
    lon, lat = ground(2500, 2000)
    Place.objects.create(
        city=city, kind="STREET", name="Cordovez", search="cordovez", lat=lat, lon=lon
    )
    return city


class TestAlongAStreet:
    def test_it_reaches_as_far_as_the_street(self, city):
        (found,) = outlines.find(city, "cordovez", width=20)

        metres = geometry.metres_between(*(geometry.Point(lat, lon) for lon, lat in
                                           (ground(1000, 2000), ground(6000, 2000))))  # fmt: skip
        assert geometry.square_metres(found.boundary) == pytest.approx(metres * 20, rel=0.03)
        inside = [(1100, 2000), (4096, 2000), (5900, 2000)]
        outside = [(900, 2000), (2000, 1900), (6100, 2000), (-8500, 9000)]
        held = [
            geometry.contains(found.boundary, geometry.Point(lat, lon))
            for lon, lat in (ground(*spot) for spot in inside + outside)
        ]
        assert held == [True] * 3 + [False] * 4

    def test_zones_are_found_too_and_nothing_is_an_answer(self, city):
        zone = ZoneFactory(city=city, slug="centre", name="Centro")

        found = outlines.find(city, "cent", width=20)
        assert [(one.name, one.boundary) for one in found] == [("Centro", zone.boundary)]
        assert outlines.find(city, "Nowhere", width=20) == []
        assert outlines.along_street(city, "Nowhere", city.centre, width=20) is None
        city.tiles_version = ""
        assert outlines.find(city, "cordovez", width=20) == []


def officer(client, *permissions):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return user


def told(**rest):
    return {"name": "Cordovez", "kind": "RULE", "street": "", "width": "14", "shape": ""} | rest


class TestTheDesk:
    def test_what_is_drawn_is_kept(self, client):
        CityFactory()
        user = officer(client, "view_zone", "add_zone")

        answer = client.post(ADD, told(shape=json.dumps(SQUARE)))

        zone = Zone.objects.get()
        assert answer.url == reverse("admin:places_zone_change", args=[zone.pk])
        assert Event.objects.get().by == f"officer:{user.pk}"
        assert client.get(answer.url).status_code == 200

    def test_a_street_is_taken_by_its_name(self, client, city):
        officer(client, "view_zone", "add_zone")

        found = client.get(reverse("admin:places_zone_found"), {"street": "cordo", "width": "14"})
        assert "Take Cordovez" in found.content.decode()
        client.post(ADD, told(street="Cordovez"))

        assert Zone.objects.get().boundary == found.context["found"][0].boundary

    @pytest.mark.parametrize(
        ("changes", "field", "complaint"),
        [
            ({}, "shape", "Draw its edge, or name a street."),
            ({"shape": "{"}, "shape", "This is no GeoJSON."),
            ({"shape": "7"}, "shape", "It needs three corners at least."),
            ({"street": "Nowhere"}, "street", "We know no street and no zone of this name."),
            ({"shape": json.dumps(SQUARE), "name": "?"}, "name",
             "The name needs letters or digits."),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_said_at_its_field(self, client, changes, field, complaint):
        CityFactory()
        officer(client, "view_zone", "add_zone")

        page = client.post(ADD, told(**changes))

        assert page.context["form"].errors == {field: [complaint]}
        assert not Zone.objects.exists()

    def test_only_officers_with_leave_draw(self, client):
        CityFactory()
        officer(client, "view_zone")
        assert client.get(ADD).status_code == 403
        assert client.post(ADD, told(shape=json.dumps(SQUARE))).status_code == 403
        assert client.get(reverse("admin:places_zone_found")).status_code == 403
        client.force_login(UserFactory())
        assert client.get(ADD).status_code == 302


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "theme"), list(zip(WIDTHS, THEMES, strict=True)))
def test_an_officer_draws_on_the_map(new_page, site, client, city, width, theme):
    lon, lat = ground(2500, 2000)
    city.centre_lon, city.centre_lat = lon, lat
    city.save()
    officer(client, "view_zone", "add_zone")
    page = new_page(width=width, theme=theme)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}]
    )
    complaints = watch(page)
    page.goto(f"{site}{ADD}")
    page.get_by_role("button", name="Undo").wait_for()
    box = page.locator("city-map").bounding_box()
    shape = page.get_by_label("The edge, as GeoJSON")

    for x, y in ((0.3, 0.3), (0.7, 0.3), (0.7, 0.6), (0.3, 0.6), (0.5, 0.2)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.get_by_text("5 corners").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("4 corners").wait_for()
    before = json.loads(shape.input_value())["coordinates"][0]
    corner = page.get_by_role("button", name="Corner 3: arrows move it, Delete removes it")
    at = corner.bounding_box()
    page.mouse.move(at["x"] + 14, at["y"] + 14)
    page.mouse.down()
    page.mouse.move(at["x"] + 44, at["y"] + 34)
    page.mouse.up()
    dragged = json.loads(shape.input_value())["coordinates"][0]
    assert dragged[:2] + dragged[3:] == before[:2] + before[3:]
    assert dragged[2][0] > before[2][0]
    assert dragged[2][1] < before[2][1]
    corner.focus()
    page.keyboard.press("Shift+ArrowLeft")
    pressed = json.loads(shape.input_value())["coordinates"][0]
    assert pressed[2][0] < dragged[2][0]
    page.get_by_role("button", name="Corner 1:").focus()
    page.keyboard.press("Delete")
    page.get_by_text("3 corners").wait_for()
    screenshot(page, f"draw-{width}-{theme}", full=True)
    assert_accessible(page)

    page.get_by_label("A street or a zone, by its name").fill("cordovez")
    page.get_by_role("button", name="Look for it").click()
    page.get_by_role("button", name="Take Cordovez").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Cordovez")
    assert_accessible(page)
    screenshot(page, f"draw-street-{width}-{theme}", full=True)
    page.get_by_role("button", name="Keep the zone").click()
    page.get_by_text("Cordovez is drawn.").wait_for()
    assert Zone.objects.get().boundary == outlines.find(city, "cordovez", width=14)[0].boundary
    assert complaints == []


@pytest.mark.django_db(transaction=True)
def test_a_tap_on_the_map_ticks_the_zone_of_a_rule(new_page, site, client, city):
    lon, lat = ground(2500, 2000)
    city.centre_lon, city.centre_lat = lon, lat
    city.save()
    around = [[lon + x, lat + y] for x, y in ((-0.03, -0.03), (0.03, -0.03), (0.03, 0.03))]
    around.append([lon - 0.03, lat + 0.03])
    wide = polygon(*around)
    ZoneFactory(
        city=city,
        slug="district",
        name="District",
        boundary=geometry.multipolygon(wide),
    )
    (street,) = outlines.find(city, "cordovez", width=400)
    ZoneFactory(city=city, slug="street", name="Street", boundary=street.boundary)
    officer(client, "view_policy", "propose_policy")
    page = new_page(width=1280)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}]
    )
    complaints = watch(page)
    page.goto(f"{site}{reverse('admin:regulation_policy_draft', args=['closed'])}")
    page.locator("city-map.is-drawn").wait_for()
    box = page.locator("city-map").bounding_box()

    # The street lies in the district: the smaller one is meant.
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("#preview").get_by_text("Nothing begins or takes place in Street.").wait_for()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 - 60)
    page.locator("#preview").get_by_text("in District and Street.").wait_for()
    screenshot(page, "desk-zones-ticked", full=True)
    assert complaints == []
