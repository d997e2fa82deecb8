"""The city's edge and its zones as MDS tells geographies."""

from typing import Any

from apps.mobility.mds.policies import stamp
from apps.places.geographies import Geography
from apps.places.models import Zone

# In the words that the specification recommends.
TYPES = {"": "municipal_boundary", Zone.Kind.DISTRICT: "neighborhood"}
OTHER = "policy_zone"


def told(one: Geography) -> dict[str, Any]:
    """One edge, as long as it was drawn so: it never changes, another takes its place."""
    document: dict[str, Any] = {
        "geography_id": str(one.ref),
        "geography_type": TYPES.get(one.kind, OTHER),
        "name": one.name,
        "published_date": stamp(one.drawn_at),
        "effective_date": stamp(one.drawn_at),
        "geography_json": {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {"name": one.name, "slug": one.slug},
                    "geometry": one.boundary,
                }
            ],
        },
    }
    if one.retired_at:
        document["retire_date"] = stamp(one.retired_at)
    if one.replaces:
        document["prev_geographies"] = [str(one.replaces)]
    return document
