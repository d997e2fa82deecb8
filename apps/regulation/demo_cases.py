"""What the demo shows of the office's work: applications at every step, and complaints."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction
from PIL import Image, ImageDraw

from apps.kernel.actors import Kind
from apps.parties.models import User
from apps.places.demo import Demo
from apps.regulation import operations, scans
from apps.regulation.models import Application, CaseFile, CaseKind

DAY = timedelta(days=1)
RIDES, ROOMS, FOOD = "mobility", "lodging", "food"
# vertical: title, fee, whether it goes back after a refusal, inspected, series
TERMS = {
    RIDES: ("Permiso de transporte de pasajeros", 45_000, False, True, "MOV"),
    ROOMS: ("Permiso de alojamiento", 28_000, True, False, "ALO"),
    FOOD: ("Permiso de venta de alimentos", 0, False, True, "ALI"),
}
# What is asked of applicants: vertical, kind, title, hint.
ASKED = (
    (RIDES, "statutes", "Escritura de la empresa", "Con todas sus modificaciones."),
    (RIDES, "fleet", "Lista de vehículos", "Con patente, año y dueño."),
    (ROOMS, "ownership", "Título o contrato de arriendo", "De la casa en que se aloja."),
    (FOOD, "sanitary", "Resolución sanitaria", "De la autoridad de salud."),
)


def specimen(*lines: str) -> scans.Scan:
    """A picture of a paper that says of itself that it is no real one."""
    card = Image.new("RGB", (1_000, 630), "#eef3f1")
    pen = ImageDraw.Draw(card)
    pen.rectangle((20, 20, 980, 610), outline="#16615b", width=6)
    for place, line in enumerate((*lines, "SPECIMEN")):
        pen.text((70, 80 + 120 * place), line, fill="#141d1c", font_size=54)
    file = BytesIO()
    card.save(file, "JPEG", quality=90)
    return scans.read(file, file.tell())


@dataclass(frozen=True, slots=True)
class Wish:
    """An application of the demo, so many days ago, and how far it has come."""

    provider: str
    vertical: str
    words: str
    days: int
    goes_on: Callable[["Desk", Application], None]


@dataclass(frozen=True, slots=True)
class Desk:
    """Who works on the demo's cases: the applicant, the clerk, and when."""

    demo: Demo
    applicant: User
    clerk: User
    paper: scans.Scan

    def take(self, case: CaseFile, *, days: int) -> None:
        operations.take_case(case_id=case.pk, officer_id=self.clerk.pk, **self._by(days))

    def send(self, case: Application, *kinds: str, days: int, refused: str = "") -> None:
        """Hand these documents in, and accept them; `refused` is said of the last of them."""
        for kind in kinds:
            sent = operations.send_document(
                case_id=case.pk,
                kind=kind,
                scan=self.paper,
                person_id=self.applicant.pk,
                by=self.applicant.acting(Kind.PROVIDER),
                at=self.demo.at - days * DAY,
            )
            operations.check_document(
                document_id=sent.pk,
                reason=refused if kind == kinds[-1] else "",
                officer_id=self.clerk.pk,
                **self._by(days),
            )

    def pay(self, case: Application, *, days: int) -> None:
        operations.note_fee_paid(
            case_id=case.pk,
            payment=f"CAJA-{case.case.number}",
            reason="En efectivo, en el mesón.",
            person_id=self.clerk.pk,
            **self._by(days),
        )

    def decide(self, case: Application, outcome: str, words: str, *, days: int) -> None:
        operations.decide_application(
            case_id=case.pk,
            officer_id=self.clerk.pk,
            outcome=outcome,
            words=words,
            **self._by(days),
        )

    def _by(self, days: int) -> dict[str, Any]:
        return {"by": self.clerk.acting(Kind.OFFICER), "at": self.demo.at - days * DAY}


def _is_new(desk: Desk, wish: Application) -> None:
    """Nobody has taken it, and nothing was sent yet."""


def _waits_for_papers(desk: Desk, wish: Application) -> None:
    desk.take(wish.case, days=8)
    desk.send(wish, "statutes", "fleet", days=6, refused="Falta el año de dos furgones.")
    operations.ask_for_statement(
        key=uuid5(wish.case.ref, "asked"),
        case_id=wish.pk,
        words="¿Cuántos de los furgones tienen rampa?",
        seen_by="opener",
        officer_id=desk.clerk.pk,
        by=desk.clerk.acting(Kind.OFFICER),
        at=desk.demo.at - 5 * DAY,
    )


def _owes_the_fee(desk: Desk, wish: Application) -> None:
    desk.take(wish.case, days=4)
    desk.send(wish, "ownership", days=3)


def _is_inspected_soon(desk: Desk, wish: Application) -> None:
    desk.take(wish.case, days=15)
    desk.send(wish, "statutes", "fleet", days=12)
    desk.pay(wish, days=10)
    operations.set_inspection(
        case_id=wish.pk,
        moment=desk.demo.at + 2 * DAY,
        officer_id=desk.clerk.pk,
        by=desk.clerk.acting(Kind.OFFICER),
        at=desk.demo.at - 2 * DAY,
    )


