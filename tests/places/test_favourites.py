"""Home, work and the other places that a person keeps."""

from datetime import timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from playwright.sync_api import expect

from apps.audit.models import Record
from apps.kernel.actors import Kind
from apps.mobility import queries as mobility
from apps.places import operations, queries
from apps.places.geometry import Point
from apps.places.models import Favourite, Place
from apps.places.names import essence
from tests import factories, races, rides
from tests.browser import assert_accessible, each_look, screenshot, watch
from tests.factories import NOON

PLAZA, FARO = rides.PLAZA, rides.FARO


@pytest.fixture
def town(db):
    return rides.town()


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def keep(town, kind="HOME", name="", stop=PLAZA, user=None, at=NOON) -> Favourite:
    user = user or town.rider
    return operations.keep_place(
        user_id=user.pk,
        city_id=town.city.pk,
        kind=kind,
        name=name,
        address=stop.name,
        point=stop.point,
        by=user.acting(Kind.CONSUMER),
        at=at,
    )


def names(town) -> list[str]:
    return [str(one) for one in queries.favourites(town.rider.pk, town.city)]


class TestKeeping:
    def test_home_comes_first_then_work_then_the_others_by_name(self, town):
        keep(town, "OTHER", "Zoo")
        keep(town, "WORK", "ignored")
        keep(town, "OTHER", "aunt  Rosa ")
        keep(town)

        assert names(town) == ["Home", "Work", "aunt Rosa", "Zoo"]

    def test_who_moves_has_one_home_still(self, town):
        first = keep(town)
        assert keep(town, stop=FARO, at=NOON + timedelta(days=1)) == first

        kept = Favourite.objects.get()
        assert (kept.address, kept.point) == (FARO.name, FARO.point)

    def test_the_same_again_is_kept_once_and_told_once(self, town):
        for _ in range(2):
            keep(town, "OTHER", "Zoo")
        rides.relay_all(NOON)

        assert names(town) == ["Zoo"]
        assert Record.objects.filter(topic="places.favourite_kept").count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_home_kept_twice_at_once_is_one(self, town):
        races.at_once(*[lambda: keep(town)] * 2)

        assert Favourite.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_the_database_keeps_one_of_a_name_whoever_asks(self, town):
        """The control: without the operation's turn, only the constraint stands."""
        seen = Barrier(2, timeout=30)

        def naive():
            mine = Favourite.objects.filter(user=town.rider, kind="OTHER", name__iexact="zoo")
            assert not mine.exists()
            seen.wait()
            Favourite.objects.create(
                user=town.rider,
                city=town.city,
                kind="OTHER",
                name="Zoo",
                address="x",
                lat=0,
                lon=0,
                kept_at=NOON,
            )

        done = races.at_once(naive, naive)

        assert [type(one) for one in done if one is not None] == [IntegrityError]

    def test_another_place_has_a_name_and_home_has_none_says_the_database(self, town):
        mine = {"user": town.rider, "city": town.city, "address": "x", "lat": 0, "lon": 0}
        for kind, name in (("OTHER", ""), ("HOME", "Casa")):
            with pytest.raises(IntegrityError), transaction.atomic():
                Favourite.objects.create(kind=kind, name=name, kept_at=NOON, **mine)
        with pytest.raises(ValueError, match="needs a name"):
            keep(town, "OTHER", "  ")

    def test_a_list_holds_twenty_and_nothing_outside_the_city(self, town):
        for number in range(20):
            keep(town, "OTHER", f"Place {number}")

        with pytest.raises(operations.TooManyPlaces):
            keep(town)
        keep(town, "OTHER", "place 7", stop=FARO)
        with pytest.raises(operations.OutsideCity):
            keep(town, "OTHER", "Place 7", stop=rides.Stop(Point(10, 10), "Far"))

    def test_only_places_of_ones_own_name_are_renamed(self, town):
        zoo, home = keep(town, "OTHER", "Zoo"), keep(town)
        keep(town, "OTHER", "Gym")

        def rename(one, name, user=town.rider):
            return operations.rename_place(
                favourite_id=one.pk,
                user_id=user.pk,
                name=name,
                by=user.acting(Kind.CONSUMER),
                at=NOON,
            )

        for _ in range(2):
            assert rename(zoo, " The  zoo ").name == "The zoo"
        with pytest.raises(operations.NameTaken):
            rename(zoo, "gym")
        for one, user in ((home, town.rider), (zoo, town.worker.user)):
            with pytest.raises(operations.NoSuchPlace):
                rename(one, "Mine", user)


class TestPrivacy:
    def test_it_goes_with_the_account(self, town):
        somebody = factories.UserFactory()
        keep(town, user=somebody)

        somebody.delete()

        assert Favourite.objects.count() == 0

    def test_the_record_says_neither_where_it_is_nor_what_it_is_called(self, town):
        keep(town, "OTHER", "Doctor")
        rides.relay_all(NOON)

        body = Record.objects.get(topic="places.favourite_kept").body
        assert body == {"user": town.rider.pk, "favourite": Favourite.objects.get().pk}

    def test_others_neither_see_nor_change_it(self, town):
        kept = keep(town, "OTHER", "Doctor")
        officer = factories.UserFactory(is_staff=True, is_superuser=True)
        for somebody in (client_of(town.worker.user), client_of(officer)):
            assert "Doctor" not in somebody.get("/me/places/").content.decode()
            assert somebody.get("/api/v1/me/places").json() == []
            assert somebody.post(f"/me/places/{kept.pk}/rename/", {"name": "x"}).status_code == 404
            assert somebody.post(f"/me/places/{kept.pk}/remove/").status_code == 404
            assert somebody.delete(f"/api/v1/me/places/{kept.pk}").status_code == 404
        assert client_of(officer).get("/admin/places/favourite/").status_code == 404
        assert names(town) == ["Doctor"]
        assert Client().get("/me/places/").status_code == 302


