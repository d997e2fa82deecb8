"""Row locks, taken one way everywhere.

Lock order, first to last:  order, allowance, unit, claim, job, run, payment, account.
Whoever needs several rows of one kind takes them in ascending primary key.
"""

from typing import Self

from django.db import models


class LockableQuerySet[Row: models.Model](models.QuerySet[Row]):
    def locked(self) -> Self:
        """Lock the rows for writing.

        NO KEY, because nobody changes primary keys: other transactions may still
        insert rows that point here.
        """
        return self.select_for_update(of=("self",), no_key=True).order_by("pk")
