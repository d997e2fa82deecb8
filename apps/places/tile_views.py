"""The city's map, tile by tile."""

import asyncio

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound

from apps.places import tiles

# The version stands in the address, so a tile at one address never changes.
FOREVER = "public, max-age=31536000, immutable"


async def tile(
    request: HttpRequest, city: str, version: str, z: int, x: int, y: int
) -> HttpResponse:
    """Return one vector tile; 204 where the map is blank, 404 where there is no such map."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    if not (tiles.FIRST_ZOOM <= z <= tiles.LAST_ZOOM and x < 2**z and y < 2**z):
        return _nothing("no such tile")
    try:
        body = await asyncio.to_thread(tiles.read, city=city, version=version, z=z, x=x, y=y)
    except tiles.NoSuchMap:
        return _nothing("no such map")
    headers = {"Cache-Control": FOREVER}
    if body is None:
        return HttpResponse(status=204, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return HttpResponse(body, content_type="application/vnd.mapbox-vector-tile", headers=headers)


def _nothing(why: str) -> HttpResponse:
    # A script asks, dozens at a time: no page with the city's bars, no question to the database.
    return HttpResponseNotFound(why, content_type="text/plain")
