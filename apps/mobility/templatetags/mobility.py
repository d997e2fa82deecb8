from typing import Any

from django import template

from apps.mobility.models import Ride

register = template.Library()


@register.simple_tag
def trip_data(ride: Ride) -> dict[str, Any]:
    """The way, both ends and the stops of a ride, as the map's script reads them."""
    return {
        "line": ride.line,
        "start": {"lat": ride.pickup_lat, "lon": ride.pickup_lon, "name": ride.pickup_name},
        "stops": ride.stops,
        "end": {"lat": ride.dropoff_lat, "lon": ride.dropoff_lon, "name": ride.dropoff_name},
    }
