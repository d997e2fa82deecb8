"""Problems in words a program can act on (RFC 9457), raised by the API of any app.

PROBLEMS = {dispatch.TooLate: Problem(409, "too_late", _("Somebody else was faster."))}

with problems.told(PROBLEMS):
    dispatch.accept(...)
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong: an HTTP status, a code that never changes, and a sentence for people."""

    status: int
    code: str
    title: str | Promise
    more: Mapping[str, Any] = field(default_factory=dict)


class Told(Exception):
    """A problem on its way to whoever asked."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


# A problem, or how to make one of a complaint that knows more than its kind.
type Answer = Problem | Callable[[Exception], Problem]


@contextmanager
def told(problems: Mapping[type[Exception], Answer]) -> Iterator[None]:
    """Turn an app's own complaints into problems.  Anything else passes through."""
    try:
        yield
    except tuple(problems) as error:
        for kind in type(error).__mro__:
            if kind in problems:
                answer = problems[kind]
                problem = answer if isinstance(answer, Problem) else answer(error)
                raise Told(problem) from error
        raise