class TestPages:
    def test_what_was_removed_can_be_had_back(self, town):
        kept = keep(town, "OTHER", "Zoo")
        client = client_of(town.rider)
        client.post(f"/me/places/{kept.pk}/remove/")
        assert names(town) == []

        offered = client.get("/me/places/").context["removed"]
        assert client.get("/me/places/").context["removed"] is None
        client.post("/me/places/", offered)

        assert names(town) == ["Zoo"]
        assert Favourite.objects.get().point == PLAZA.point

    def test_words_that_nobody_knows_are_not_kept(self, town):
        client = client_of(town.rider)
        told = client.post("/me/places/", {"kind": "HOME", "place": "Nowhere at all"})
        assert (told.status_code, names(town)) == (422, [])
        told = client.post("/me/places/", {"kind": "OTHER", "place": "x", "lat": 10, "lon": 10})
        assert told.context["form"].errors["name"] == ["Say what you call it."]
        told = client.post("/me/places/", {"kind": "HOME", "place": "x", "lat": 10, "lon": 10})
        assert told.status_code == 422
        assert "outside the city" in told.context["form"].errors["place"][0]

    def test_where_to_offers_kept_places_before_those_where_somebody_went(self, town):
        order = town.drive(town.confirm())
        keep(town, "WORK")
        known = mobility.known_places(town.rider.pk, town.city)
        assert [(one.name, one.address) for one in known] == [
            ("Work", PLAZA.name),
            (order.ride.dropoff_name, FARO.name),
        ]
        # What is kept is not listed a second time as somewhere they went.
        keep(town, "HOME", stop=FARO)
        known = mobility.known_places(town.rider.pk, town.city)
        assert [one.name for one in known] == ["Home", "Work"]

        for page in ("/", "/rides/"):
            told = client_of(town.rider).get(page).content.decode()
            assert "to=Faro+Monumental&amp;to_lat=-29.905700" in told.replace("%20", "+")
        assert mobility.known_places(town.worker.user.pk, town.city) == []

    def test_programs_keep_rename_and_forget(self, town):
        client, json = client_of(town.rider), {"content_type": "application/json"}
        sent = {"kind": "OTHER", "name": "Zoo", "address": "Plaza", "lat": -29.9, "lon": -71.25}
        told = client.post("/api/v1/me/places", sent, **json)
        assert told.status_code == 201
        number = told.json()["id"]
        assert client.get("/api/v1/me/places").json() == [sent | {"id": number}]
        assert client.post("/api/v1/me/places", sent | {"name": ""}, **json).status_code == 422
        away = client.post("/api/v1/me/places", sent | {"lat": 10}, **json)
        assert (away.status_code, away.json()["code"]) == (422, "outside_city")
        told = client.patch(f"/api/v1/me/places/{number}", {"name": "Park"}, **json)
        assert told.json()["name"] == "Park"
        assert client.delete(f"/api/v1/me/places/{number}").status_code == 204
        assert client.delete(f"/api/v1/me/places/{number}").status_code == 404

    def test_programs_ask_where_somebody_went(self, town):
        town.drive(town.confirm())

        assert client_of(town.rider).get("/api/v1/me/places/recent").json() == [
            {"address": FARO.name, "lat": FARO.point.lat, "lon": FARO.point.lon}
        ]
        assert client_of(town.worker.user).get("/api/v1/me/places/recent").json() == []


@pytest.mark.django_db(transaction=True)
@each_look
def test_a_place_is_kept_renamed_removed_had_back_and_gone_to(town, new_page, site, width, theme):
    Place.objects.create(
        city=town.city,
        kind="LANDMARK",
        name=FARO.name,
        search=essence(FARO.name),
        lat=FARO.point.lat,
        lon=FARO.point.lon,
    )
    keep(town)
    page = new_page(width=width, theme=theme)
    told = watch(page)
    cookie = client_of(town.rider).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
    page.goto(f"{site}/me/")
    page.get_by_role("link", name="Your places").click()
    assert_accessible(page)

    page.get_by_text("Another place", exact=True).click()
    page.get_by_label("What you call it").fill("Lighthouse")
    page.get_by_role("combobox", name="Where it is").fill("faro")
    page.get_by_role("option", name="Faro Monumental").click()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_text("Lighthouse is kept.").wait_for()
    assert_accessible(page)
    screenshot(page, f"places-{width}-{theme}", full=True)

    page.get_by_text("Rename Lighthouse").click()
    page.locator("details[open] input[name=name]").fill("The lamp")
    page.locator("details[open]").get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Remove The lamp").click()
    page.get_by_text("The lamp is removed.").wait_for()
    assert names(town) == ["Home"]
    screenshot(page, f"places-removed-{width}-{theme}")
    assert_accessible(page)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("The lamp is kept.").wait_for()

    page.goto(f"{site}/rides/")
    page.get_by_role("link", name="To The lamp").click()
    to = page.get_by_role("combobox", name="To")
    expect(to).to_have_value("Faro Monumental")
    page.get_by_role("combobox", name="From").focus()
    page.get_by_role("link", name="To Home").click()
    expect(page.get_by_role("combobox", name="From")).to_have_value(PLAZA.name)
    expect(to).to_have_value("Faro Monumental")
    assert_accessible(page)
    screenshot(page, f"places-plan-{width}-{theme}")
    assert told == []
