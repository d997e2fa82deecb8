"""What is left out of other people, in the one place where it is done."""

import pytest

from apps.inspection.masking import Mask, Name, Own, Page, Place, Row, Table, Words
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def camila():
    return factories.UserFactory(name="Camila Rojas", email="camila@example.org")


@pytest.fixture
def marco():
    return factories.UserFactory(
        name="Marco Tapia", email="marco@example.org", phone="+56 9 8765 4321"
    )


def shown(cell, own, others=()):
    page = Page("", "x", "1", facts=[("", cell)], others=others)
    return Mask(frozenset({own.pk})).page(page).facts[0][1]


def test_the_inspected_person_is_named_and_everybody_else_has_initials(camila, marco):
    assert shown(Name(camila), camila) == "Camila Rojas"
    assert shown(Name(marco), camila) == "M. T."
    assert shown(Name(None), camila) == ""


def test_somebody_without_a_name_is_no_address_either(camila):
    nameless = factories.UserFactory(name="", email="secret@example.org")
    assert shown(Name(nameless), camila) == "•••"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Balmaceda 123 → Faro Monumental", "Balmaceda → Faro Monumental"),
        ("Los Carrera 45-B, La Serena", "Los Carrera, La Serena"),
        ("Balmaceda 123 a Faro", "Balmaceda a Faro"),
        ("Balmaceda 123, Thu\xa026\xa0Nov, 14:30", "Balmaceda, Thu\xa026\xa0Nov, 14:30"),
        ("Plaza de Armas → Mall Plaza", "Plaza de Armas → Mall Plaza"),
    ],
)
def test_the_place_of_another_is_a_street_without_its_number(camila, said, left):
    assert shown(Place(said), camila) == left
    assert shown(Own(said), camila) == said


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Call +56 9 8765 4321 now", "Call ••• now"),
        ("Call 987654321", "Call •••"),
        ("write to marco@example.org", "write to •••"),
        ("MARCO TAPIA was late", "M. T. was late"),
        ("marco was late", "M. was late"),
        ("He lives in Balmaceda 123", "He lives in Balmaceda •••"),
    ],
)
def test_of_what_somebody_typed_others_are_left_out(camila, marco, said, left):
    assert shown(Words(said), camila, [marco]) == left


def test_names_are_left_out_of_what_the_platform_says_too(camila, marco):
    """A provider may be called as its driver is."""
    assert shown("Taxi Marco Tapia", camila, [marco]) == "Taxi M. T."
    assert shown("Taxi Marco Tapia", marco, [marco]) == "Taxi Marco Tapia"


@pytest.mark.parametrize("said", ["CLP 12,450,000", "2027-05-01 12:00", "7K2-9QXD", "$12.450.000"])
def test_sums_days_and_references_stay(camila, marco, said):
    assert shown(said, camila, [marco]) == said


def test_every_cell_of_every_table_passes_through_it(camila, marco):
    table = Table("", ("", ""), [Row((Name(marco), Words("marco@example.org")), "/somewhere/")])
    page = Mask(frozenset({camila.pk})).page(Page("", "x", "1", tables=[table]))
    assert page.tables[0].rows == [Row(["M. T.", "•••"], "/somewhere/")]
    assert page.others == ()
