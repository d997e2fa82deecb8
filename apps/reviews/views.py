from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.orders.models import Order
from apps.parties.authentication import asking
from apps.reviews import operations


class ReviewForm(forms.Form):
    stars = forms.IntegerField(min_value=1, max_value=5)
    text = forms.CharField(max_length=1_000, required=False)


@require_POST
@login_required
def write(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Say how an order was; the receipt shows what came of it."""
    author = asking(request)
    order = get_object_or_404(Order, Q(consumer=author) | Q(worker__user=author), ref=ref)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose one to five stars, and at most 1,000 signs of text."))
        return redirect("orders:receipt", ref=ref)
    kind = Kind.CONSUMER if order.consumer_id == author.pk else Kind.WORKER
    try:
        operations.write(
            order_id=order.pk,
            author_id=author.pk,
            stars=form.cleaned_data["stars"],
            text=form.cleaned_data["text"],
            by=author.acting(kind),
            at=clock.now(),
        )
    except operations.NotYet:
        messages.error(request, _("The ride is not over yet."))
    except operations.TooLate:
        messages.error(request, _("The fourteen days for a review are over."))
    else:
        messages.success(request, _("Thank you. It is shown when both of you have written."))
    return redirect("orders:receipt", ref=ref)
