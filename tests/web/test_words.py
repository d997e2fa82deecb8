from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils.translation import ngettext, override

from apps.mobility.demo import CLASSES
from apps.parties.models import User
from apps.places.models import City
from apps.web.management.commands.messages import collect, read, wanting


def page(client: Client, address: str) -> str:
    answer = client.get(address, headers={"Accept-Language": "es-CL,es;q=0.9"})
    return " ".join(answer.content.decode().replace("&#x27;", "'").split())


def test_everything_the_city_says_is_also_said_in_spanish() -> None:
    call_command("messages", "--check")


def test_a_text_without_a_translation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Catalog()
    said.add("The tram is late.")
    monkeypatch.setattr("apps.web.management.commands.messages.collect", lambda root: said)

    with pytest.raises(CommandError, match=r"es: not translated: 'The tram is late\.'"):
        call_command("messages", "--check")


def test_a_doubtful_translation_and_a_lost_blank_are_named() -> None:
    said, kept = Catalog(), Catalog()
    for text in ("In %(n)s min", "Late", "On time"):
        said.add(text)
    kept.add("In %(n)s min", "En minutos")
    kept.add("Late", "Tarde", flags=("fuzzy",))
    kept.add("On time", "A tiempo")

    assert list(wanting(said, kept)) == [
        "other blanks than in the source: 'In %(n)s min'",
        "in doubt (fuzzy): 'Late'",
    ]


def test_texts_are_found_in_code_and_in_pages(tmp_path: Path) -> None:
    (tmp_path / "apps" / "tram" / "templates").mkdir(parents=True)
    (tmp_path / "apps" / "tram" / "models.py").write_text('line = _("tram line")\n')
    (tmp_path / "apps" / "tram" / "templates" / "tram.html").write_text(
        "<div>\n    {% translate 'Next tram' %}\n  {% blocktranslate trimmed count n=n %}\n"
        "    {{ n }} stop\n  {% plural %}\n    {{ n }} stops\n  {% endblocktranslate %}\n</div>\n"
        "{% translate 'Late' context 'tram' %}{% comment %}{% translate 'No' %}{% endcomment %}\n"
    )

    texts = {(message.id, message.context) for message in collect(tmp_path) if message.id}

    assert texts == {
        ("tram line", None),
        ("Next tram", None),
        (("%(n)s stop", "%(n)s stops"), None),
        ("Late", "tram"),
    }


def test_the_catalogue_tells_nothing_of_the_machine_it_was_made_on() -> None:
    text = (settings.BASE_DIR / "locale/es/LC_MESSAGES/django.po").read_text()
    assert str(settings.BASE_DIR) not in text
    assert "Date:" not in text
    assert "://" not in text


def test_nobody_is_shouted_at() -> None:
    for message in (message for message in read("es") if message.id):
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        assert not [form for form in forms if "¡" in form or "!" in form]


def test_spanish_counts_one_and_many() -> None:
    with override("es"):
        assert ngettext("%(n)s star", "%(n)s stars", 1) % {"n": 1} == "1 estrella"
        assert ngettext("%(n)s star", "%(n)s stars", 4) % {"n": 4} == "4 estrellas"


def test_the_kinds_of_ride_have_spanish_names() -> None:
    spanish = read("es")
    assert [spanish.get(title).string for title, _more in CLASSES.values()] == [
        "Auto",
        "Accesible",
        "Grande",
    ]


def test_a_spanish_reader_finds_the_home_page_in_spanish(client: Client, city: City) -> None:
    text = page(client, "/")
    assert '<html lang="es"' in text
    assert "¿A dónde vas?" in text
    assert "Viajes y más en tu ciudad, con el precio completo por delante." in text
    assert "Iniciar sesión" in text
    assert "Where to" not in text


def test_a_spanish_reader_is_told_what_to_do_when_there_is_nothing(
    client: Client, city: City
) -> None:
    text = page(client, "/nothing-here/")
    assert "No hay nada en esta dirección" in text
    assert "Revisa la dirección o empieza desde la página de inicio." in text


def test_help_answers_in_spanish(client: Client, city: City) -> None:
    text = page(client, "/help/")
    assert "¿Cuándo se cobra mi tarjeta?" in text
    assert "Se cobra al llegar, nunca antes." in text


def test_an_empty_history_says_in_spanish_what_will_stand_there(
    client: Client, city: City, camila: User
) -> None:
    camila.language = "es"
    camila.save()
    client.force_login(camila)
    text = page(client, "/orders/")
    assert "Aún no hay pedidos" in text
    assert "Viajes, estadías y compras aparecerán aquí juntos." in text
