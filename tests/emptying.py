"""How a test that commits leaves the database: as it found it.

Django truncates every table after such a test and then writes content types, permissions and
roles anew: with a hundred tables that takes longer than most tests do.  Here only the tables
that have rows are emptied, and the rows that a migrated database begins with are put back only
where a test changed them.
"""

import psycopg
from django.db import connection
from psycopg import sql

from tests import engines

# The schema that remembers the rows a migrated database begins with.
KEPT = "kept"


def table(*name: str) -> sql.Identifier:
    return sql.Identifier(*name)


class Emptying:
    """A connection of the superuser, who alone may do without triggers and foreign keys."""

    def __init__(self) -> None:
        self.tables = connection.introspection.django_table_names(
            only_existing=True, include_views=False
        )
        tables = sql.SQL(", ").join(map(table, self.tables))
        # Waits for whoever still reads or writes, as TRUNCATE does.
        self.lock = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(tables)
        self.superuser = self._connect()
        self.kept = self._with_rows(self.tables)
        self.superuser.execute(sql.SQL("CREATE SCHEMA {}").format(table(KEPT)))
        for name in self.kept:
            self.superuser.execute(
                sql.SQL("CREATE TABLE {} AS TABLE {}").format(table(KEPT, name), table(name))
            )
        self.superuser.commit()
        self.others = [name for name in self.tables if name not in self.kept]

    def _connect(self) -> psycopg.Connection:
        superuser = engines.engines.postgres.connect(
            engines.engines.installation.passwords["database"], engines.DATABASE
        )
        superuser.execute("SET session_replication_role = replica; SET lock_timeout = '60s'")
        superuser.autocommit = False
        return superuser

    def _with_rows(self, names: list[str]) -> list[str]:
        asked = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(name, table(name))
            for name in names
        )
        return [row[0] for row in self.superuser.execute(asked, prepare=True)]

    def _changed(self) -> list[str]:
        """Those whose first rows a test has changed, removed or added to."""
        asked = sql.SQL(" UNION ALL ").join(
            sql.SQL(
                "SELECT {name} WHERE EXISTS (TABLE {now} EXCEPT TABLE {first})"
                " OR EXISTS (TABLE {first} EXCEPT TABLE {now})"
            ).format(name=name, now=table(name), first=table(KEPT, name))
            for name in self.kept
        )
        return [row[0] for row in self.superuser.execute(asked, prepare=True)]

    def empty(self) -> None:
        """Take every row away that was not there before the first test."""
        try:
            self._empty()
        except psycopg.OperationalError:
            # A test may have cut every line, this one too, which notices only now.
            if not self.superuser.broken:
                raise
            self.superuser = self._connect()
            self._empty()

    def _empty(self) -> None:
        with self.superuser.transaction():
            self.superuser.execute(self.lock)
            changed = self._changed()
            for name in self._with_rows(self.others) + changed:
                self.superuser.execute(sql.SQL("DELETE FROM {}").format(table(name)))
            for name in changed:
                self.superuser.execute(
                    sql.SQL("INSERT INTO {} TABLE {}").format(table(name), table(KEPT, name))
                )

    def close(self) -> None:
        self.superuser.close()
