"""What a program sends, read as its description says: a number is no text, nor text a number."""

import json
import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.fields import empty
from rest_framework.parsers import JSONParser

# How UTF-16 writes half of a sign.  Alone it is no text, and nothing that is can be made of it.
HALF_A_SIGN = re.compile(rb"\\u[dD][89a-fA-F]")
WRONG_TYPE = _("This has the wrong type.")


class JSON(JSONParser):
    """JSON whose text is text, no deeper than we can follow.  Raises `ParseError` for any other."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        raw = stream.read()
        try:
            told = super().parse(BytesIO(raw), media_type, parser_context)
            if HALF_A_SIGN.search(raw):
                json.dumps(told, ensure_ascii=False).encode()
        except RecursionError:
            raise ParseError("It is nested too deeply.") from None
        except UnicodeEncodeError:
            raise ParseError("It has half a sign in it.") from None
        return told


class Asked(serializers.Serializer[Any]):
    """The body or the query of a request, JSON by the types of JSON.  What comes as a form or in
    an address is text anyway.

    Without this, `5` would do as a name, `"5"` as a number and `"yes"` as a boolean, and a number
    too large for a float would be a fault of ours.
    """

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping) or isinstance(data, QueryDict):
            return super().to_internal_value(data)
        # A file comes in a form; what JSON has in its place is one more word that nobody asked for.
        files = {one.field_name for one in self._writable_fields if _is_file(one)}
        wrong: dict[str, Any] = {
            str(field.field_name): [serializers.ErrorDetail(str(WRONG_TYPE), "invalid")]
            for field in self._writable_fields
            if not _is_file(field) and not _fits(field, data.get(field.field_name, empty))
        }
        try:
            read = super().to_internal_value(
                {name: value for name, value in data.items() if name not in files | set(wrong)}
            )
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                raise serializers.ValidationError({**error.detail, **wrong}) from None
            raise
        if wrong:
            raise serializers.ValidationError(wrong)
        return read


class InAddress(serializers.Serializer[Any]):
    """The query of an address: text of which every part means something, nothing too."""

    def to_internal_value(self, data: Any) -> Any:
        # A form may leave a field empty and mean that it is left out; an address may not.
        return super().to_internal_value({name: data[name] for name in data})


def _is_file(field: Any) -> bool:
    return isinstance(field, serializers.FileField)


def _fits(field: Any, value: Any) -> bool:
    """Whether a value from JSON is of the kind that the field's description names."""
    if value is None or value is empty:
        return True
    match field:
        case serializers.BooleanField():
            return isinstance(value, bool)
        case serializers.IntegerField():
            is_whole = isinstance(value, float) and value.is_integer()
            return is_whole or (isinstance(value, int) and not isinstance(value, bool))
        case serializers.FloatField():
            return isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)
        case serializers.ListField():
            return not isinstance(value, list) or all(_fits(field.child, one) for one in value)
        case (
            serializers.CharField()
            | serializers.ChoiceField()
            | serializers.UUIDField()
            | serializers.DateTimeField()
            | serializers.DateField()
        ):
            return isinstance(value, str)
    return True


def _finite(value: int | float) -> bool:
    try:
        float(value)
    except OverflowError:
        return False
    return True
