"""Which transaction wrote a row, and which transactions are over."""

from typing import Any

from django.db import connection, models
from django.db.models import Func


class WrittenBy(Func):
    """The number of the transaction that runs this."""

    function = "pg_current_xact_id"


class TransactionField(models.Field):  # type: ignore[type-arg]  # generic in the stubs only
    """The transaction that wrote the row: 64 bits that never come round again (`xid8`).

    Physical copies of the database keep counting.  After a restore from a dump, the counter of
    the new cluster must be raised above the old one, or rows seem older than they are.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"db_default": WrittenBy(), "editable": False}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["db_default"], kwargs["editable"]
        return name, path, args, kwargs

    def db_type(self, connection: Any) -> str:
        return "xid8"

    def get_prep_value(self, value: Any) -> Any:
        return str(value) if isinstance(value, int) else super().get_prep_value(value)

    def from_db_value(self, value: Any, *_: Any) -> int | None:
        return None if value is None else int(value)


def horizon() -> int:
    """The oldest transaction still open.  Whatever was written before it stands for good."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        return int(cursor.fetchone()[0])
