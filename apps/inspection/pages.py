"""What an inspection shows, page by page: what the person sees of it in the city's own pages.

Every page is built of plain cells and names what it shows; what is not built here is not shown:
no codes, keys, shared links, scans or cards of anybody else, and no form at all.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.inspection.masking import Cell, Name, Own, Page, Place, Row, Table, Words
from apps.inspection.models import Inspection
from apps.inspection.queries import Reach, orders_of
from apps.kernel import clock, formats
from apps.orders import verticals
from apps.orders.charging import charged_lines
from apps.orders.models import Order
from apps.parties.models import Joining, Provider, User
from apps.parties.queries import providers_of
from apps.payments.models import Payment
from apps.places.models import City
from apps.pricing import words
from apps.regulation.models import Paper, Permit
from apps.regulation.queries_cases import cases_of, cases_told_to
from apps.settlement import queries as settlement
from apps.settlement import words as settled
from apps.settlement.models import Payout

# Few enough that the line of the look names each of them.
ORDERS = 10
LINES = 100


class NotHere(Exception):
    """There is no such thing of the inspected person or provider within the officer's reach."""


def overview(inspection: Inspection, reach: Reach) -> Page:
    """Who it is, and how much there is to look at."""
    person, provider = inspection.person, inspection.provider
    orders = orders_of(inspection, reach)
    counted = [(_("Orders that can be seen"), str(orders.count()))]
    if person is not None:
        team = [
            (str(one.provider), one.get_role_display())
            for one in person.memberships.select_related("provider").order_by("provider__name")
        ]
        worker = getattr(person, "worker", None)
        facts: list[tuple[str, Cell]] = [
            (_("Name"), Own(person.name)),
            (_("E-mail"), Own(person.email)),
            (_("Phone"), Own(person.phone)),
            (_("Language"), person.get_language_display()),
            (_("Account since"), _day(person.date_joined)),
            (_("Works for"), str(worker.provider) if worker else ""),
            *[(role[:1].upper() + role[1:], name) for name, role in team],
            *counted,
        ]
        return Page(str(_("Person")), "parties.user", str(person.pk), _said(facts))
    assert provider is not None
    members = provider.memberships.select_related("user").order_by("pk")
    workers = provider.workers.select_related("user").order_by("pk")
    facts = [
        (_("Name"), Own(provider.name)),
        (_("Tax number"), Own(provider.tax_id)),
        (_("Identity check"), provider.get_kyc_display()),
        (_("Since"), _day(provider.created_at)),
        *counted,
    ]
    team_rows = [Row((Name(one.user), one.get_role_display())) for one in members]
    work_rows = [
        Row((Name(one.user), _("active") if one.is_active else _("not active"))) for one in workers
    ]
    heads = (_("Who"), _("Part"))
    tables = [Table(_("Team"), heads, team_rows), Table(_("Who works for it"), heads, work_rows)]
    return Page(str(_("Provider")), "parties.provider", str(provider.pk), _said(facts), tables)


def orders(inspection: Inspection, reach: Reach, number: str | None) -> Page:
    """What was ordered or done, the newest first, a few at a time."""
    found = Paginator(orders_of(inspection, reach).order_by("-placed_at", "-pk"), ORDERS)
    page = found.get_page(number)
    rows = [_order_row(order, inspection) for order in page]
    heads = (_("Reference"), _("Asked for"), _("What"), _("Part"), _("How it stands"), _("Price"))
    return Page(
        str(_("Orders")),
        "orders.order",
        " ".join(order.code for order in page) or "0",
        tables=[Table(_("Orders"), heads, rows, _("No orders."))],
        others=[one for order in page for one in _people(order)],
        pages=found.num_pages,
        number=page.number,
    )


