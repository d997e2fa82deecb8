"""Rules to and from the JSON in which they are kept: plain values, checked as they come in."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import time
from enum import StrEnum
from types import UnionType
from typing import Any, Self, Union, get_args, get_origin, get_type_hints


class Malformed(ValueError):
    """A rule that says nothing, or something that it may not.  `field` says where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class Frozen:
    """A frozen dataclass that is kept as JSON.

    Its fields are whole numbers, texts, words of an enumeration, times of day, yes or no, and sets
    of the first three; what is at its default is left out.
    """

    __slots__ = ()

    def frozen(self) -> dict[str, Any]:
        """As JSON keeps it."""
        kept = {}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            default = field.default_factory() if callable(field.default_factory) else field.default
            if value != default:
                kept[field.name] = _plain(value)
        return kept

    @classmethod
    def thawed(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `frozen` wrote.  Raises `Malformed` for anything else."""
        if not isinstance(kept, Mapping):
            raise Malformed("", "not an object")
        hints = get_type_hints(cls)
        known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
        for name in kept:
            if name not in known:
                raise Malformed(str(name), "is not known")
        values = {name: _typed(hints[name], value, name) for name, value in kept.items()}
        for name, field in known.items():
            needed = field.default is MISSING and field.default_factory is MISSING
            if needed and name not in values:
                raise Malformed(name, "is missing")
        return cls(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(_plain(one) for one in value)
    if isinstance(value, time):
        return value.isoformat("minutes")
    return str(value) if isinstance(value, StrEnum) else value


def _typed(hint: Any, value: Any, name: str) -> Any:
    if get_origin(hint) in (Union, UnionType):
        if value is None:
            return None
        hint = next(part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is frozenset:
        if not isinstance(value, list | tuple | set | frozenset):
            raise Malformed(name, "is not a list")
        (of,) = get_args(hint)
        return frozenset(_typed(of, one, name) for one in value)
    try:
        if hint is time:
            return value if isinstance(value, time) else time.fromisoformat(value)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            return hint(value)
    except (TypeError, ValueError):
        raise Malformed(name, f"{value!r} is not allowed") from None
    # bool is a subclass of int: a yes is no number.
    if type(value) is not hint:
        raise Malformed(name, f"{value!r} is not of the right kind")
    return value
