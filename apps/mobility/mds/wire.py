"""How MDS travels: its media type, its errors, and answers that are not sent twice."""

import json
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.utils.translation import gettext as _
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import exceptions, serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.mediatypes import _MediaType
from rest_framework.views import APIView, set_rollback

from apps.kernel import describing
from apps.kernel.asked import JSON
from apps.kernel.problems import Problem

VERSION = "2.0.2"
MEDIA = "application/vnd.mds+json"
MEDIA_TYPE = f"{MEDIA};version=2.0"
# What an address that answers in MDS may say of a reader's request.
ANYTHING = {"*/*", "application/*", "application/json", MEDIA}


class MdsRenderer(JSONRenderer):
    media_type = MEDIA
    format = "mds"


class MdsParser(JSON):
    media_type = MEDIA


class Negotiation(DefaultContentNegotiation):
    """2.0 to whoever asks for it or for JSON of any kind; 406 to whoever asks for another version.

    The specification would have readers that name no version get one of before 2020; we have none.
    """

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        for accepted in self.get_accept_list(request):
            asked = _MediaType(accepted)
            version = asked.params.get("version", "2.0")
            if f"{asked.main_type}/{asked.sub_type}" in ANYTHING and version == "2.0":
                return renderers[0], MEDIA_TYPE
        raise exceptions.NotAcceptable(available_renderers=renderers)


class ErrorSerializer(serializers.Serializer[dict[str, Any]]):
    error = serializers.CharField(help_text="A word that a program can act on")
    error_description = serializers.CharField()
    error_details = serializers.ListField(child=serializers.CharField())


class FailureSerializer(ErrorSerializer):
    item = serializers.JSONField(help_text="The item as it was sent")


class BulkSerializer(serializers.Serializer[dict[str, Any]]):
    success = serializers.IntegerField(help_text="How many were written, or were known")
    total = serializers.IntegerField(help_text="How many were sent")
    failures = FailureSerializer(many=True)


# Of a list: that it is none, or, when every row was refused, what is wrong with each.
REFUSED = PolymorphicProxySerializer(
    component_name="Refused",
    serializers=[ErrorSerializer, BulkSerializer],
    resource_type_field_name=None,
)


class Schema(describing.Schema):
    """Complaints in the shape of MDS, which knows 400 where the rest of the API has 422."""

    def _complaints(self) -> Iterator[Problem]:
        for problem in super()._complaints():
            yield Problem(400, "bad_param", "") if problem.status == 422 else problem
        # Every address is about the city, and there may be none yet.
        yield Problem(404, "not_found", "")

    def complaint(self, status: str) -> tuple[Any, list[str]]:
        return ErrorSerializer, [MEDIA]


class Complaint(exceptions.APIException):
    """A no in the shape of MDS."""

    status_code = 400

    def __init__(self, error: str, description: str, *details: str, status: int = 400) -> None:
        super().__init__(description)
        self.status_code = status
        self.body = complaint(error, description, *details)


def complaint(error: str, description: str, *details: str) -> dict[str, Any]:
    """An error as MDS writes it."""
    return {"error": error, "error_description": description, "error_details": list(details)}


class MdsView(APIView):
    """An address that speaks MDS 2.0."""

    schema = Schema()
    renderer_classes = [MdsRenderer]
    parser_classes = [MdsParser, JSON]
    content_negotiation_class = Negotiation

    def get_exception_handler(self) -> Any:
        return handle

    def finalize_response(self, request: Request, response: Any, *args: Any, **rest: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **rest)
        if isinstance(answer, Response):
            answer.content_type = MEDIA_TYPE
        return answer


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer in the shape of MDS; leave what nobody foresaw to the page for our own faults."""
    match error:
        case Complaint(body=body, status_code=status):
            pass
        case Http404() | ObjectDoesNotExist() | exceptions.NotFound():
            status, body = 404, complaint("not_found", _("There is no such thing."))
        case PermissionDenied() | exceptions.PermissionDenied():
            status, body = 403, complaint("not_allowed", _("You may not do this."))
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            status = error.status_code
            body = complaint("not_signed_in", _("Send a token that is valid."))
        case exceptions.NotAcceptable():
            status, body = 406, complaint("not_acceptable", _("We speak MDS 2.0."), MEDIA_TYPE)
        case exceptions.ValidationError(detail=detail):
            body = complaint("bad_param", _("A parameter is not right."), *_named(detail))
            status = 400
        case exceptions.ParseError():
            status = 400
            body = complaint("malformed", _("The request could not be read as JSON."))
        case exceptions.APIException(status_code=status, default_code=code, detail=detail):
            body = complaint(str(code), str(detail))
        case _:
            return None
    set_rollback()
    headers = {}
    if scheme := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = scheme
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(round(wait) + 1)
    return Response(body, status=status, headers=headers)


def _named(detail: Any) -> list[str]:
    if isinstance(detail, dict):
        return [f"{name}: {word}" for name, words in detail.items() for word in _named(words)]
    if isinstance(detail, list):
        return [word for one in detail for word in _named(one)]
    return [str(detail)]


def answer(
    request: Request, payload: dict[str, Any], *, changed: datetime, seconds: int
) -> HttpResponseBase:
    """A public answer with its mark and its time, kept for some seconds; 304 if it is known."""
    body = {"version": VERSION, "last_updated": round(changed.timestamp() * 1000), **payload}
    mark = f'"{sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]}"'
    moment = int(changed.timestamp())
    headers = {
        "ETag": mark,
        "Last-Modified": http_date(moment),
        "Cache-Control": f"public, max-age={seconds}",
        "Vary": "Accept",
    }
    told = get_conditional_response(request._request, etag=mark, last_modified=moment)
    if told is None:
        return Response(body, headers=headers)
    for name, value in headers.items():
        told.headers[name] = value
    return told
