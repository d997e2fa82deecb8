import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.template import Context, Template
from django.test import Client
from django.utils.translation import override

from apps.parties.models import Consumer, User
from apps.places.models import City


def write(text: str, language: str = "en", **context: object) -> str:
    with override(language):
        return Template("{% load city %}" + text).render(Context(context))


def test_a_sum_names_its_currency_for_those_who_listen() -> None:
    assert write('{% sum 2450 "CLP" %}') == (
        '<span class="sum"><abbr class="sum__code" title="Chilean pesos">CLP</abbr>\xa02,450</span>'
    )
    assert ">$</abbr>2.450</span>" in write('{% sum 2450 "CLP" %}', "es")
    assert write("{% sum nothing 'CLP' %}", nothing=None) == ""


def test_a_plate_is_read_sign_by_sign() -> None:
    assert '<span class="unseen">L X T R 4 2</span>' in write('{% plate "LXTR·42" %}')


def test_what_is_written_into_a_page_is_escaped() -> None:
    assert "<script>" not in write("{% plate evil %}{% code evil %}", evil="<script>")


def test_a_glyph_that_was_never_drawn_fails_loudly() -> None:
    with pytest.raises(KeyError):
        write('{% icon "unicorn" %}')


def test_parts_of_a_share_fill_the_bar() -> None:
    bar = write("{% share 2208 92 150 %}")
    assert bar.count("<rect") == 3
    assert 'class="share__2" x="90.12"' in bar


@pytest.mark.parametrize(
    ("hour", "greeting"),
    [(8, "Good evening"), (9, "Good morning"), (16, "Good afternoon"), (23, "Good evening")],
)
def test_the_greeting_goes_by_the_clocks_of_the_city(
    hour: int, greeting: str, city: City, camila: User
) -> None:
    from apps.web.views import _greeting

    # La Serena is three hours behind in November.
    at = datetime(2026, 11, 22, hour, 59, tzinfo=UTC)
    at = at.replace(hour=hour - 1) if hour == 8 else at
    assert _greeting(city, camila, at) == f"{greeting}, Camila"


def test_home_without_a_city_says_what_is_missing(client: Client, db: None) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "No city is loaded yet" in answer.content.decode()


def test_a_theme_is_kept_and_the_systems_wish_forgets_it(client: Client, city: City) -> None:
    answer = client.post("/theme/", {"theme": "dark", "next": "/help/"})
    assert answer.headers["Location"] == "/help/"
    assert 'data-theme="dark"' in client.get("/help/").content.decode()
    client.post("/theme/", {"theme": "system", "next": "/help/"})
    assert 'data-theme="dark"' not in client.get("/help/").content.decode()


def test_a_theme_nobody_drew_changes_nothing(client: Client, city: City) -> None:
    client.post("/theme/", {"theme": "<b>"})
    assert "data-theme=" not in client.get("/help/").content.decode().split("<body")[0]
    client.cookies["theme"] = '"><script>'
    assert "<script>" not in client.get("/help/").content.decode()


def test_a_language_is_kept_for_the_next_page(client: Client, city: City) -> None:
    client.post("/language/", {"language": "es", "next": "/"})
    assert '<html lang="es"' in client.get("/help/").content.decode()


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example", "javascript:x", ""])
@pytest.mark.parametrize("path", ["/theme/", "/language/"])
def test_nobody_is_sent_to_another_site(path: str, there: str, client: Client, city: City) -> None:
    answer = client.post(path, {"theme": "dark", "language": "es", "next": there})
    assert answer.headers["Location"] == "/"


def test_choices_are_made_by_a_press_and_not_by_a_link(client: Client, city: City) -> None:
    assert client.get("/theme/").status_code == 405
    assert client.get("/language/").status_code == 405


def test_a_person_says_what_they_need(client: Client, city: City, camila: User) -> None:
    client.force_login(camila)
    told = {"name": "Camila R.", "phone": "+56 9 1234 5678", "language": "es", "needs": ["QUIET"]}
    assert client.post("/me/", told).status_code == 302
    camila.refresh_from_db()
    assert (camila.name, camila.phone, camila.language) == ("Camila R.", "+56 9 1234 5678", "es")
    assert Consumer.objects.get(user=camila).needs == ["QUIET"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 151},
        {"phone": "call me"},
        {"language": "fr"},
        {"needs": ["A_PONY"]},
    ],
)
def test_what_is_wrong_about_a_person_is_said_and_nothing_is_changed(
    wrong: dict[str, object], client: Client, city: City, camila: User
) -> None:
    client.force_login(camila)
    told = {"name": "Somebody else", "phone": "", "language": "en", "needs": []} | wrong
    answer = client.post("/me/", told)
    assert answer.status_code == 422
    assert 'data-focus id="errors"' in answer.content.decode()
    camila.refresh_from_db()
    assert camila.name == "Camila Rojas"


def test_me_is_for_whoever_is_signed_in(client: Client, city: City) -> None:
    assert client.get("/me/").headers["Location"] == "/accounts/login/?next=/me/"


def test_the_demo_people_are_never_shown_in_production(
    client: Client, city: City, settings, tmp_path: Path
) -> None:
    people = [{"name": "Marco Tapia", "email": "m@x.y", "password": "pw", "role": "driver"}]
    (tmp_path / "demo_people.json").write_text(json.dumps(people))
    settings.DATA_DIR = tmp_path
    settings.MODE = "demo"
    assert "Marco Tapia" in client.get("/accounts/login/").content.decode()
    settings.MODE = "production"
    assert "Marco Tapia" not in client.get("/accounts/login/").content.decode()


def test_one_tap_signs_a_demo_person_in(client: Client, city: City, camila: User) -> None:
    told = {"login": camila.email, "password": "a long password"}
    assert client.post("/accounts/login/", told).status_code == 302
    assert "Camila" in client.get("/").content.decode()


def test_a_wrong_password_is_said_where_the_eye_is(
    client: Client, city: City, camila: User
) -> None:
    told = {"login": camila.email, "password": "wrong"}
    page = client.post("/accounts/login/", told).content.decode()
    assert 'data-focus id="errors"' in page
    assert camila.email in page


def test_a_phone_can_put_the_city_on_its_home_screen(client: Client, city: City) -> None:
    told = client.get("/manifest.webmanifest").json()
    assert (told["name"], told["start_url"]) == ("La Serena", "/")
    assert client.get("/robots.txt").content.decode().startswith("User-agent: *\n")


def test_a_form_from_a_stale_page_is_refused_in_plain_words(city: City) -> None:
    answer = Client(enforce_csrf_checks=True).post("/theme/", {"theme": "dark"})
    assert answer.status_code == 403
    assert "This page was open for too long" in answer.content.decode()


@pytest.mark.parametrize("name", ["400", "403", "404", "429", "500", "403_csrf"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_every_failure_has_a_page_that_needs_nothing(name: str, language: str, rf) -> None:
    from django.template.loader import render_to_string

    with override(language):
        page = render_to_string(f"{name}.html", {})
    assert page.count("<h1>") == 1
    assert f'<html lang="{language}">' in page
