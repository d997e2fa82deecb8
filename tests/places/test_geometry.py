import math

import pytest

from apps.places import geometry
from apps.places.geometry import Point

PLAZA = Point(lat=-29.9027, lon=-71.2513)
FARO = Point(lat=-29.9056, lon=-71.2738)
SQUARE = {
    "type": "Polygon",
    "coordinates": [
        [[-71.3, -29.9], [-71.2, -29.9], [-71.2, -29.8], [-71.3, -29.8], [-71.3, -29.9]]
    ],
}


def test_a_point_is_read_as_it_is_written():
    assert Point.parse("-29.9027,-71.2513") == PLAZA
    assert Point.parse(" -29.9027 , -71.2513 ") == PLAZA
    assert Point.parse(str(PLAZA)) == PLAZA
    assert PLAZA.lon_lat == (-71.2513, -29.9027)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "1",
        "1,",
        "a,b",
        "1,2,3",
        "nan,0",
        "0,nan",
        "inf,0",
        "91,0",
        "0,181",
        "1;2",
        "1" * 999,
    ],
)
def test_what_is_no_point_is_refused(text):
    with pytest.raises(ValueError, match="is not a point written as lat,lon"):
        Point.parse(text)


def test_a_point_off_the_earth_is_refused():
    with pytest.raises(ValueError, match="latitude 90.5"):
        Point(lat=90.5, lon=0)
    with pytest.raises(ValueError, match="longitude nan"):
        Point(lat=0, lon=math.nan)


def test_distances_are_great_circles_in_metres():
    assert geometry.metres_between(PLAZA, PLAZA) == 0
    # A degree of a great circle is the radius times pi / 180.
    one_degree = geometry.metres_between(Point(0, 0), Point(1, 0))
    assert one_degree == pytest.approx(111_195.08, abs=0.01)
    assert geometry.metres_between(PLAZA, FARO) == pytest.approx(2192.6, abs=0.1)
    antipodes = geometry.metres_between(Point(0, 0), Point(0, 180))
    assert antipodes == pytest.approx(math.pi * geometry.EARTH_RADIUS_METRES)


def test_a_point_lies_in_a_cell_that_fits_the_database():
    assert geometry.cell(PLAZA) == 0x89B21919DABFFFF < 2**63
    assert geometry.cell(geometry.cell_centre(geometry.cell(PLAZA))) == geometry.cell(PLAZA)
    assert len(geometry.cells_around(PLAZA, rings=2)) == 19


def test_every_point_of_an_area_lies_in_a_cell_of_its_cover():
    cover = set(geometry.cells_covering(SQUARE))
    corners_and_middle = [(-29.9, -71.3), (-29.8, -71.2), (-29.85, -71.25), (-29.8999, -71.2001)]
    for lat, lon in corners_and_middle:
        assert geometry.cell(Point(lat, lon)) in cover


def test_inside_outside_and_on_the_edge():
    assert geometry.contains(SQUARE, Point(-29.85, -71.25))
    assert geometry.contains(SQUARE, Point(-29.9, -71.25))
    assert not geometry.contains(SQUARE, Point(-29.91, -71.25))
    assert geometry.inside(SQUARE, [Point(-29.85, -71.25), Point(0, 0)]) == [True, False]


def test_an_area_less_another_is_what_is_left():
    half = {
        "type": "Polygon",
        "coordinates": [
            [[-71.3, -29.9], [-71.25, -29.9], [-71.25, -29.8], [-71.3, -29.8], [-71.3, -29.9]]
        ],
    }
    rest = geometry.without(SQUARE, [half])
    assert geometry.bounds(rest) == (-71.25, -29.9, -71.2, -29.8)
    with pytest.raises(ValueError, match="no polygon"):
        geometry.without(half, [SQUARE])


def test_features_and_collections_become_one_multipolygon():
    feature = {"type": "Feature", "properties": {}, "geometry": SQUARE}
    collection = {"type": "FeatureCollection", "features": [feature, feature]}
    plain = geometry.multipolygon(SQUARE)
    assert plain["type"] == "MultiPolygon"
    assert len(plain["coordinates"]) == 1
    assert geometry.bounds(geometry.multipolygon(collection)) == geometry.bounds(plain)


@pytest.mark.parametrize(
    "area",
    [
        {},
        [],
        {"type": "Feature"},
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": "x"},
        {"type": "Polygon", "coordinates": [[[1, 2]]]},
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "FeatureCollection", "features": []},
    ],
)
def test_what_holds_no_area_is_refused(area):
    with pytest.raises(ValueError):  # noqa: PT011
        geometry.multipolygon(area)


def test_a_hull_holds_its_points_with_a_margin():
    hull = geometry.hull([PLAZA, FARO])
    assert geometry.contains(hull, PLAZA)
    beside = Point(lat=PLAZA.lat + 200 / 111_195, lon=PLAZA.lon)
    beyond = Point(lat=PLAZA.lat + 260 / 111_195, lon=PLAZA.lon)
    assert geometry.contains(hull, beside)
    assert not geometry.contains(hull, beyond)
    with pytest.raises(ValueError, match="no points"):
        geometry.hull([])
