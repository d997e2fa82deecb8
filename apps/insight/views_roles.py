"""Who may do what in the city's office, for everybody who works there."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.insight import rolls
from apps.insight.forms import Give, Take
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties import operations
from apps.parties.models import User


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_member_required
def who_may(request: HttpRequest) -> HttpResponse:
    """Show roles, what each can do, and who holds them; administrators give and take them here."""
    user = cast(User, request.user)
    may_give = user.has_perm("parties.give_role")
    give, take, status = Give(), None, 200
    if request.method == "POST":
        if not may_give:
            raise PermissionDenied
        if "appointment" in request.POST:
            take = Take(request.POST)
            if take.is_valid() and _take(request, user, take):
                return redirect("insight:who-may")
        else:
            give = Give(request.POST)
            if give.is_valid() and _give(request, user, give):
                return redirect("insight:who-may")
        status = 422
    context: dict[str, Any] = admin.site.each_context(request) | {
        "title": _("Who may do what"),
        "roles": rolls.roles(),
        "abilities": rolls.matrix(),
        "people": rolls.people(),
        "chiefs": rolls.chiefs(),
        "may_give": may_give,
        "give": give,
        "take": take,
        "mine": user.pk,
    }
    return render(request, "insight/who_may.html", context, status=status)


def _give(request: HttpRequest, user: User, form: Give) -> bool:
    told, person = form.cleaned_data, cast(User, form.person)
    try:
        operations.give_role(
            user_id=person.pk,
            role=told["role"],
            over=told["district"] and told["district"].pk,
            reason=told["reason"],
            by=user.acting(Kind.OFFICER),
            at=clock.now(),
        )
    except operations.OwnRole:
        form.add_error("email", _("Nobody gives themself a role: ask another administrator."))
        return False
    messages.success(request, _("%(name)s has the role now.") % {"name": person})
    return True


def _take(request: HttpRequest, user: User, form: Take) -> bool:
    told = form.cleaned_data
    try:
        operations.take_role(
            appointment_id=told["appointment"],
            reason=told["reason"],
            by=user.acting(Kind.OFFICER),
            at=clock.now(),
        )
    except operations.NoSuchRole:
        form.add_error(None, _("This role is not held any more."))
        return False
    messages.success(request, _("The role is taken."))
    return True
