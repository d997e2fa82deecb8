"""Which parameters an endpoint takes, and the words with which others are refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cityplatform.sandbox.errors import Json, malformed


@dataclass(frozen=True)
class Param:
    """One parameter. `unset` allows the empty string, which clears the value."""

    kind: str
    required: bool = False
    choices: tuple[str, ...] = ()
    least: int | None = None
    longest: int = 5000
    unset: bool = False
    item: "Param | None" = None
    fields: Mapping[str, "Param"] = field(default_factory=dict)


def text(*choices: str, required: bool = False, longest: int = 5000, unset: bool = False) -> Param:
    return Param("text", required, choices, longest=longest, unset=unset)


def integer(*, required: bool = False, least: int | None = None) -> Param:
    return Param("integer", required, least=least)


def amount(*, required: bool = False) -> Param:
    return integer(required=required, least=1)


def boolean() -> Param:
    return Param("boolean")


def array(item: Param) -> Param:
    return Param("array", item=item)


def group(
    named: Mapping[str, Param] | None = None, /, *, required: bool = False, **fields: Param
) -> Param:
    return Param("hash", required, fields={**(named or {}), **fields})


def metadata() -> Param:
    return Param("metadata", unset=True)


def anything() -> Param:
    """A parameter that is accepted and changes nothing here."""
    return Param("anything", unset=True)


def either(first: Param, second: Param) -> Param:
    """A hash or a plain value, as `external_account` and `created` are."""
    return Param("either", fields={"hash": first, "value": second})


ADDRESS = group(
    {n: text(unset=True) for n in ("city", "country", "line1", "line2", "postal_code", "state")}
)
SHIPPING = group(address=ADDRESS, name=text(), phone=text(), carrier=text(), tracking_number=text())
CARD_OPTIONS = group(
    card=group(
        capture_method=text("manual", unset=True),
        installments=anything(),
        mandate_options=anything(),
        network=text(),
        request_three_d_secure=text("any", "automatic", "challenge"),
        setup_future_usage=text("none", "off_session", "on_session"),
    )
)
LISTING = {
    "limit": integer(least=1),
    "starting_after": text(),
    "ending_before": text(),
    "created": either(group(gt=integer(), gte=integer(), lt=integer(), lte=integer()), integer()),
}


def check(fields: Mapping[str, Param], given: Json, path: str = "") -> Json:
    """The given parameters with their types, or a 400 that names the first wrong one."""
    unknown = [name_in(path, name) for name in given if name not in fields]
    if unknown:
        several = "s" if len(unknown) > 1 else ""
        raise malformed(
            f"Received unknown parameter{several}: {', '.join(unknown)}",
            param=unknown[0],
            code="parameter_unknown",
        )
    for name, param in fields.items():
        if param.required and name not in given:
            where = name_in(path, name)
            raise malformed(
                f"Missing required param: {where}.", param=where, code="parameter_missing"
            )
    return {name: value(fields[name], item, name_in(path, name)) for name, item in given.items()}


def name_in(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def value(param: Param, given: Any, path: str) -> Any:
    """One value with its type; None when it was cleared by an empty string."""
    if given == "":
        if param.unset:
            return {} if param.kind == "metadata" else None
        raise malformed(
            f"You passed an empty string for '{path}'. We assume empty values are an attempt to "
            f"unset a parameter; however '{path}' cannot be unset. You should remove '{path}' from "
            "your request or supply a non-empty value.",
            param=path,
            code="parameter_invalid_empty",
        )
    return READERS[param.kind](param, given, path)


def read_text(param: Param, given: Any, path: str) -> str:
    if not isinstance(given, str):
        raise malformed(f"Invalid string: {given}", param=path)
    if param.choices and given not in param.choices:
        *most, last = param.choices
        listed = f"{', '.join(most)}, or {last}" if most else last
        raise malformed(f"Invalid {path}: must be one of {listed}", param=path)
    if len(given) > param.longest:
        raise malformed(
            f"Invalid string: {given[:20]}...; must be at most {param.longest} characters",
            param=path,
        )
    return given


def read_integer(param: Param, given: Any, path: str) -> int:
    digits = given[1:] if isinstance(given, str) and given.startswith("-") else given
    if not isinstance(digits, str) or not (digits.isascii() and digits.isdigit()):
        raise malformed(f"Invalid integer: {given}", param=path, code="parameter_invalid_integer")
    if len(digits) > 15:
        raise malformed(f"Integer is too large: {given}", param=path, code="amount_too_large")
    number = int(given)
    if param.least is not None and number < param.least:
        raise malformed(
            f"This value must be greater than or equal to {param.least}.",
            param=path,
            code="parameter_invalid_integer",
        )
    return number


def read_boolean(param: Param, given: Any, path: str) -> bool:
    word = given.lower() if isinstance(given, str) else given
    if word not in ("true", "false"):
        raise malformed(f"Invalid boolean: {given}", param=path)
    return bool(word == "true")


def read_array(param: Param, given: Any, path: str) -> list[Any]:
    if not isinstance(given, list) or param.item is None:
        raise malformed("Invalid array", param=path)
    return [value(param.item, item, f"{path}[{at}]") for at, item in enumerate(given)]


def read_hash(param: Param, given: Any, path: str) -> Json:
    if not isinstance(given, dict):
        raise malformed("Invalid object", param=path)
    return check(param.fields, given, path)


def read_metadata(param: Param, given: Any, path: str) -> Json:
    """Keys to texts; an empty text removes its key."""
    if isinstance(given, list):
        given = {str(at): item for at, item in enumerate(given)}
    if not isinstance(given, dict):
        raise malformed("Invalid object", param=path)
    for name, item in given.items():
        if not isinstance(item, str):
            raise malformed(f"Invalid string: {item}", param=f"{path}[{name}]")
        if len(name) > 40 or len(item) > 500:
            raise malformed(
                "Metadata keys may have up to 40 characters and values up to 500.",
                param=f"{path}[{name}]",
            )
    if len(given) > 50:
        raise malformed("Metadata may have up to 50 keys.", param=path)
    return given


def read_either(param: Param, given: Any, path: str) -> Any:
    return value(param.fields["hash" if isinstance(given, dict) else "value"], given, path)


def read_anything(param: Param, given: Any, path: str) -> Any:
    return given


READERS: dict[str, Callable[[Param, Any, str], Any]] = {
    "text": read_text,
    "integer": read_integer,
    "boolean": read_boolean,
    "array": read_array,
    "hash": read_hash,
    "metadata": read_metadata,
    "either": read_either,
    "anything": read_anything,
}


def merged(old: Json, new: Json | None) -> Json:
    """Metadata after an update: given keys change, keys given as an empty text go."""
    if new == {}:
        return {}
    return {name: item for name, item in (old | (new or {})).items() if item != ""}