def order(inspection: Inspection, reach: Reach, ref: UUID) -> Page:
    """One order as its receipt tells it.  Raises `NotHere`."""
    found = orders_of(inspection, reach).filter(ref=ref).first()
    if found is None:
        raise NotHere
    vertical, city = verticals.get(found.vertical), found.city
    sum_of = partial(_sum, currency=found.currency)
    lines = charged_lines(found)
    facts: list[tuple[str, Cell]] = [
        (_("Reference"), found.code),
        (_("What"), str(vertical.title)),
        (_("From and to"), _summary(found, inspection)),
        (_("How it stands"), str(vertical.stages.get(found.stage, found.stage))),
        (_("Asked for"), _when(found.placed_at, city)),
        (_("Asked by"), Name(found.consumer)),
        (_("Done by"), Name(found.worker.user if found.worker else None)),
        (_("Provider"), str(found.provider or "")),
        (_("To pay"), sum_of(found.total_minor)),
        (_("Paid"), "" if found.charged_minor is None else sum_of(found.charged_minor)),
        (_("Paid with"), _paid_with(found, inspection)),
    ]
    priced = [
        Row((one["label"], sum_of(one["minor"]))) for one in words.lines_of(lines, found.currency)
    ]
    shares = words.shares_of(lines)
    if lines:
        priced.append(Row((_("Of it for whoever did it"), sum_of(shares["provider"]))))
    steps = [
        Row((str(vertical.stages.get(step.stage, step.stage)), _when(step.taken_at, city)))
        for step in found.steps.order_by("pk")
    ]
    changes = [
        Row(
            (
                _when(one.answered_at, city),
                f"{sum_of(one.before.total_minor)} → {sum_of(one.after.total_minor)}",
            )
        )
        for one in found.changes.filter(state="AGREED")
        .select_related("before", "after")
        .order_by("number")
    ]
    tables = [
        Table(_("How the price is made"), (_("What for"), _("Sum")), priced, _("Nothing to pay.")),
        Table(_("How it went"), (_("Step"), _("When")), steps),
    ]
    if changes:
        tables.append(Table(_("Changes"), (_("When"), _("Before and since")), changes))
    return Page(found.code, "orders.order", found.code, _said(facts), tables, _people(found))


def papers(inspection: Inspection, reach: Reach) -> Page:
    """Permits, papers that were sent, applications and cases, and how each of them stands."""
    at, person = clock.now(), inspection.person
    permits = Permit.objects.select_related("provider").order_by("provider__name", "-pk")
    permits = permits.filter(provider__in=_providers(inspection, "operate_provider"))
    # As its sides see them: what the office has not told a provider is not theirs yet.
    cases = cases_of(person) if person is not None else cases_told_to(inspection.provider_id or 0)
    if not reach.everywhere:
        seen = orders_of(inspection, reach).values("provider")
        permits = permits.filter(provider__in=seen)
        # A case belongs to no district.
        cases = cases.none()
    states = {
        "holds": _("holds"),
        "ends_soon": _("ends soon"),
        "begins": _("begins later"),
        "over": _("over"),
        "suspended": _("suspended"),
        "revoked": _("revoked"),
    }
    permit_rows = [
        Row(
            (
                one.number,
                str(one.provider),
                _range(one.valid),
                states[one.state_at(at)],
                _because(one),
            )
        )
        for one in permits
    ]
    case_rows = [
        Row(
            (
                one.number,
                one.get_kind_display(),
                one.get_state_display(),
                _day(one.opened_at),
            )
        )
        for one in cases
    ]
    tables = [
        Table(
            _("Permits"),
            (_("Number"), _("Provider"), _("Valid"), _("How it stands"), _("Why")),
            permit_rows,
            _("No permits."),
        ),
        *(_papers_of(person) if person is not None else []),
        Table(
            _("Cases"),
            (_("Number"), _("Kind"), _("How it stands"), _("Opened")),
            case_rows,
            _("No cases."),
        ),
    ]
    sent = _sent_by(person) if person is not None else []
    shown = [
        *(one.number for one in permits),
        *(one.requirement.kind for one in sent),
        *(one.number for one in cases),
    ]
    return Page(
        str(_("Permits and papers")), "regulation.permit", " ".join(shown) or "0", tables=tables
    )


def _sent_by(person: User) -> QuerySet[Paper]:
    """The papers that somebody sent, the newest first."""
    return Paper.objects.filter(holder=person).select_related("requirement").order_by("-pk")


def _papers_of(person: User) -> list[Table]:
    asked = Joining.objects.filter(user=person).select_related("provider").order_by("-pk")
    return [
        Table(
            _("Papers"),
            (_("Paper"), _("Number"), _("Valid through"), _("How it stands"), _("Why not")),
            [
                Row(
                    (
                        one.requirement.title,
                        Own(one.number),
                        str(one.expires_on),
                        one.get_state_display(),
                        Words(one.reason),
                    )
                )
                for one in _sent_by(person)
            ],
            _("No papers."),
        ),
        Table(
            _("Applications to work"),
            (_("With whom"), _("How it stands"), _("Why not")),
            [
                Row((str(one.provider or one.business), one.get_state_display(), Words(one.reason)))
                for one in asked
            ],
            _("No applications."),
        ),
    ]


