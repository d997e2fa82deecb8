"""Every error of the API as problem details (RFC 9457), whoever raised it."""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from apps.kernel.problems import MEDIA_TYPE, Problem, Told


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer with a problem; leave what nobody foresaw to the page for our own faults."""
    problem = _problem(error)
    if problem is None:
        return None
    set_rollback()
    headers = {}
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(round(wait) + 1)
    if scheme := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = scheme
    return Response(body(problem), status=problem.status, headers=headers, content_type=MEDIA_TYPE)


def body(problem: Problem) -> dict[str, Any]:
    """A problem as it travels."""
    return {
        "type": f"/api/v1/docs/problems/#{problem.code}",
        "title": str(problem.title),
        "status": problem.status,
        "code": problem.code,
        **problem.more,
    }


def _problem(error: Exception) -> Problem | None:
    match error:
        case Told(problem=problem):
            return problem
        case exceptions.ValidationError(detail=detail):
            return Problem(
                422, "invalid", _("Something in the request is not right."), {"errors": detail}
            )
        case exceptions.ParseError():
            return Problem(400, "malformed", _("The request could not be read as JSON."))
        case Http404() | ObjectDoesNotExist() | exceptions.NotFound():
            return Problem(404, "not_found", _("There is no such thing, or it is not yours."))
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            status = error.status_code
            return Problem(status, "not_signed_in", _("Sign in, or send a token that is valid."))
        case PermissionDenied() | exceptions.PermissionDenied():
            return Problem(403, "not_allowed", _("You may not do this."))
        case exceptions.Throttled():
            return Problem(429, "too_many_requests", _("Too many requests. Try again later."))
        case exceptions.MethodNotAllowed():
            return Problem(405, "method_not_allowed", _("This address does not do that."))
        case exceptions.UnsupportedMediaType():
            return Problem(415, "unsupported_media_type", _("Send JSON."))
        case exceptions.NotAcceptable():
            return Problem(406, "not_acceptable", _("We answer in JSON."))
        case exceptions.APIException():
            return Problem(error.status_code, error.default_code, str(error.detail))
    return None
