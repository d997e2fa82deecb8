"""A refusal of the city as a problem: the rule's number, its words, and the way to appeal."""

from django.urls import reverse

from apps.kernel.problems import Problem
from apps.regulation.operations import NotPermitted, PapersNotInForce
from apps.regulation.queries import explain


def refused(no: Exception) -> Problem:
    """What the API says when the city does not allow something."""
    assert isinstance(no, NotPermitted)
    code = "papers_not_in_force" if isinstance(no, PapersNotInForce) else "not_permitted"
    return Problem(
        403,
        code,
        explain(str(no)),
        {
            "refusal": str(no),
            "rule": no.rule,
            "decision": no.decision and str(no.decision),
            "appeal": no.decision and reverse("regulation:appeal", args=[no.decision]),
        },
    )
