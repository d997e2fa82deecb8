"""A person sees who looked at their data, why and when."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError

from apps.audit import keys, office, verifying
from apps.audit import operations as audit
from apps.audit.models import Look, Record
from apps.bus import operations as bus
from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from tests import factories, rides
from tests.audit.test_seals import bend, keep
from tests.browser import assert_accessible, each_look, screenshot
from tests.factories import NOON, OFFICER
from tests.papers import ask_for, send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def key_file(settings, tmp_path):
    settings.SEAL_KEY_FILE = str(tmp_path / "seal.pem")


@pytest.fixture
def valentina():
    return factories.UserFactory(name="Valentina Soto", is_staff=True, is_superuser=True)


@pytest.fixture
def desk(client, valentina):
    """The browser of an officer."""
    client.force_login(valentina)
    return client


def look(people=(1, 2), why="a complaint", at=NOON):
    return audit.look(people=people, what="orders.order", row="7", why=why, by=OFFICER, at=at)


def lines():
    """Whose, what, which and why of every look, the oldest first."""
    found = Look.objects.order_by("pk").values_list("person", "what", "row", "why")
    return list(found)


class TestLooking:
    def test_each_person_whom_a_row_is_about_gets_a_line(self):
        look(why="  a complaint ")

        assert lines() == [
            (1, "orders.order", "7", "a complaint"),
            (2, "orders.order", "7", "a complaint"),
        ]
        kept = Look.objects.first()
        assert (kept.by, kept.looked_at, kept.source) == ("officer:4", NOON, "task")
        bus.relay(at=NOON)
        record = Record.objects.get(topic="audit.looked")
        assert record.body == {"people": [1, 2], "what": "orders.order", "row": "7"}

    def test_looking_twice_is_two_looks(self):
        look()
        look()
        assert Look.objects.count() == 4

    def test_who_looks_at_themselves_leaves_no_line(self):
        assert look(people=(4, 1)) == list(Look.objects.all())
        assert [person for person, *_ in lines()] == [1]

    @pytest.mark.parametrize("change", [{"why": "nothing"}, {"person": 9}])
    def test_nobody_changes_a_line(self, change):
        look()
        with pytest.raises(IntegrityError, match="append-only"):
            Look.objects.update(**change)

    def test_nobody_takes_a_line_out(self):
        look()
        with pytest.raises(IntegrityError, match="append-only"):
            Look.objects.all()._raw_delete("default")


class TestTheOffice:
    @pytest.fixture
    def town(self):
        town = rides.town()
        self.order = town.confirm()
        return town

    def test_opening_an_order_is_seen_by_rider_and_driver(self, desk, town):
        people = sorted([town.rider.pk, town.worker.user_id])

        assert desk.get(f"/admin/orders/order/{self.order.pk}/change/").status_code == 200

        assert lines() == [(who, "orders.order", self.order.code, "") for who in people]

    def test_so_is_opening_the_page_of_a_person_a_ride_and_what_they_did(self, desk, town):
        while bus.relay(at=NOON):
            pass
        record = Record.objects.filter(by=f"consumer:{town.rider.pk}").first()
        ride = self.order.ride.pk
        pages = [
            ("parties.user", town.rider.pk),
            ("mobility.ride", self.order.code),
            ("audit.record", record.pk),
        ]
        for what, name in pages:
            pk = ride if what == "mobility.ride" else name
            assert desk.get(f"/admin/{what.replace('.', '/')}/{pk}/change/").status_code == 200

        mine = [(what, row) for who, what, row, _ in lines() if who == town.rider.pk]
        assert mine == [(what, str(pk)) for what, pk in pages]

    def test_where_a_ride_went_is_looked_at_for_the_reason_that_is_asked_for(self, desk, town):
        page = f"/admin/mobility/ride/{self.order.ref}/trail/"
        assert desk.get(page).status_code == 200
        assert lines() == []

        assert desk.post(page, {"reason": "a call for help"}).status_code == 200

        people = sorted([town.rider.pk, town.worker.user_id])
        told = ("mobility.ride", self.order.code, "a call for help")
        assert lines() == [(who, *told) for who in people]

    def paper(self):
        city = factories.CityFactory()
        ask_for(city, "licence")
        return send(factories.UserFactory(), city)

    def test_opening_a_paper_and_its_picture_is_two_looks(self, desk, settings, tmp_path):
        settings.MEDIA_ROOT = str(tmp_path)
        paper = self.paper()
        desk.get(f"/admin/regulation/paper/{paper.pk}/change/")
        assert desk.get(f"/papers/{paper.ref}/scan/").status_code == 200

        assert lines() == [(paper.holder_id, "regulation.paper", str(paper.pk), "")] * 2

    def test_the_holder_of_a_paper_looks_at_it_unseen(self, client, settings, tmp_path):
        settings.MEDIA_ROOT = str(tmp_path)
        paper = self.paper()
        client.force_login(paper.holder)
        assert client.get(f"/papers/{paper.ref}/scan/").status_code == 200
        assert lines() == []

    def test_the_reason_stands_for_an_hour_and_goes_with_every_look(self, desk, town, monkeypatch):
        page = f"/admin/parties/user/{town.rider.pk}/change/"
        assert "They see that you looked" in desk.get(page).content.decode()

        answer = desk.post("/office/why/", {"why": "a lost bag", "next": page})
        assert (answer.status_code, answer.url) == (302, page)
        assert "a lost bag" in desk.get(page).content.decode()

        later = clock.now() + timedelta(hours=1)
        monkeypatch.setattr(office.clock, "now", lambda: later)
        desk.get(page)
        assert [why for *_, why in lines()] == ["", "a lost bag", ""]

    def test_the_way_back_leads_to_no_other_house(self, desk):
        answer = desk.post("/office/why/", {"why": "x", "next": "https://elsewhere.example/"})
        assert answer.url == "/admin/"

    def test_only_officers_state_why(self, client):
        client.force_login(factories.UserFactory())
        assert client.post("/office/why/", {"why": "x"}).url.startswith("/admin/login/")

    def test_who_may_not_see_a_page_leaves_no_line(self, client, town):
        client.force_login(factories.UserFactory(is_staff=True))
        page = f"/admin/parties/user/{town.rider.pk}/change/"
        assert client.get(page).status_code == 403
        assert lines() == []

    def test_an_officer_with_leave_to_see_people_leaves_one(self, client, town):
        clerk = factories.UserFactory(is_staff=True)
        clerk.user_permissions.add(Permission.objects.get(codename="view_user"))
        client.force_login(clerk)
        page = f"/admin/parties/user/{town.rider.pk}/change/"
        assert client.get(page).status_code == 200
        assert Look.objects.get().by == f"officer:{clerk.pk}"


@pytest.mark.django_db(transaction=True)
def test_what_could_not_be_proven_is_not_shown(desk):
    camila = factories.UserFactory(name="Camila Rojas")
    keep(1)
    audit.seal_all(at=clock.now())
    page = f"/admin/parties/user/{camila.pk}/change/"
    assert "Camila Rojas" in desk.get(page).content.decode()

    bend("UPDATE audit_seal SET sealed_at = sealed_at - interval '241 min'", table="audit_seal")
    answer = desk.get(page)

    assert answer.status_code == 503
    said = answer.content.decode()
    assert "Nothing has been sealed for more than four hours" in said
    assert "Camila Rojas" not in said
    assert Look.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestThePerson:
    @pytest.fixture
    def camila(self, valentina):
        # The page writes hours as the city's clocks show them.
        factories.CityFactory()
        camila = factories.UserFactory(name="Camila Rojas")
        officer = Actor(Kind.OFFICER, str(valentina.pk))
        for row in range(30):
            audit.look(
                people=[camila.pk],
                what="orders.order",
                row=str(row),
                why="a complaint" * (row % 2),
                by=officer,
                at=clock.now(),
            )
        return camila

    def test_they_read_who_why_and_when(self, client, camila):
        client.force_login(camila)

        page = client.get("/me/looks/").content.decode()

        assert page.count("Valentina Soto</b>, city officer") == 25
        assert "Why: a complaint" in page
        assert "No reason was stated." in page
        oldest = Look.objects.order_by("-pk")[24].pk
        assert f'href="?before={oldest}"' in page
        older = client.get("/me/looks/", {"before": oldest}).content.decode()
        assert older.count("Valentina Soto</b>") == 5
        assert "Who looked at my data" in client.get("/me/").content.decode()

    def test_nobody_else_does(self, client, camila):
        client.force_login(factories.UserFactory())
        assert "Nobody has looked" in client.get("/me/looks/").content.decode()
        assert client.get("/api/v1/me/looks").json()["results"] == []
        client.logout()
        assert client.get("/me/looks/").status_code == 302
        assert client.get("/api/v1/me/looks").status_code in (401, 403)

    def test_programs_read_it_too_with_the_proof_of_each(self, client, camila, tmp_path):
        audit.seal_all(at=clock.now())
        client.force_login(camila)
        first = client.get("/api/v1/me/looks").json()["results"][0]
        assert (first["what"], first["row"], first["why"]) == ("orders.order", "29", "a complaint")

        path = tmp_path / "proof.json"
        path.write_bytes(client.get(first["proof"]).content)

        assert json.loads(json.loads(path.read_text())["row"])["person"] == camila.pk
        assert verifying.run(path, [keys.public(keys.signing_key())], None, print)
        client.force_login(factories.UserFactory())
        assert client.get(first["proof"]).status_code == 404


@pytest.mark.django_db(transaction=True)
@each_look
def test_the_pages_can_be_read_by_everybody(new_page, site, client, valentina, width, theme):
    camila = factories.UserFactory(name="Camila Rojas")
    client.force_login(valentina)
    client.post("/office/why/", {"why": "her complaint of Monday"})
    client.get(f"/admin/parties/user/{camila.pk}/change/")
    page = new_page(width=width, theme=theme)

    def see(person, path, name):
        client.force_login(person)
        page.context.add_cookies(
            [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}]
        )
        page.goto(f"{site}{path}")
        screenshot(page, f"{name}-{width}-{theme}", full=True)

    see(camila, "/me/looks/", "looks")
    assert_accessible(page)
    see(valentina, f"/admin/parties/user/{camila.pk}/change/", "looks-office")
