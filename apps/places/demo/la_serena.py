"""La Serena and Coquimbo as the demonstration knows them: districts and landmarks.

Drawn and placed by us on the street network, roughly; not official limits.
"""

from pathlib import Path

from django.utils.text import slugify

from apps.places.geometry import Point
from apps.places.opening import Sources, landmark
from apps.places.operations import District, Facts

SKETCH = Path(__file__).with_name("la_serena_sketch.geojson")
SLUG = "la-serena"
NAME = "La Serena y Coquimbo"
TIMEZONE = "America/Santiago"
CURRENCY = "CLP"
LOCALE = "es-cl"
CENTRE = (-29.9027, -71.2517)  # latitude, longitude: the Plaza de Armas

# Corners as (longitude, latitude), as on the map: districts share their edges.
DISTRICTS: dict[str, list[tuple[float, float]]] = {
    "Las Compañías": [
        (-71.2575, -29.858),
        (-71.215, -29.858),
        (-71.205, -29.888),
        (-71.220, -29.8935),
        (-71.2355, -29.8957),
        (-71.2461, -29.8975),
        (-71.2539, -29.8955),
        (-71.2562, -29.894),
        (-71.2575, -29.880),
    ],
    "Caleta San Pedro": [
        (-71.2775, -29.858),
        (-71.2575, -29.858),
        (-71.2575, -29.880),
        (-71.2562, -29.894),
        (-71.276, -29.892),
    ],
    "Centro de La Serena": [
        (-71.2562, -29.894),
        (-71.2539, -29.8955),
        (-71.2461, -29.8975),
        (-71.2400, -29.899),
        (-71.2405, -29.908),
        (-71.2440, -29.9105),
        (-71.2595, -29.910),
        (-71.2575, -29.9055),
    ],
    "Avenida del Mar": [
        (-71.276, -29.892),
        (-71.2562, -29.894),
        (-71.2575, -29.9055),
        (-71.2595, -29.910),
        (-71.262, -29.917),
        (-71.272, -29.931),
        (-71.2825, -29.943),
        (-71.286, -29.9475),
        (-71.2975, -29.949),
        (-71.290, -29.9425),
        (-71.284, -29.934),
        (-71.279, -29.9225),
        (-71.2765, -29.912),
    ],
    "La Pampa": [
        (-71.2595, -29.910),
        (-71.2440, -29.9105),
        (-71.2400, -29.925),
        (-71.2400, -29.946),
        (-71.2680, -29.950),
        (-71.2825, -29.943),
        (-71.272, -29.931),
        (-71.262, -29.917),
    ],
    "La Florida": [
        (-71.2405, -29.908),
        (-71.2440, -29.9105),
        (-71.2400, -29.925),
        (-71.2400, -29.946),
        (-71.2250, -29.952),
        (-71.190, -29.932),
        (-71.175, -29.908),
        (-71.2400, -29.899),
    ],
    "Tierras Blancas": [
        (-71.2680, -29.950),
        (-71.2400, -29.946),
        (-71.2250, -29.952),
        (-71.2250, -29.985),
        (-71.2600, -29.992),
        (-71.2700, -29.976),
    ],
    "Peñuelas": [
        (-71.2975, -29.949),
        (-71.3180, -29.9585),
        (-71.3195, -29.9665),
        (-71.3160, -29.982),
        (-71.2870, -29.986),
        (-71.2700, -29.976),
        (-71.2680, -29.950),
        (-71.2825, -29.943),
        (-71.286, -29.9475),
    ],
    "Centro de Coquimbo": [
        (-71.3180, -29.9585),
        (-71.3340, -29.957),
        (-71.3345, -29.931),
        (-71.3420, -29.931),
        (-71.3610, -29.957),
        (-71.3500, -29.968),
        (-71.3405, -29.9705),
        (-71.3365, -29.968),
        (-71.3295, -29.966),
        (-71.3195, -29.9665),
    ],
    "La Herradura": [
        (-71.3500, -29.968),
        (-71.3405, -29.9705),
        (-71.3345, -29.980),
        (-71.3300, -29.992),
        (-71.3450, -29.997),
        (-71.3720, -29.991),
        (-71.3490, -29.975),
    ],
    "San Juan": [
        (-71.3405, -29.9705),
        (-71.3365, -29.968),
        (-71.3295, -29.966),
        (-71.3195, -29.9665),
        (-71.3160, -29.982),
        (-71.3120, -30.000),
        (-71.3450, -30.004),
        (-71.3450, -29.997),
        (-71.3300, -29.992),
        (-71.3345, -29.980),
    ],
}

# Name, latitude, longitude: the kerb where a car stops, or close to it.
LANDMARKS: list[tuple[str, float, float]] = [
    ("Plaza de Armas de La Serena", -29.9027, -71.2513),
    ("Faro Monumental", -29.9056, -71.2738),
    ("La Recova", -29.9021, -71.2471),
    ("Terminal de Buses de La Serena", -29.9102, -71.2554),
    ("Hospital de La Serena", -29.8988, -71.2502),
    ("Aeropuerto La Florida", -29.9175, -71.2040),
    ("Estadio La Portada", -29.9110, -71.2512),
    ("Universidad de La Serena", -29.9115, -71.2437),
    ("Mall Plaza La Serena", -29.9130, -71.2592),
    ("Museo Arqueológico", -29.9033, -71.2467),
    ("Parque Japonés", -29.9045, -71.2553),
    ("Playa Cuatro Esquinas", -29.9268, -71.2792),
    ("Casino de Coquimbo", -29.9482, -71.2915),
    ("Plaza de Armas de Coquimbo", -29.9535, -71.3378),
    ("Barrio Inglés", -29.9485, -71.3375),
    ("Puerto de Coquimbo", -29.9495, -71.3363),
    ("Mercado del Mar", -29.9520, -71.3363),
    ("Terminal de Buses de Coquimbo", -29.9575, -71.3376),
    ("Hospital de Coquimbo", -29.9667, -71.3358),
    ("Estadio Francisco Sánchez Rumoroso", -29.9655, -71.3383),
    ("Cruz del Tercer Milenio", -29.9508, -71.3440),
    ("Fuerte Lambert", -29.9350, -71.3361),
    ("La Pampilla", -29.9580, -71.3535),
    ("Playa La Herradura", -29.9832, -71.3526),
    ("Plaza de Tierras Blancas", -29.9600, -71.2560),
]


def facts() -> Facts:
    """Return what the demo city says of itself."""
    return Facts(
        slug=SLUG,
        name=NAME,
        timezone=TIMEZONE,
        currency=CURRENCY,
        locale=LOCALE,
        is_demo=True,
        emergency_phone="133",
    )


def sources(extract: Path) -> Sources:
    """Return what the demo city is loaded from, its streets being in `extract`."""
    return Sources(
        extract=extract,
        sketch=SKETCH,
        centre=Point(*CENTRE),
        districts=tuple(
            District(
                slug=slugify(name),
                name=name,
                boundary={"type": "Polygon", "coordinates": [[*corners, corners[0]]]},
            )
            for name, corners in DISTRICTS.items()
        ),
        landmarks=tuple(landmark(*about) for about in LANDMARKS),
    )
