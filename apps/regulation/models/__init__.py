from apps.regulation.models.cases import (
    OUTCOMES,
    CaseEvent,
    CaseFile,
    CaseKind,
    DayOff,
    Deadline,
    Outcome,
)
from apps.regulation.models.decisions import Allowance, Decision, GivenBack
from apps.regulation.models.exemptions import Exemption
from apps.regulation.models.papers import Paper, Requirement, place_of_scan
from apps.regulation.models.permits import Permit
from apps.regulation.models.policies import Edition, Policy, PolicyVersion

__all__ = [
    "OUTCOMES",
    "Allowance",
    "CaseEvent",
    "CaseFile",
    "CaseKind",
    "DayOff",
    "Deadline",
    "Decision",
    "Edition",
    "Exemption",
    "GivenBack",
    "Outcome",
    "Paper",
    "Permit",
    "Policy",
    "PolicyVersion",
    "Requirement",
    "place_of_scan",
]
