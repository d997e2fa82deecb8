"""A city's existing permits, brought in from a table: all of them or none."""

import hashlib
from datetime import datetime

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.parties.models import Provider
from apps.places.models import City
from apps.regulation import permit_sheet
from apps.regulation.models import Permit
from apps.regulation.operations.permits import NumberTaken, PermitOverlaps, grant_permit
from apps.regulation.permit_sheet import NEW, WRONG, Row


@transaction.atomic
def import_permits(
    *, city_id: int, content: bytes, is_dry_run: bool, by: Actor, at: datetime
) -> list[Row]:
    """Grant every permit of a table, or say what is wrong with which line and grant none.

    A permit that is there already is left as it is, so that the same table again does nothing.  A
    dry run grants and takes back, so that it finds what the real one would.  Raises
    `permit_sheet.BadSheet` where the file is no table.
    """
    city = City.objects.get(pk=city_id)
    rows = permit_sheet.read(content, city.zone_info)
    holders = _holders(rows)
    done = [_grant(row, holders, by, at) for row in rows]
    if is_dry_run or any(row.result == WRONG for row in done):
        transaction.set_rollback(True)
    elif new := sum(row.result == NEW for row in done):
        digest = hashlib.sha256(content).hexdigest()
        bus.publish(
            "regulation.permits_imported", by=by, at=at, city=city_id, count=new, digest=digest
        )
    return done


def _holders(rows: list[Row]) -> dict[str, list[int]]:
    """The providers of a table, by their tax number and by their name."""
    found: dict[str, list[int]] = {}
    taxed = Provider.objects.filter(tax_id__in={row.tax_id for row in rows if row.tax_id})
    for pk, tax_id in taxed.order_by("pk").values_list("pk", "tax_id"):
        found.setdefault(f"tax:{tax_id}", []).append(pk)
    named = Provider.objects.filter(name__in={row.provider for row in rows})
    for pk, name in named.order_by("pk").values_list("pk", "name"):
        found.setdefault(f"name:{name}", []).append(pk)
    return found


def _grant(row: Row, holders: dict[str, list[int]], by: Actor, at: datetime) -> Row:
    if row.result == WRONG:
        return row
    mine = holders.get(f"tax:{row.tax_id}" if row.tax_id else f"name:{row.provider}", [])
    if len(mine) != 1:
        return row.wrong(
            permit_sheet.words("two_providers") if mine else permit_sheet.words("no_provider")
        )
    assert row.valid_from is not None
    is_known = Permit.objects.filter(number=row.number).exists()
    try:
        with transaction.atomic():
            grant_permit(
                provider_id=mine[0],
                vertical=row.vertical,
                number=row.number,
                valid_from=row.valid_from,
                valid_until=row.valid_until,
                conditions=row.conditions,
                by=by,
                at=at,
            )
    except NumberTaken:
        return row.wrong(permit_sheet.words("number_taken"))
    except PermitOverlaps:
        return row.wrong(permit_sheet.words("overlaps"))
    return row.known() if is_known else row
