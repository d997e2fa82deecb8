"""A dry run as an officer reads it: sentences first, then figures, then what they cannot say."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from apps.insight.models import DryRun
from apps.insight.trying.tally import EDGES, SIDES
from apps.kernel import formats
from apps.places.models import Zone
from apps.regulation.rules import Cap, Limit

PAYEES: dict[str, str | Promise] = {
    "people": gettext_lazy("What people pay"),
    "drivers": gettext_lazy("What drivers get"),
    "platform": gettext_lazy("What the platform gets"),
    "city": gettext_lazy("What the city gets, less what it pays"),
    "tax": gettext_lazy("What the tax office gets"),
}
DARKEST = 5


@dataclass(frozen=True, slots=True)
class Sum:
    """Money of one side: as it was, what is gone with refused rides, what other prices change."""

    label: str | Promise
    was: int
    refused: int
    prices: int

    @property
    def change(self) -> int:
        return self.refused + self.prices

    @property
    def would(self) -> int:
        return self.was + self.change


@dataclass(frozen=True, slots=True)
class District:
    """One row of the table; the map is tinted by its step."""

    slug: str
    name: str
    orders: int
    refused: int
    dearer: int
    cheaper: int
    sums: Sequence[Sum]
    waits: dict[str, Any]
    step: int = 1

    @property
    def people(self) -> Sum:
        return self.sums[0]

    @property
    def drivers(self) -> Sum:
        return self.sums[1]

    @property
    def city(self) -> Sum:
        return self.sums[3]


def told(run: DryRun) -> dict[str, Any]:
    """All that the page of a run that is done shows."""
    result: dict[str, Any] = run.result or {}
    rows = districts(result)
    top = max(result["bars"], default=0) or 1
    zones = Zone.objects.filter(city=run.version.policy.city, slug__in=[one.slug for one in rows])
    by_slug = {one.slug: one for one in rows}
    return {
        "result": result,
        "sentences": sentences(result),
        "limits": limits(run, result),
        "sums": sums(result),
        "districts": rows,
        "bars": [
            {"label": label, "count": count, "share": round(100 * count / top)}
            for label, count in zip(bar_labels(), result["bars"], strict=True)
        ],
        "has_bars": any(result["bars"]),
        "samples": [
            {"code": ref[:8], "url": reverse("admin:orders_order_change", args=[pk]), "at": at,
             "district": name_of(result, slug)}
            for ref, pk, at, slug in result["samples"]
        ],
        "by_refusals": bool(result["refused"]),
        "shapes": {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "geometry": zone.boundary,
                 "properties": {"slug": zone.slug, "step": by_slug[zone.slug].step}}
                for zone in zones.order_by("slug")
            ],
        },
    }  # fmt: skip


def sums(of: dict[str, Any]) -> list[Sum]:
    """The money of the city, or of one district, side by side."""
    return [Sum(PAYEES[side], **of["money"][side]) for side in SIDES]


def districts(result: dict[str, Any]) -> list[District]:
    """Those with orders, the most refused first, then the most changed."""
    by_refusals = bool(result["refused"])
    tints = [_tint(one, by_refusals=by_refusals) for one in result["districts"]]
    top = max(tints, default=0)
    found = [
        District(
            slug=one["slug"],
            name=name_of(result, one["slug"]),
            orders=one["orders"],
            refused=one["refused"],
            dearer=one["dearer"],
            cheaper=one["cheaper"],
            sums=sums(one),
            waits=one["waits"],
            step=1 + round((DARKEST - 1) * tint / top) if top else 1,
        )
        for one, tint in zip(result["districts"], tints, strict=True)
    ]
    return sorted(found, key=lambda one: (-one.refused, -abs(one.people.change), one.name))


def _tint(one: dict[str, Any], *, by_refusals: bool) -> float:
    """What a district is tinted by: the share that is refused, else the change of an order."""
    if by_refusals:
        return float(one["refused"] / one["orders"])
    return float(abs(one["money"]["people"]["prices"]) / one["orders"])


def name_of(result: dict[str, Any], slug: str) -> str:
    return str(result["names"].get(slug) or _("Outside the districts"))


def sentences(result: dict[str, Any]) -> list[str]:
    """The headlines, in plain words."""
    orders, refused = result["orders"], result["refused"]
    if not result["rows"]:
        return [_("No ride was ordered in this time, so nothing can be said.")]
    said = [
        ngettext(
            "Of %(orders)s order, %(refused)s would have been refused (%(share)s).",
            "Of %(orders)s orders, %(refused)s would have been refused (%(share)s).",
            orders,
        )
        % {"orders": number(orders), "refused": number(refused), "share": _share(refused, orders)}
    ]
    if result["quotes"]:
        said.append(
            _("Of %(quotes)s prices that led to no order, %(refused)s would not have been shown.")
            % {"quotes": number(result["quotes"]), "refused": number(result["quotes_refused"])}
        )
    if result["dearer"] or result["cheaper"]:
        said.append(
            _("%(dearer)s rides would have cost more, and %(cheaper)s less.")
            % {"dearer": number(result["dearer"]), "cheaper": number(result["cheaper"])}
        )
    elif not refused and not result["quotes_refused"]:
        said.append(_("It would have changed nothing in what was ordered."))
    said += _money_said(result)
    return said + _waits_said(result["waits"])


def _money_said(result: dict[str, Any]) -> list[str]:
    words = {
        "people": (_("People would have paid %s more."), _("People would have paid %s less.")),
        "drivers": (_("Drivers would have got %s more."), _("Drivers would have got %s less.")),
        "city": (_("The city would have got %s more."), _("The city would have got %s less.")),
    }
    said = []
    for side, (more, less) in words.items():
        one = Sum("", **result["money"][side])
        if one.change:
            amount = money(abs(one.change), result["currency"])
            said.append((more if one.change > 0 else less) % amount)
    return said


def _waits_said(waits: dict[str, Any]) -> list[str]:
    said = []
    before, after = waits["before"], waits["after"]
    if before["count"] != after["count"] and None not in (before["median"], after["median"]):
        said.append(
            _("Half of all waited %(before)s or less; of those who would still ride, %(after)s.")
            % {"before": minutes(before["median"]), "after": minutes(after["median"])}
        )
    if waits["freed_seconds"]:
        said.append(
            _("Drivers were bound for %s by rides that would have been refused.")
            % hours(waits["freed_seconds"])
        )
    if waits["might_be_served"]:
        said.append(
            _("At most %(some)s of %(all)s rides that found nobody could have found a driver.")
            % {"some": number(waits["might_be_served"]), "all": number(waits["unserved"])}
        )
    return said


def limits(run: DryRun, result: dict[str, Any]) -> list[str]:
    """How it was worked out, and what it cannot say."""
    said = [
        _("Each order was held against the rules that were in force at its hour, once without this"
          " draft and once with it. Only the difference between the two is told."),
        _("People are taken to have ordered at the other price all the same, and drivers to have"
          " driven. Whoever is refused is taken to be lost: nobody walks to the next corner."),
        _("How much sooner a car would have come to others is not known: the log does not say how"
          " near a driver would have been who was bound elsewhere. What is told are waits that"
          " were, and the most rides that could have found somebody."),
        _("Zones are those of today. Fees for rides called off are left as they were. Only rides"
          " are asked about, not drivers who go on line."),
    ]  # fmt: skip
    if result["compared"]:
        said.append(
            _("Worked out anew without the draft, %(agree)s of %(compared)s prices came to exactly"
              " what was charged.")
            % {"agree": number(result["agree"]), "compared": number(result["compared"])}
        )  # fmt: skip
    if result["capped"]:
        said.append(
            ngettext(
                "In %s order a rule held demand down; how far it would have lifted the fare is not"
                " on record.",
                "In %s orders a rule held demand down; how far it would have lifted the fare is"
                " not on record.",
                result["capped"],
            )
            % number(result["capped"])
        )
    if result["no_tariff"]:
        said.append(
            _("%s orders were priced by a tariff that is not there any more; they are left as they"
              " were.") % number(result["no_tariff"])
        )  # fmt: skip
    if result["replaced"]:
        said.append(
            _("It stands in for %(names)s, by which %(count)s requests were refused in this time."
              " Whether this draft would have let them through is not known.")
            % {"names": ", ".join(result["replaced"]), "count": number(result["refused_before"])}
        )  # fmt: skip
    terms = run.rule.terms
    if isinstance(terms, Cap):
        said.append(
            _("The cap was counted in the order of time from the beginning of its first day, month"
              " or year. An order counts as one ride, and as nothing else.")
        )  # fmt: skip
    if isinstance(terms, Limit) and terms.fact not in ("metres", "seconds"):
        said.append(_("Orders do not state this fact, so the limit concerned none of them."))
    return said


def bar_labels() -> list[str]:
    """What each bar of the histogram counts, in percent of the price without the draft."""
    above = EDGES[EDGES.index(0) + 1 :]
    between = [{"low": low, "high": high} for low, high in pairwise(above)]
    return [
        _("%s %% or more cheaper") % above[-1],
        *(_("%(low)s to %(high)s %% cheaper") % span for span in reversed(between)),
        _("up to %s %% cheaper") % above[0],
        _("the same"),
        _("up to %s %% dearer") % above[0],
        *(_("%(low)s to %(high)s %% dearer") % span for span in between),
        _("more than %s %% dearer") % above[-1],
    ]


def number(value: int) -> str:
    return formats.number(value, 0, language=_language())


def money(minor: int, currency: str) -> str:
    return formats.money(minor, currency, language=_language())


def minutes(seconds: int) -> str:
    return formats.minutes(seconds)


def hours(seconds: int) -> str:
    told = formats.number(round(seconds / 3600), 0, language=_language())
    return _("%s hours") % told if seconds >= 5_400 else minutes(seconds)


def _share(part: int, whole: int) -> str:
    share = Decimal(100 * part) / whole if whole else Decimal(0)
    return f"{formats.number(share, 1, language=_language())}{formats.HARD_SPACE}%"


def _language() -> str:
    return get_language() or "en"
