"""Every kind of rule in plain words, exactly, in both languages."""

import pytest
from django.utils import translation

from apps.regulation import words
from apps.regulation.rules import KINDS, Scope
from apps.regulation.words import Names

NAMES = Names(
    "CLP",
    zones={"beach": "Playa", "centre": "Centro", "port": "Puerto", "island": "Isla"},
    providers={7: "Taxis del Faro", 8: "Cooperativa Elqui"},
)
NIGHT = {"hour_from": "22:00", "hour_to": "06:00"}
RIDES = {"verticals": ["mobility"]}


def say(kind, terms=None, scope=None, language="en"):
    with translation.override(language):
        said = words.sentences(Scope.thawed(scope or {}), KINDS[kind].thawed(terms or {}), NAMES)
    # A hard space reads like any other.
    return [one.replace("\N{NO-BREAK SPACE}", " ") for one in said]


@pytest.mark.parametrize(
    ("kind", "terms", "scope", "english", "spanish"),
    [
        (
            "closed",
            {},
            RIDES | NIGHT | {"zones": ["beach"], "weekdays": [4, 5]},
            ["No pick-ups in Playa, on Fridays and Saturdays between 22:00 and 06:00, for rides."],
            [
                "No se recoge a nadie en Playa, los viernes y sábados entre las 22:00 y las 06:00, "
                "para viajes."
            ],
        ),
        (
            "closed",
            {},
            {"zones": ["centre", "beach"], "ends": ["pickup", "dropoff", "at"]},
            ["Nothing begins, ends or takes place in Centro and Playa."],
            ["Nada empieza, termina ni ocurre en Centro y Playa."],
        ),
        (
            "closed",
            {},
            {"season_from": "12-15", "season_to": "03-15", "verticals": ["lodging"]},
            ["Closed everywhere, every year from 15 December to 15 March, for stays."],
            [
                "Cerrado en todas partes, cada año del 15 de diciembre al 15 de marzo, "
                "para alojamientos."
            ],
        ),
        (
            "price",
            {"floor_minor": 1500, "ceiling_minor": 9000, "surge_most_bp": 15000},
            RIDES | {"classes": ["large"]},
            [
                "The price is at least CLP 1,500 and at most CLP 9,000, "
                "for rides, in the class large.",
                "When many ask, the fare is at most 1.5 times the tariff, "
                "for rides, in the class large.",
            ],
            [
                "El precio es de al menos $1.500 y como máximo $9.000, "
                "para viajes, en la clase grande.",
                "Cuando muchos piden, la tarifa sube como máximo a 1,5 veces la normal, "
                "para viajes, en la clase grande.",
            ],
        ),
        (
            "price",
            {"floor_minor": 1500},
            {},
            ["The price is at least CLP 1,500."],
            ["El precio es de al menos $1.500."],
        ),
        (
            "price",
            {"ceiling_minor": 9000, "surge_most_bp": 10000},
            {},
            ["The price is at most CLP 9,000.", "However many ask, the fare does not rise."],
            [
                "El precio es como máximo de $9.000.",
                "Por muchos que pidan, la tarifa no sube.",
            ],
        ),
        (
            "commission",
            {"most_bp": 1250},
            {"providers": [7, 8]},
            [
                "The platform adds at most 12.5 % to what the provider gets, "
                "for what is offered by Cooperativa Elqui and Taxis del Faro."
            ],
            [
                "La plataforma agrega como máximo 12,5 % a lo que recibe el prestador, "
                "para lo que ofrecen Cooperativa Elqui y Taxis del Faro."
            ],
        ),
        (
            "pay",
            {"per_order_minor": 1000, "per_km_minor": 300, "per_minute_minor": 50},
            RIDES,
            [
                "Whoever does the work gets at least CLP 1,000 for each order, "
                "CLP 300 for each kilometre and CLP 50 for each minute, for rides."
            ],
            [
                "Quien hace el trabajo recibe al menos $1.000 por pedido, "
                "$300 por kilómetro y $50 por minuto, para viajes."
            ],
        ),
        (
            "fee",
            {"flat_minor": 800, "share_bp": 500},
            RIDES | {"zones": ["port"], "weekdays": [0, 1, 2, 3, 4]},
            [
                "The city asks a fee of CLP 800 plus 5 % of the fare, "
                "for rides from Puerto, from Monday to Friday."
            ],
            [
                "La ciudad cobra una tasa de $800 más 5 % de la tarifa, "
                "para viajes desde Puerto, de lunes a viernes."
            ],
        ),
        (
            "subsidy",
            {"share_bp": 5000, "most_minor": 2000},
            RIDES | {"zones": ["port", "island"], "ends": ["dropoff"]},
            ["The city pays 50 % of the price, at most CLP 2,000, for rides to Isla and Puerto."],
            ["La ciudad paga 50 % del precio, como máximo $2.000, para viajes a Isla y Puerto."],
        ),
        (
            "cap",
            {"fact": "nights", "most": 90},
            {"verticals": ["lodging"], "zones": ["centre", "island"]},
            ["At most 90 nights a year for each listing, for stays in Centro and Isla."],
            ["Como máximo 90 noches al año por cada oferta, para alojamientos en Centro e Isla."],
        ),
        (
            "cap",
            {"fact": "shifts", "most": 1, "per": "now", "of": "worker"},
            {},
            ["At most 1 shift at the same time for each worker."],
            ["Como máximo 1 turno al mismo tiempo por cada trabajador."],
        ),
        (
            "limit",
            {"fact": "guests", "most": 6},
            {},
            ["At most 6 guests."],
            ["Como máximo 6 huéspedes."],
        ),
        (
            "limit",
            {"fact": "metres", "least": 1000, "most": 25000},
            RIDES,
            ["At least 1.0 km and at most 25 km, for rides."],
            ["Como mínimo 1,0 km y como máximo 25 km, para viajes."],
        ),
        (
            "limit",
            {"fact": "accessible_cars_bp", "least": 500},
            {},
            ["At least 5 % of accessible cars."],
            ["Como mínimo 5 % de autos accesibles."],
        ),
        (
            "hours",
            {"opens": "08:00", "closes": "22:30"},
            {"verticals": ["retail"], "weekdays": [6], "zones": ["centre"]},
            ["Open between 08:00 and 22:30 only, for shops in Centro, on Sundays."],
            ["Abierto solo entre las 08:00 y las 22:30, para tiendas en Centro, los domingos."],
        ),
        (
            "permit",
            {},
            {"verticals": ["mobility", "lodging"]},
            ["A permit of the city is needed, for rides and stays."],
            ["Se necesita un permiso de la ciudad, para alojamientos y viajes."],
        ),
        (
            "permit",
            {"needed": False},
            {"zones": ["beach"]},
            ["No permit of the city is needed, in or from Playa."],
            ["No se necesita permiso de la ciudad, en o desde Playa."],
        ),
        (
            "speed",
            {"kmh": 30},
            {"zones": ["centre"]} | NIGHT,
            ["Nobody drives faster than 30 km/h, in Centro, between 22:00 and 06:00."],
            ["Nadie conduce a más de 30 km/h, en Centro, entre las 22:00 y las 06:00."],
        ),
        (
            "speed",
            {"kmh": 0},
            {"zones": ["centre"]},
            ["The streets are closed to through traffic, in Centro."],
            ["Las calles están cerradas al tránsito de paso, en Centro."],
        ),
        (
            "crisis",
            {"shelters": ["port"]},
            {"zones": ["beach", "centre"]},
            [
                "Emergency: nobody is driven into Centro or Playa.",
                "However many ask, no fare rises anywhere in the city.",
                "Ways to Puerto cost nothing: the city pays.",
            ],
            [
                "Emergencia: nadie es llevado a Centro o Playa.",
                "Por muchos que pidan, ninguna tarifa sube en la ciudad.",
                "Los trayectos a Puerto no cuestan nada: paga la ciudad.",
            ],
        ),
    ],
)  # fmt: skip
def test_a_rule_is_said_in_plain_words(kind, terms, scope, english, spanish):
    assert say(kind, terms, scope) == english
    assert say(kind, terms, scope, "es") == spanish


def test_every_kind_of_rule_has_words():
    tried = test_a_rule_is_said_in_plain_words.pytestmark[0].args[1]

    assert {kind for kind, *_rest in tried} == set(KINDS)


def test_a_zone_without_a_name_is_called_by_its_slug():
    assert say("closed", scope=RIDES | {"zones": ["airport"]}) == [
        "No pick-ups in airport, for rides."
    ]
