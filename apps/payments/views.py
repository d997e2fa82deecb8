"""A person's cards."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties.authentication import asking
from apps.payments import cards, gateway, queries
from apps.places.models import City

DOWN = "We cannot reach the bank right now. Nothing was changed. Try again in a minute."


def _next(request: HttpRequest) -> str:
    """Where the person wants to go on, if that is a page of ours."""
    there = request.GET.get("next") or request.POST.get("next") or ""
    return there if url_has_allowed_host_and_scheme(there, {request.get_host()}) else ""


@require_safe
@login_required
def index(request: HttpRequest) -> HttpResponse:
    page = {"cards": queries.cards_of(asking(request)), "next": _next(request)}
    return render(request, "payments/cards.html", page | {"mode": settings.MODE})


@require_POST
@login_required
def add(request: HttpRequest) -> HttpResponse:
    """Lead to the bank's page; it leads back to `added`."""
    query = urlencode({"next": _next(request)}) if _next(request) else ""
    back = request.build_absolute_uri(reverse("payments:added"))
    try:
        address = cards.page_to_add(
            gateway.ours(),
            user=asking(request),
            # The gateway fills in which session it was; the rest of the query is ours.
            back=f"{back}?session={{CHECKOUT_SESSION_ID}}{'&' + query if query else ''}",
            given_up=request.build_absolute_uri(reverse("payments:cards")) + f"?{query}",
            currency=_currency(),
        )
    except (gateway.GatewayDown, gateway.NotUnderstood):
        messages.error(request, _(DOWN))
        return redirect("payments:cards")
    return HttpResponseRedirect(address)


def _currency() -> str:
    city = City.objects.order_by("pk").first()
    return city.currency if city else "CLP"


@require_safe
@login_required
def added(request: HttpRequest) -> HttpResponse:
    """Back from the bank's page: ask the bank what was added, and believe nobody else."""
    person = asking(request)
    try:
        facts = gateway.ours().added_card(session=request.GET.get("session", "")[:200])
        if facts is None:
            messages.error(request, _("No card was added."))
        else:
            card = cards.keep(
                user_id=person.pk, facts=facts, by=person.acting(Kind.CONSUMER), at=clock.now()
            )
            messages.success(request, _("%(card)s is ready to pay with.") % {"card": card})
    except (gateway.GatewayDown, gateway.NotUnderstood):
        messages.error(request, _(DOWN))
    except cards.NoSuchCard:
        messages.error(request, _("No card was added."))
    return HttpResponseRedirect(_next(request) or reverse("payments:cards"))


@require_POST
@login_required
def prefer(request: HttpRequest, card: int) -> HttpResponse:
    person = asking(request)
    try:
        cards.make_default(
            card_id=card, user_id=person.pk, by=person.acting(Kind.CONSUMER), at=clock.now()
        )
    except cards.NoSuchCard:
        messages.error(request, _("This card is not on your list any more."))
    return redirect("payments:cards")


@require_POST
@login_required
def remove(request: HttpRequest, card: int) -> HttpResponse:
    person = asking(request)
    try:
        cards.remove(
            card_id=card, user_id=person.pk, by=person.acting(Kind.CONSUMER), at=clock.now()
        )
    except cards.NoSuchCard:
        messages.error(request, _("This card is not on your list any more."))
    else:
        messages.success(request, _("The card is off your list. Rides under way keep it."))
    return redirect("payments:cards")
