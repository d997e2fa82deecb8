import io

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import TestCase, override_settings
from django.urls import reverse

from apps.bus.models import Event
from apps.places import geometry, queries, routing
from apps.places.demo import la_serena
from apps.places.geometry import Point
from apps.places.models import City, Place, Zone
from tests.places.conftest import WITH_STREETS

PLAZA = Point(lat=-29.9027, lon=-71.2513)
COQUIMBO = Point(lat=-29.9535, lon=-71.3378)

CORDOVEZ = "Gregorio Cordovez con Los Carrera"

# What people type, and the first that they are shown.
TYPED = {
    "Cordovez con Los Carrera": CORDOVEZ,
    "los carrera / cordovez": CORDOVEZ,
    "LOS CARRERA & CORDOVEZ": CORDOVEZ,
    "cordovez esquina los carrera": CORDOVEZ,
    "calle cordovez esq. los carrera": CORDOVEZ,
    "cordovez y los carrera": CORDOVEZ,
    "cordovez los carrera": CORDOVEZ,
    "cordoves con los carera": CORDOVEZ,
    "Balmaceda / Colón": "Cristóbal Colón con José Manuel Balmaceda",
    "balmaceda y colon": "Cristóbal Colón con José Manuel Balmaceda",
    "18 de septiembre con colo colo": "Avenida 18 de Septiembre con Avenida Colo Colo",
    "cuatro esquinas con avenida del mar": "Avenida Cuatro Esquinas con Avenida del Mar",
    "cordovez": "Gregorio Cordovez",
    "corde": "Gregorio Cordovez",
    "kordovez": "Gregorio Cordovez",
    "AVENIDA DEL MAR": "Avenida del Mar",
    "av del mar": "Avenida del Mar",
    "faro": "Faro Monumental",
    "Faro Monumetal": "Faro Monumental",
    "la recova": "La Recova",
    "museo arqueologico": "Museo Arqueológico",
    "Aeropuerto": "Aeropuerto La Florida",
    "": "Plaza de Armas de La Serena",
    "  ¿? ": "Plaza de Armas de La Serena",
}