def earnings(inspection: Inspection, number: str | None) -> Page:
    """What grows and what was paid out.  A payout covers every district, and so this page, too."""
    providers = _providers(inspection, "see_provider_money")
    growing = [
        Row((str(provider), _sum(one.amount.minor, one.amount.currency), str(one.day or "")))
        for provider in providers
        for one in settlement.next_payouts(provider, clock.now())
    ]
    payouts = Payout.objects.filter(provider__in=providers).select_related("provider")
    found = Paginator(payouts.order_by("-day", "-pk"), ORDERS)
    page = found.get_page(number)
    rows = [
        Row(
            (
                str(one.day),
                str(one.provider),
                _sum(one.amount_minor, one.currency),
                str(settled.STATES[one.state]),
            ),
            reverse("inspection:payout", args=[one.ref]),
        )
        for one in page
    ]
    sums = (_("Provider"), _("Sum"), _("Paid on"))
    heads = (_("Day"), _("Provider"), _("Sum"), _("How it stands"))
    return Page(
        str(_("Earnings")),
        "settlement.payout",
        " ".join(str(one.day) for one in page)[:100] or "0",
        tables=[
            Table(_("Next payout"), sums, growing, _("Nothing is booked.")),
            Table(_("Payouts"), heads, rows, _("No payouts.")),
        ],
        pages=found.num_pages,
        number=page.number,
    )


def payout(inspection: Inspection, ref: UUID, number: str | None) -> Page:
    """One payout, line by line.  Raises `NotHere`."""
    providers = _providers(inspection, "see_provider_money")
    found = (
        Payout.objects.filter(ref=ref, provider__in=providers).select_related("provider").first()
    )
    if found is None:
        raise NotHere
    paged = Paginator(settlement.entries_of(found), LINES)
    page = paged.get_page(number)
    rows = []
    for line in settlement.lines(list(page.object_list)):
        about = line.order
        what: Cell = settled.kind_of(line.kind)
        if about is not None:
            what = Place(verticals.get(about.vertical).summary(about))
        code = about.code if about else ""
        rows.append(
            Row((_day(line.booked_at), what, code, _sum(line.amount.minor, found.currency)))
        )
    facts: list[tuple[str, Cell]] = [
        (_("Provider"), str(found.provider)),
        (_("Day"), str(found.day)),
        (_("Sum"), _sum(found.amount_minor, found.currency)),
        (_("How it stands"), str(settled.STATES[found.state])),
    ]
    heads = (_("Day"), _("What"), _("Reference"), _("Sum"))
    return Page(
        str(_("Payout")),
        "settlement.payout",
        str(found.day),
        facts,
        [Table(_("Lines"), heads, rows, _("Nothing is booked."))],
        pages=paged.num_pages,
        number=page.number,
    )


def _providers(inspection: Inspection, leave: str) -> QuerySet[Provider]:
    """The provider that is inspected, or those for which the person has this leave."""
    if inspection.person is not None:
        return providers_of(inspection.person, leave)
    assert inspection.provider is not None
    return Provider.objects.filter(pk=inspection.provider.pk)


def _order_row(order: Order, inspection: Inspection) -> Row:
    vertical = verticals.get(order.vertical)
    charged = order.total_minor if order.charged_minor is None else order.charged_minor
    part = _("asked for it") if order.consumer_id == inspection.person_id else _("did it")
    cells: Sequence[Cell] = (
        order.code,
        _when(order.placed_at, order.city),
        _summary(order, inspection),
        part,
        str(vertical.stages.get(order.stage, order.stage)),
        _sum(charged, order.currency),
    )
    return Row(cells, reverse("inspection:order", args=[order.ref]))


def _summary(order: Order, inspection: Inspection) -> Cell:
    """Where it went: to the door only for whoever asked for it."""
    said = verticals.get(order.vertical).summary(order)
    return Own(said) if order.consumer_id == inspection.person_id else Place(said)


def _paid_with(order: Order, inspection: Inspection) -> Cell:
    """As the receipt says it: the card only to whoever paid with it."""
    payment = Payment.objects.filter(holder=order.basket.ref).select_related("card").first()
    if payment is None:
        return ""
    if payment.method == Payment.Method.CASH:
        return _("in cash")
    if order.consumer_id != inspection.person_id:
        return _("by card")
    return Own(str(payment.card or _("by card")))


def _people(order: Order) -> list[Any]:
    return [order.consumer, order.worker.user if order.worker else None]


def _said(facts: Sequence[tuple[str, Cell]]) -> list[tuple[str, Cell]]:
    """Only the facts of which there is something to say."""
    return [
        (label, cell)
        for label, cell in facts
        if (cell.user is not None if isinstance(cell, Name) else cell)
    ]


def _because(permit: Permit) -> Cell:
    return permit.reason or permit.suspended_for


def _sum(minor: int, currency: str) -> str:
    return formats.money(minor, currency, language=get_language() or "en")


def _when(moment: datetime | None, city: City) -> str:
    return f"{city.now(moment):%Y-%m-%d %H:%M}" if moment else ""


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _range(valid: Any) -> str:
    ends = [f"{one:%Y-%m-%d}" if one else "" for one in (valid.lower, valid.upper)]
    return " – ".join(ends).strip()
