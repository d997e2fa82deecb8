"""A word to the matcher of a city that something has changed which it should look at now."""

from django.db import connection

CHANNEL = "dispatch"


def wake_matcher(city_id: int) -> None:
    """Wake the city's matcher when the present transaction commits, and not if it rolls back.

    A matcher that is not listening misses nothing: it looks once a second anyway.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(city_id)])
