"""A word to the matcher of a city that something has changed which it should look at now."""

from functools import partial

from django.db import connection, transaction

CHANNEL = "dispatch"


def wake_matcher(city_id: int) -> None:
    """Wake the city's matcher once the present transaction has committed.

    After the commit, not in it: NOTIFY holds a lock over the whole server until its transaction
    is on disk.  A word that is lost costs a second: the matcher looks by itself, too.
    """
    transaction.on_commit(partial(_notify, city_id), robust=True)


def _notify(city_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(city_id)])
