"""Stripe's bracket forms, `a[b][0]=c`, into nested values."""

import re
from typing import Any
from urllib.parse import parse_qsl

from cityplatform.sandbox.errors import Json, malformed

NAME = re.compile(r"[^\[\]]+|(?<=\[)(?=\])")
SHAPE = re.compile(r"[^\[\]]+(\[[^\[\]]*\])*")
DEPTH = 8
FIELDS = 2000


def decode(text: str) -> Json:
    """The nested parameters of a query string or form body.

    Raises a 400 for names that are not bracket names or that contradict one another.
    """
    tree: Json = {}
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, max_num_fields=FIELDS, errors="strict", encoding="utf-8"
        )
    except ValueError:
        raise malformed("The request body is not a valid form.") from None
    for name, value in pairs:
        if not SHAPE.fullmatch(name):
            raise malformed(f"Invalid parameter name: {name}", param=name)
        keys = NAME.findall(name)
        if len(keys) > DEPTH:
            raise malformed(f"Parameter is nested too deeply: {name}", param=name)
        plant(tree, keys, value, name)
    return {name: gather(value) for name, value in tree.items()}


def plant(tree: Json, keys: list[str], value: str, name: str) -> None:
    for key in keys[:-1]:
        tree = tree.setdefault(key or str(len(tree)), {})
        if not isinstance(tree, dict):
            raise malformed(f"Parameter is given as a value and as a hash: {name}", param=name)
    last = keys[-1] or str(len(tree))
    if isinstance(tree.get(last), dict):
        raise malformed(f"Parameter is given as a value and as a hash: {name}", param=name)
    tree[last] = value


def gather(value: Any) -> Any:
    """Hashes whose names are all numbers are lists."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdecimal() for key in value):
        return [gather(value[key]) for key in sorted(value, key=int)]
    return {key: gather(item) for key, item in value.items()}
