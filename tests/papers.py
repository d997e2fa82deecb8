"""Papers and their pictures, as the tests of several apps need them."""

from datetime import date
from io import BytesIO

from PIL import Image

from apps.kernel.actors import Actor, Kind
from apps.regulation import operations as regulation
from apps.regulation import scans
from apps.regulation.models import Paper, Requirement
from tests.factories import NOON, OFFICER

KINDS = {"licence": "Driving licence", "insurance": "Insurance"}
NEXT_YEAR = date(2028, 4, 30)


def picture(size=(800, 500), colour="teal", form="JPEG", **more) -> bytes:
    file = BytesIO()
    Image.new("RGB", size, colour).save(file, form, **more)
    return file.getvalue()


def scan(**how) -> scans.Scan:
    content = picture(**how)
    return scans.read(BytesIO(content), len(content))


def ask_for(city, *kinds, at=NOON) -> list[Requirement]:
    return [
        regulation.require_paper(
            city_id=city.pk,
            vertical="mobility",
            kind=kind,
            title=KINDS[kind],
            position=place,
            by=OFFICER,
            at=at,
        )
        for place, kind in enumerate(kinds or KINDS)
    ]


def send(user, city, kind="licence", *, expires_on=NEXT_YEAR, at=NOON, **more) -> Paper:
    return regulation.send_paper(
        holder_id=user.pk,
        city_id=city.pk,
        vertical="mobility",
        kind=kind,
        number=more.pop("number", "LIC-1"),
        expires_on=expires_on,
        scan=more.pop("scan", None) or scan(),
        by=Actor(Kind.WORKER, str(user.pk)),
        at=at,
        **more,
    )


def accepted(user, city, kind="licence", *, at=NOON, **more) -> Paper:
    paper = send(user, city, kind, at=at, **more)
    regulation.accept_paper(paper_id=paper.pk, by=OFFICER, at=at)
    paper.refresh_from_db()
    return paper