@override_settings(DATA_DIR=WITH_STREETS)
class TheDemoCity(TestCase):
    """La Serena and Coquimbo as `load_demo_city` leaves them; each test sees it fresh."""

    city: City

    @classmethod
    def setUpTestData(cls):
        call_command("load_demo_city", stdout=io.StringIO())
        cls.city = City.objects.get(slug="la-serena")

    def test_it_has_a_clock_money_and_an_edge(self):
        assert (self.city.timezone, self.city.currency, self.city.locale) == (
            "America/Santiago",
            "CLP",
            "es-cl",
        )
        assert self.city.is_demo
        assert self.city.contains(PLAZA)
        assert self.city.contains(COQUIMBO)
        assert not self.city.contains(Point(lat=-29.93, lon=-71.31)), "the bay is not the city"
        assert not self.city.contains(Point(lat=-33.45, lon=-70.66)), "Santiago"

    def test_its_load_is_told_once(self):
        told = Event.objects.filter(topic="places.city_opened")
        assert [event.body["city"] for event in told] == ["la-serena"]

    def test_loading_it_again_does_nothing(self):
        said = io.StringIO()
        before = list(Place.objects.order_by("pk").values_list("pk", flat=True)[:5])
        call_command("load_demo_city", stdout=said)
        assert said.getvalue() == "La Serena y Coquimbo: nothing to do\n"
        assert list(Place.objects.order_by("pk").values_list("pk", flat=True)[:5]) == before

    def test_it_knows_its_streets_crossings_and_landmarks(self):
        counts = {
            kind: Place.objects.filter(city=self.city, kind=kind).count() for kind in Place.Kind
        }
        assert counts == {"STREET": 2400, "CROSSING": 5726, "LANDMARK": 25}

    def test_its_landmarks_lie_in_the_city_by_a_street(self):
        for landmark in Place.objects.filter(city=self.city, kind=Place.Kind.LANDMARK):
            with self.subTest(landmark.name):
                assert routing.snap("la-serena", landmark.point).metres_away < 150
                assert self.city.contains(landmark.point)
                assert landmark.detail in la_serena.DISTRICTS

    def test_every_way_of_typing_finds_the_place(self):
        for text, name in TYPED.items():
            with self.subTest(text):
                assert queries.search(self.city, text)[0].name == name

    def test_what_nobody_knows_is_not_found(self):
        for text in ["zzzzqqq", "qwxqwx con zzzz"]:
            with self.subTest(text):
                assert queries.search(self.city, text) == []

    def test_no_text_is_too_strange_to_search(self):
        for text in ["x" * 5000, "%_\\", "'; DROP TABLE", "con", "y y y", "/ / /", "\u202e☂", "a"]:
            with self.subTest(text):
                assert len(queries.search(self.city, text)) <= 8

    def test_the_nearer_of_two_comes_first(self):
        plazas = [queries.search(self.city, "plaza de armas", near) for near in (PLAZA, COQUIMBO)]
        assert [found[0].name for found in plazas] == [
            "Plaza de Armas de La Serena",
            "Plaza de Armas de Coquimbo",
        ]
        assert plazas[0][0].metres_away == 0

    def test_no_more_than_asked_and_nothing_twice(self):
        found = queries.search(self.city, "balmaceda", limit=20)
        assert len(found) == 20
        assert len({(place.name, place.detail) for place in found}) == 20

    def test_streets_of_one_name_say_which_they_are(self):
        found = queries.search(self.city, "aconcagua", limit=2)
        assert [(place.name, place.detail) for place in found] == [
            ("Aconcagua", "Tierras Blancas"),
            ("Aconcagua", "Las Compañías"),
        ]

    def test_a_search_asks_the_database_once_a_crossing_twice(self):
        with self.assertNumQueries(1):
            queries.search(self.city, "cordovez")
        with self.assertNumQueries(2):
            queries.search(self.city, "cordovez con los carrera")

    def test_a_point_is_called_by_what_is_there(self):
        for point, name in [
            (PLAZA, "Plaza de Armas de La Serena"),
            (Point(lat=-29.90327, lon=-71.25137), CORDOVEZ),
            (Point(lat=-29.86, lon=-71.254), "Caletera 5 Norte"),
            (Point(lat=-29.95, lon=-71.4), "-29.950000,-71.400000"),
        ]:
            with self.subTest(name):
                assert queries.nearest_name(self.city, point) == name

    def test_a_point_lies_in_its_districts_and_in_no_other(self):
        names = [zone.name for zone in queries.zones_at(self.city, PLAZA)]
        assert names == ["Centro de La Serena"]
        assert queries.zones_at(self.city, Point(lat=-29.93, lon=-71.31)) == []

    def test_every_cell_of_a_district_is_in_its_cover(self):
        for zone in Zone.objects.filter(city=self.city):
            with self.subTest(zone.name):
                assert zone.cells == geometry.cells_covering(zone.boundary)

    # --- the page's fragment

    def options(self, **query: str):
        return self.client.get(reverse("places:search"), query)

    def test_the_page_gets_options_to_choose_from(self):
        page = self.options(q="cordovez con los carrera", near=str(COQUIMBO), list="to")
        self.assertContains(page, 'role="option"', count=1)
        self.assertContains(page, 'id="to-0"')
        self.assertContains(page, f'data-name="{CORDOVEZ}"')
        self.assertContains(page, 'data-lat="-29.903272"')
        self.assertContains(page, "Centro de La Serena")

    def test_the_page_says_when_nothing_is_found(self):
        page = self.options(q="<zzzz>")
        self.assertContains(page, "We know no place called “&lt;zzzz&gt;”.")
        self.assertContains(page, 'aria-disabled="true"')

    def test_the_page_refuses_what_makes_no_sense(self):
        assert self.options(q="faro", near="here").status_code == 400
        assert self.options(q="faro", city="atlantis").status_code == 404
        assert self.options(q="a\0b", city="la-serena\0").status_code == 200
        assert self.client.post(reverse("places:search")).status_code == 405

    # --- for programs

    def test_programs_search(self):
        answer = self.client.get(
            "/api/v1/places/search", {"city": "la-serena", "q": "faro", "limit": 1}
        )
        assert answer.json() == {
            "results": [
                {
                    "kind": "LANDMARK",
                    "name": "Faro Monumental",
                    "detail": "Avenida del Mar",
                    "lat": -29.9056,
                    "lon": -71.2738,
                    "metres_away": None,
                }
            ]
        }

    def test_programs_ask_the_name_of_a_point(self):
        answer = self.client.get(
            "/api/v1/places/reverse", {"city": "la-serena", "point": str(PLAZA)}
        )
        assert answer.json() == {
            "name": "Plaza de Armas de La Serena",
            "is_inside": True,
            "zones": [
                {
                    "slug": "centro-de-la-serena",
                    "name": "Centro de La Serena",
                    "kind": "DISTRICT",
                }
            ],
        }

    def test_programs_read_the_city(self):
        city = self.client.get("/api/v1/cities/la-serena").json()
        assert city["currency"] == "CLP"
        assert city["centre"] == {"lat": -29.9027, "lon": -71.2517}
        assert city["boundary"]["type"] == "MultiPolygon"
        assert len(city["zones"]) == len(la_serena.DISTRICTS)

    def test_programs_are_told_what_is_wrong(self):
        for path, query, status in [
            ("places/search", {}, {400, 422}),
            ("places/search", {"city": "la-serena", "limit": 99}, {400, 422}),
            ("places/search", {"city": "la-serena", "near": "x"}, {400, 422}),
            ("places/search", {"city": "la-serena", "q": "x" * 201}, {400, 422}),
            ("places/search", {"city": "la-serena", "q": "a\0"}, {400, 422}),
            ("places/search", {"city": "atlantis"}, {404}),
            ("places/reverse", {"city": "la-serena"}, {400, 422}),
            ("places/reverse", {"city": "la-serena", "point": "91,0"}, {400, 422}),
            ("cities/atlantis", {}, {404}),
        ]:
            with self.subTest(path=path, query=query):
                assert self.client.get(f"/api/v1/{path}", query).status_code in status

    # --- for officers

    def test_officers_read_places_and_change_none(self):
        self.client.force_login(
            get_user_model().objects.create_superuser(email="o@example.org", password="x")
        )
        for model in ("city", "zone", "place"):
            with self.subTest(model):
                page = reverse(f"admin:places_{model}_changelist")
                assert self.client.get(page).status_code == 200
                # A zone is drawn, by an operation; the rest comes in by loads alone.
                may = 200 if model == "zone" else 403
                assert self.client.get(reverse(f"admin:places_{model}_add")).status_code == may
        city = reverse("admin:places_city_change", args=[self.city.pk])
        assert self.client.get(city).status_code == 200
        assert self.client.post(city, {"name": "Atlantis"}).status_code == 403
