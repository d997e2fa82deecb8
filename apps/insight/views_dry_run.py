"""Dry runs in the office: asked for, watched, called off, read, and taken along as a sheet."""

import csv
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.insight import dry_run_words, operations
from apps.insight.models import DryRun
from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.parties.models import User
from apps.regulation import rulebook
from apps.regulation.models import PolicyVersion

PROPOSE, APPROVE = "regulation.propose_policy", "regulation.approve_policy"
COMPLAINTS = {
    operations.NotADraft: gettext_lazy(
        "It is decided already: only drafts and what waits for approval are tried."
    ),
    operations.OrdersDoNotTell: gettext_lazy(
        "Orders do not tell what a rule of this kind would have changed: who would have got a"
        " permit, or how long a way would have taken."
    ),
}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_member_required
def dry_runs(request: HttpRequest, version_id: int) -> HttpResponse:
    """Every run of a version, the newest first; posting begins one."""
    version = PolicyVersion.objects.select_related("policy__city").filter(pk=version_id).first()
    if version is None:
        raise Http404
    if request.method == "POST":
        return _begin(request, version)
    _may_look(request)
    runs = version.dry_runs.select_related("started_by", "version__policy").order_by("-asked_at")
    told = {"title": _("%s, tried out") % version, "version": version, "runs": runs[:50]}
    return _page(request, "insight/dry_runs.html", version, told)


@require_safe
@never_cache
@staff_member_required
def dry_run(request: HttpRequest, ref: UUID) -> HttpResponse:
    """How far a run is, and when it is done what it says."""
    _may_look(request)
    run = _run(ref)
    told = {"title": _("%s, tried out") % run.version, "run": run}
    if run.state == DryRun.State.DONE:
        told |= dry_run_words.told(run)
    version = run.version
    told["is_changed_since"] = (version.scope, version.terms) != (run.scope, run.terms)
    told["same"] = _same(run)
    return _page(request, "insight/dry_run.html", version, told)


@require_safe
@never_cache
@staff_member_required
def progress(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The part of the page that asks for itself; once the run has ended, the whole page does."""
    _may_look(request)
    run = _run(ref)
    answer = render(request, "insight/dry_run_progress.html", {"run": run})
    if not run.is_under_way:
        answer.headers["HX-Refresh"] = "true"
    return answer


@require_POST
@staff_member_required
def cancel(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Call a run off."""
    _may(request, PROPOSE)
    run = operations.cancel_dry_run(dry_run_id=_run(ref).pk, by=_by(request), at=clock.now())
    return HttpResponseRedirect(reverse("insight:dry-run", args=[run.ref]))


HEADS = ("district", "orders", "refused", "dearer", "cheaper")
SIDES = ("people", "drivers", "platform", "city", "tax")


@require_safe
@staff_member_required
def sheet(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The districts as CSV: sums in minor units, waits in seconds."""
    _may_look(request)
    run = _run(ref)
    if run.result is None:
        raise Http404
    name = f"{run.version.policy.number}-{run.version.version}-{run.asked_at:%Y%m%dT%H%MZ}"
    file = f'attachment; filename="{name}.csv"'
    response = HttpResponse(
        content_type="text/csv; charset=utf-8", headers={"Content-Disposition": file}
    )
    rows = csv.writer(response)
    money = [f"{side}_{what}" for side in SIDES for what in ("was", "refused", "prices")]
    waits = [f"{when}_{what}" for when in ("before", "after") for what in WAITS]
    rows.writerow([*HEADS, *money, *waits, "freed_seconds", "unserved", "might_be_served"])
    for one in dry_run_words.districts(run.result):
        amounts = [amount for sum_ in one.sums for amount in (sum_.was, sum_.refused, sum_.prices)]
        waited = [one.waits[when][what] for when in ("before", "after") for what in WAITS]
        rows.writerow(
            [one.name, one.orders, one.refused, one.dearer, one.cheaper, *amounts, *waited,
             one.waits["freed_seconds"], one.waits["unserved"], one.waits["might_be_served"]]
        )  # fmt: skip
    return response


WAITS = ("count", "median", "p90")


def _begin(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    _may(request, PROPOSE)
    try:
        run = operations.ask_dry_run(
            version_id=version.pk,
            officer_id=cast(User, request.user).pk,
            by=_by(request),
            at=clock.now(),
        )
    except tuple(COMPLAINTS) as no:
        messages.warning(request, str(COMPLAINTS[type(no)]))
        return HttpResponseRedirect(reverse("insight:dry-runs", args=[version.pk]))
    return HttpResponseRedirect(reverse("insight:dry-run", args=[run.ref]))


def _same(run: DryRun) -> DryRun | None:
    """An earlier run with the same digest, whose result must be the same."""
    earlier = DryRun.objects.filter(version=run.version, asked_at__lt=run.asked_at)
    return earlier.exclude(digest="").filter(digest=run.digest).order_by("-asked_at").first()


def _run(ref: UUID) -> DryRun:
    runs = DryRun.objects.select_related("version__policy__city", "started_by")
    run = runs.filter(ref=ref).first()
    if run is None:
        raise Http404
    return run


def _page(
    request: HttpRequest, template: str, version: PolicyVersion, told: dict[str, Any]
) -> HttpResponse:
    city = version.policy.city
    may_try = request.user.has_perm(PROPOSE) and version.state in ("DRAFT", "PROPOSED")
    context = admin.site.each_context(request) | {
        "city": city,
        "version": version,
        "sentences_of_rule": rulebook.sentences_of(version),
        "policy_url": reverse("admin:regulation_policy_change", args=[version.policy_id]),
        "may_try": may_try,
        "may_cancel": request.user.has_perm(PROPOSE),
    }
    return render(request, template, context | told)


def _may(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _may_look(request: HttpRequest) -> None:
    """Whoever writes rules, and whoever decides on them."""
    if not (request.user.has_perm(PROPOSE) or request.user.has_perm(APPROVE)):
        raise PermissionDenied


def _by(request: HttpRequest) -> Actor:
    return Actor(Kind.OFFICER, str(request.user.pk))
