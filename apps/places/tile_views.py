"""The city's map, tile by tile."""

import asyncio

from django.http import Http404, HttpRequest, HttpResponse

from apps.places import tiles

# The version stands in the address, so a tile at one address never changes.
FOREVER = "public, max-age=31536000, immutable"


async def tile(
    request: HttpRequest, city: str, version: str, z: int, x: int, y: int
) -> HttpResponse:
    """Return one vector tile; 204 where the map is blank, 404 where there is no such map."""
    if not (tiles.FIRST_ZOOM <= z <= tiles.LAST_ZOOM and x < 2**z and y < 2**z):
        raise Http404("no such tile")
    if request.method not in {"GET", "HEAD"}:
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    try:
        body = await asyncio.to_thread(tiles.read, city=city, version=version, z=z, x=x, y=y)
    except tiles.NoSuchMap:
        raise Http404("no such map") from None
    headers = {"Cache-Control": FOREVER}
    if body is None:
        return HttpResponse(status=204, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return HttpResponse(body, content_type="application/vnd.mapbox-vector-tile", headers=headers)
