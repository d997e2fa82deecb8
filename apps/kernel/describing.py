"""What the description of the API says of every operation: beside its own answers, the problems.

A view names in `complaints` what its operations may complain of when they write, and in
`complaints_when_read` what they say when they are only read.  What any address may say (a token
that is not valid, a body that is no JSON, too many requests) is added to all of them here.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance
from rest_framework import serializers
from rest_framework.permissions import AllowAny

from apps.kernel.asked import Asked, InAddress
from apps.kernel.problems import MEDIA_TYPE, Answer, Problem

# The last of them reads no body.
WRITING = ("POST", "PUT", "PATCH", "DELETE")
# Text as it is read: without characters that the database cannot keep, and not only of spaces.
TEXT = r"^[^\u0000\ud800-\udfff]*$"
WORDS = r"^[^\u0000]*[^\u0000\s][^\u0000]*$"


class ProblemOut(serializers.Serializer[Problem]):
    """What went wrong (RFC 9457).  A problem may have fields of its own beside these."""

    type = serializers.CharField(help_text="Where the problem is described.")
    title = serializers.CharField(help_text="A sentence for people, in their language.")
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="A word for programs. It never changes.")


class Schema(AutoSchema):
    """Our part of how drf-spectacular describes a view."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        told: dict[str, Any] = super()._get_response_bodies(direction)
        for status, codes in sorted(self.complaints().items()):
            if str(status) not in told:
                told[str(status)] = self.problem(str(status), codes)
        return told

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        super()._insert_field_validators(field, schema)
        if isinstance(field, serializers.ListField) and not field.allow_empty:
            schema.setdefault("minItems", 1)
        if isinstance(field, serializers.FileField) and isinstance(field.parent, Asked):
            schema["format"] = "binary"
        is_text = isinstance(field, serializers.CharField) and isinstance(
            field.parent, Asked | InAddress
        )
        if is_text and not {"pattern", "format"} & set(schema):
            schema["pattern"] = TEXT if field.allow_blank else WORDS

    def _get_pagination_parameters(self) -> list[dict[str, Any]]:
        """Pages are turned by reading; who places an order is answered with all of it."""
        told: list[dict[str, Any]] = super()._get_pagination_parameters()
        return told if self.method == "GET" else []

    def _get_request_for_media_type(self, serializer: Any, direction: Any = "request") -> Any:
        """Only what changes a row is read in part; drf-spectacular takes every PATCH for that."""
        method, asked = self.method, force_instance(serializer)
        if isinstance(asked, Asked) and not isinstance(asked, serializers.ModelSerializer):
            self.method = "PUT"
        try:
            schema, is_required = super()._get_request_for_media_type(serializer, direction)
        finally:
            self.method = method
        if isinstance(asked, serializers.ListSerializer):
            most, least = getattr(asked, "max_length", None), getattr(asked, "min_length", None)
            schema |= {"minItems": least} if least else {}
            schema |= {"maxItems": most} if most else {}
        return schema, is_required

    def problem(self, status: str, codes: Iterable[str]) -> dict[str, Any]:
        """One answer that is a problem; its description lists the codes."""
        shape, media = self.complaint(status)
        answer: dict[str, Any] = self._get_response_for_code(shape, status, media)
        header = {"401": "WWW-Authenticate", "429": "Retry-After"}.get(status)
        more = {"headers": {header: {"schema": {"type": "string"}}}} if header else {}
        return answer | {"description": ", ".join(sorted(codes))} | more

    def complaint(self, status: str) -> tuple[Any, list[str]]:
        """The shape of a problem, and the media types in which it travels."""
        return ProblemOut, [MEDIA_TYPE]

    def reads_a_body(self) -> bool:
        return self.method in WRITING[:3] and self.get_request_serializer() is not None

    def complaints(self) -> dict[int, set[str]]:
        """What may be answered instead, by status."""
        found: dict[int, set[str]] = {}
        for problem in self._complaints():
            found.setdefault(problem.status, set()).add(problem.code)
        return found

    def _complaints(self) -> Iterator[Problem]:
        yield Problem(406, "not_acceptable", "")
        yield Problem(429, "too_many_requests", "")
        if self.view.authentication_classes:
            yield Problem(401, "not_signed_in", "")
        is_open = all(isinstance(one, AllowAny) for one in self.view.get_permissions())
        if self.view.authentication_classes and (not is_open or self.method in WRITING):
            yield Problem(403, "not_allowed", "")
        if "{" in self.path or any(one["name"] == "cursor" for one in self._get_parameters()):
            yield Problem(404, "not_found", "")
        if self.reads_a_body():
            yield Problem(400, "malformed", "")
            yield Problem(415, "unsupported_media_type", "")
        if self.reads_a_body() or any(one["in"] == "query" for one in self._get_parameters()):
            yield Problem(422, "invalid", "")
        name = "complaints" if self.method in WRITING else "complaints_when_read"
        answers: Iterable[Answer] = getattr(self.view, name, ())
        for answer in answers:
            # What is made of the complaint itself has a status that others say, too.
            if isinstance(answer, Problem):
                yield answer
