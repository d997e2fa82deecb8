"""Draw what was seen as tables that people read."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.parties.roles import ROLES

NAMES = {code: str(role.name) for code, role in ROLES.items()} | {"superuser": "superuser"}
OFFICERS = tuple(NAMES)
OTHERS = ("visitor", "citizen", "driver", "owner", "accountant")


def table(told: Mapping[str, Mapping[str, Sequence[str]]]) -> list[str]:
    """One line for each address: what it answers to whom."""
    head = ["address", *OTHERS, "officers"]
    lines = [_line(head), _line(["---"] * len(head))]
    for address, row in sorted(told.items(), key=lambda one: one[0].split(" ")[::-1]):
        cells = [_short(row[role]) for role in OTHERS]
        lines.append(_line([f"`{address}`", *cells, _officers(row)]))
    return lines


def desks(told: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """One line for each model of the office: who sees it, and who may do what to it."""
    head = ["model", "list / page", "in another district", "add", "change", "delete", "actions"]
    lines = [_line(head), _line(["---"] * len(head))]
    for label, by_role in sorted(told.items()):
        cells = [
            _who(by_role, "list", "here"),
            *(_who(by_role, name) for name in ("elsewhere", "add", "change", "delete")),
            _actions(by_role),
        ]
        lines.append(_line([f"`{label}`", *cells]))
    return lines


def _who(by_role: Mapping[str, Mapping[str, Any]], *names: str) -> str:
    """Who is answered, all others being refused (403); another answer than 200 is said."""
    said: dict[str, list[str]] = {}
    for role, row in by_role.items():
        word = _short([row[name] for name in names])
        if word not in ("403", ""):
            said.setdefault(word, []).append(NAMES[role])
    return "; ".join(
        ", ".join(who) if word == "200" else f"{word}: {', '.join(who)}"
        for word, who in sorted(said.items())
    )


def _actions(by_role: Mapping[str, Mapping[str, Any]]) -> str:
    may: dict[str, list[str]] = {}
    for role, row in by_role.items():
        for name in row["actions"]:
            may.setdefault(name, []).append(NAMES[role])
    return "; ".join(f"{name}: {', '.join(who)}" for name, who in sorted(may.items()))


def _officers(row: Mapping[str, Sequence[str]]) -> str:
    by_word: dict[str, list[str]] = {}
    for role in OFFICERS:
        by_word.setdefault(_short(row[role]), []).append(NAMES[role])
    if len(by_word) == 1:
        return next(iter(by_word))
    return "; ".join(f"{word}: {', '.join(who)}" for word, who in sorted(by_word.items()))


def _short(words: Sequence[str]) -> str:
    """One word if it is the same for all, else one for each: here, team, there."""
    return words[0] if len(set(words)) == 1 else " ".join(words)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def section(text: str, name: str) -> list[str]:
    """The lines of the file between the two marks of a section."""
    begins, ends = f"<!-- {name} -->", f"<!-- /{name} -->"
    if begins not in text:
        return []
    return text.split(begins, 1)[1].split(ends, 1)[0].strip().splitlines()


def replaced(text: str, name: str, lines: Sequence[str]) -> str:
    """The text with other lines between the marks; at its end where there are none yet."""
    begins, ends = f"<!-- {name} -->", f"<!-- /{name} -->"
    body = "\n".join([begins, *lines, ends])
    if begins not in text:
        return f"{text.rstrip()}\n\n{body}\n"
    before, rest = text.split(begins, 1)
    return before + body + rest.split(ends, 1)[1]