def _is_granted(desk: Desk, wish: Application) -> None:
    desk.take(wish.case, days=30)
    desk.send(wish, "ownership", days=28)
    desk.pay(wish, days=27)
    desk.decide(wish, "granted", "Todo está en orden. Bienvenida.", days=25)


def _is_refused_and_contested(desk: Desk, wish: Application) -> None:
    desk.take(wish.case, days=20)
    desk.send(wish, "sanitary", days=18)
    desk.decide(wish, "refused", "El carro quedaría frente a la salida de emergencia.", days=12)
    operations.appeal_case(
        ref=wish.case.ref,
        person_id=desk.applicant.pk,
        words="Movemos el carro diez metros hacia la plaza. Adjunto el plano.",
        scan=desk.paper,
        by=desk.applicant.acting(Kind.PROVIDER),
        at=desk.demo.at - 3 * DAY,
    )


WISHES = (
    Wish("Radiotaxis Tapia", RIDES, "Seis autos en Las Compañías.", 1, _is_new),
    Wish("Furgones del Valle", RIDES, "Ocho furgones, tres con rampa.", 9, _waits_for_papers),
    Wish("Hostal El Faro", ROOMS, "Cuatro piezas a dos cuadras del faro.", 6, _owes_the_fee),
    Wish("Transportes Peñuelas", RIDES, "Doce autos eléctricos.", 16, _is_inspected_soon),
    Wish("Casa Recova", ROOMS, "Dos piezas junto a La Recova.", 31, _is_granted),
    Wish("Carro La Papaya", FOOD, "Jugos y papayas en la plaza.", 21, _is_refused_and_contested),
)
# Of whom, what, in which words, how many days ago, and whether the clerk has it.
COMPLAINTS = (
    ("Hostal El Faro", "Ruido toda la noche", "La música siguió hasta las tres.", 40, True),
    ("Carro La Papaya", "Sin precios a la vista", "No hay lista de precios en el carro.", 4, False),
)


@transaction.atomic
def seed(demo: Demo, officer: User) -> None:
    """Nothing that is there is done again.  The clerk works on them; without one, the officer."""
    clerk = User.objects.filter(email__startswith="javiera@", is_staff=True).first() or officer
    for vertical, (title, fee, goes_back, inspected, series) in TERMS.items():
        operations.set_permit_terms(
            city_id=demo.city.pk,
            vertical=vertical,
            title=title,
            fee_minor=fee,
            fee_is_refundable=goes_back,
            months=12,
            needs_inspection=inspected,
            series=series,
            by=officer.acting(Kind.OFFICER),
            at=demo.at,
        )
    if CaseFile.objects.filter(ref=_key(demo, WISHES[-1].provider)).exists():
        demo.person("Lorena Tapia", "permit applicant", language="es")
        return
    for position, (vertical, kind, title, hint) in enumerate(ASKED):
        operations.require_paper(
            city_id=demo.city.pk,
            vertical=vertical,
            kind=kind,
            title=title,
            hint=hint,
            asked_of="provider",
            position=position,
            by=officer.acting(Kind.OFFICER),
            at=demo.at,
        )
    lorena = demo.person("Lorena Tapia", "permit applicant", language="es")
    desk = Desk(demo, lorena, clerk, specimen("Documento de muestra", lorena.name))
    for wish in WISHES:
        made = operations.apply_for_permit(
            key=_key(demo, wish.provider),
            city_id=demo.city.pk,
            vertical=wish.vertical,
            provider_id=demo.provider(wish.provider, lorena).pk,
            words=wish.words,
            person_id=lorena.pk,
            by=lorena.acting(Kind.PROVIDER),
            at=demo.at - wish.days * DAY,
        )
        wish.goes_on(desk, made)
    _complain(desk)
    _inspect(desk)


def _complain(desk: Desk) -> None:
    demo = desk.demo
    camila = demo.person("Camila Rojas", "citizen")
    for name, title, words, days, is_taken in COMPLAINTS:
        provider = demo.provider(name, desk.applicant)
        case = operations.open_case(
            key=_key(demo, title),
            city_id=demo.city.pk,
            kind=CaseKind.COMPLAINT,
            about_kind=CaseFile.About.PROVIDER,
            about=str(provider.ref),
            title=title,
            words=words,
            opened_by_id=camila.pk,
            provider_id=provider.pk,
            by=camila.acting(Kind.CONSUMER),
            at=demo.at - days * DAY,
        )
        if is_taken:
            desk.take(case, days=days - 2)


def _inspect(desk: Desk) -> None:
    demo = desk.demo
    provider = demo.provider("Casa Recova", desk.applicant)
    case = operations.open_case(
        key=_key(demo, "inspection"),
        city_id=demo.city.pk,
        kind=CaseKind.INSPECTION,
        about_kind=CaseFile.About.PROVIDER,
        about=str(provider.ref),
        title="Salidas de emergencia",
        words="Visita anunciada: extintores y salidas.",
        opened_by_id=desk.clerk.pk,
        provider_id=provider.pk,
        vertical=ROOMS,
        seen_by="provider",
        by=desk.clerk.acting(Kind.OFFICER),
        at=demo.at - 6 * DAY,
    )
    desk.take(case, days=6)


def _key(demo: Demo, name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"{demo.city.slug}/cases/{name}")
