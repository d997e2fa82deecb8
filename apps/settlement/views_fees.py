"""The fee of an application for a permit: paying it with a card, and the receipt."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties.authentication import asking
from apps.parties.models import User
from apps.payments import operations as payments
from apps.payments.models import Payment
from apps.payments.queries import cards_of
from apps.regulation.models import Application, CaseEvent
from apps.regulation.queries_applications import application_of
from apps.regulation.queries_cases import seat_of
from apps.settlement import fees
from apps.settlement.forms import FeeForm

REFUSALS = {
    fees.NothingDue: gettext_lazy("The fee is paid or being paid, or the case is closed."),
    payments.NoSuchCard: gettext_lazy("Choose one of your own cards."),
    payments.KeyReused: gettext_lazy("This form was sent before. Look at what came of it."),
}


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def fee(request: HttpRequest, ref: UUID) -> HttpResponse:
    """What is owed, what was paid and what was given back; sent, a card is asked for it."""
    user = asking(request)
    application = applied_by(user, ref)
    if request.method == "POST":
        if application is None:
            raise Http404
        _pay(request, application, user)
        return redirect("settlement:fee", ref=ref)
    application = application or _looked_at(user, ref)
    if application is None or not application.fee_minor:
        raise Http404
    case, given = application.case, fees.last(application.case)
    may_pay = fees.is_due(application) and applied_by(user, ref) is not None
    page = {
        "application": application,
        "case": case,
        "city": case.city,
        "payment": given,
        "is_refused": given is not None and given.state == Payment.State.REFUSED,
        "is_asked": given is not None and given.state in fees.UNDER_WAY,
        "returned": [one for one in fees.payments_of(case) if one.refunded_minor],
        "why": fees.why_refused(given) if given else "",
        "is_mine": given is not None and given.payer_id == user.pk,
        "may_pay": may_pay,
        "cards": cards_of(user) if may_pay else [],
        "key": uuid4(),
    }
    return render(request, "settlement/fee.html", page)


def applied_by(user: User, ref: UUID) -> Application | None:
    """An application, if this person is of the applicant's side; other people's are not found."""
    seat = seat_of(user, ref)
    if seat is None or seat.side != CaseEvent.For.OPENER:
        return None
    return application_of(seat.case.pk)


def _looked_at(user: User, ref: UUID) -> Application | None:
    """An application, for an officer with leave to see cases."""
    if not (user.is_staff and user.has_perm("regulation.view_casefile")):
        return None
    found = Application.objects.filter(case__ref=ref).values_list("pk", flat=True).first()
    return application_of(found) if found else None


def _pay(request: HttpRequest, application: Application, user: User) -> None:
    form = FeeForm(request.POST)
    if not form.is_valid():
        for said in form.errors.values():
            messages.error(request, str(said[0]))
        return
    try:
        fees.pay(
            case_id=application.pk,
            payer_id=user.pk,
            card_id=form.cleaned_data["card"],
            key=form.cleaned_data["key"],
            by=user.acting(Kind.PROVIDER),
            at=clock.now(),
        )
    except tuple(REFUSALS) as no:
        messages.error(request, str(REFUSALS[type(no)]))
