"""The reference of the API for people to read, made from the same schema that programs read."""

from typing import Any

from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")


def schema() -> dict[str, Any]:
    """The OpenAPI description of `/api/v1`."""
    described: dict[str, Any] = SchemaGenerator(api_version="v1").get_schema(public=True)
    return described


def chapters(described: dict[str, Any]) -> list[dict[str, Any]]:
    """The operations by subject, each with what goes in and what comes out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, item in described["paths"].items():
        for method in METHODS:
            if operation := item.get(method):
                tag = (operation.get("tags") or ["other"])[0]
                found.setdefault(tag, []).append(_operation(described, path, method, operation))
    return [{"name": name, "operations": found[name]} for name in sorted(found)]


def _operation(
    described: dict[str, Any], path: str, method: str, operation: dict[str, Any]
) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary") or operation["operationId"].replace("_", " "),
        "description": operation.get("description", ""),
        "is_open": {} in operation.get("security", []),
        "parameters": [
            {
                "name": one["name"],
                "where": one["in"],
                "type": _type(one.get("schema", {})),
                "required": one.get("required", False),
                "description": one.get("description", ""),
            }
            for one in operation.get("parameters", [])
        ],
        "fields": _fields(described, body.get("schema", {})),
        "answers": [
            {
                "status": status,
                "fields": _fields(described, _content(answer)),
            }
            for status, answer in operation.get("responses", {}).items()
        ],
    }


def _content(answer: dict[str, Any]) -> dict[str, Any]:
    for medium in answer.get("content", {}).values():
        found: dict[str, Any] = medium.get("schema", {})
        return found
    return {}


def _resolve(described: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        part = described["components"]["schemas"][part["$ref"].rpartition("/")[2]]
    return part


def _fields(
    described: dict[str, Any], part: dict[str, Any], prefix: str = "", depth: int = 0
) -> list[dict[str, Any]]:
    """The fields of an object, those of objects inside it written `outer.inner`."""
    part = _resolve(described, part)
    if part.get("type") == "array":
        return _fields(described, part.get("items", {}), f"{prefix}[]", depth)
    rows = []
    for name, field in part.get("properties", {}).items():
        whole = _resolve(described, field)
        for option in whole.get("allOf", []):
            whole = {**_resolve(described, option), **whole}
        rows.append(
            {
                "name": f"{prefix}.{name}".lstrip("."),
                "type": _type(whole),
                "required": name in part.get("required", []),
                "description": field.get("description", "") or whole.get("description", ""),
            }
        )
        inner = whole.get("items", {}) if whole.get("type") == "array" else whole
        if depth < 2:
            mark = "[]" if whole.get("type") == "array" else ""
            rows += _fields(described, inner, f"{prefix}.{name}{mark}", depth + 1)
    return rows


def _type(part: dict[str, Any]) -> str:
    kind = part.get("type", "object")
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    return f"{kind} ({part['format']})" if "format" in part else kind
