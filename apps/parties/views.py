"""A person's keys for programs."""

from datetime import timedelta
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties import operations, queries
from apps.parties.forms import NewToken
from apps.parties.models import User


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """Show a person's keys, and make a new one, whose secret stands on this one answer."""
    user, at, secret = cast(User, request.user), clock.now(), ""
    form = NewToken(request.POST if request.method == "POST" else None)
    if form.is_valid():
        days = int(form.cleaned_data["days"])
        _token, secret = operations.issue_token(
            user_id=user.pk,
            name=form.cleaned_data["name"],
            expires_at=at + timedelta(days=days) if days else None,
            by=user.acting(Kind.CONSUMER),
            at=at,
        )
        form = NewToken()
    told = {"form": form, "secret": secret, "tokens": queries.tokens_of(user), "now": at}
    return render(request, "parties/tokens.html", told, status=422 if form.errors else 200)


@login_required
@require_POST
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """Make one of a person's own keys worthless."""
    user = cast(User, request.user)
    try:
        operations.revoke_token(
            token_id=token_id, user_id=user.pk, by=user.acting(Kind.CONSUMER), at=clock.now()
        )
    except operations.NoSuchToken as error:
        raise Http404 from error
    messages.success(request, _("The key is worthless now."))
    return redirect("parties:tokens")
