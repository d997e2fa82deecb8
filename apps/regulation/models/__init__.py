from apps.regulation.models.applications import Application, Document, PermitTerms
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
from apps.regulation.models.hearings import Hearing
from apps.regulation.models.making import InTheMaking, four_eyes
from apps.regulation.models.papers import Paper, Requirement, place_of_scan
from apps.regulation.models.permits import Permit
from apps.regulation.models.policies import Edition, Policy, PolicyVersion

__all__ = [
    "OUTCOMES",
    "Allowance",
    "Application",
    "CaseEvent",
    "CaseFile",
    "CaseKind",
    "DayOff",
    "Deadline",
    "Decision",
    "Document",
    "Edition",
    "Exemption",
    "GivenBack",
    "Hearing",
    "InTheMaking",
    "Outcome",
    "Paper",
    "Permit",
    "PermitTerms",
    "Policy",
    "PolicyVersion",
    "Requirement",
    "four_eyes",
    "place_of_scan",
]
