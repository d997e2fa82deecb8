"""The mark by which every process sees that what is in force has changed."""

from django.db import connection, transaction

from apps.regulation import in_force

NEW_EDITION = """
INSERT INTO regulation_edition (id, stamp) VALUES (1, gen_random_uuid())
ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp
"""


def new_edition() -> None:
    """Tell every process that what is in force has changed, once it has."""
    with connection.cursor() as cursor:
        cursor.execute(NEW_EDITION)
    transaction.on_commit(in_force.forget)
