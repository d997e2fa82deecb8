"""Cases: what an officer works on, with a day by which it is to be done and words at its end."""

from apps.regulation.operations.cases.complaints import (
    AlreadyOpened,
    CaseClosed,
    NoSuchCase,
    NotAnOfficer,
    NotTheirs,
    TakenBySomebody,
    TooMany,
    UnfitOutcome,
)
from apps.regulation.operations.cases.history import LONGEST
from apps.regulation.operations.cases.opening import open_case
from apps.regulation.operations.cases.sides import add_statement, withdraw_case
from apps.regulation.operations.cases.working import (
    ask_for_statement,
    close_case,
    conclude,
    hand_over,
    note,
    take_case,
    tell_side,
)

__all__ = [
    "LONGEST",
    "AlreadyOpened",
    "CaseClosed",
    "NoSuchCase",
    "NotAnOfficer",
    "NotTheirs",
    "TakenBySomebody",
    "TooMany",
    "UnfitOutcome",
    "add_statement",
    "ask_for_statement",
    "close_case",
    "conclude",
    "hand_over",
    "note",
    "open_case",
    "take_case",
    "tell_side",
    "withdraw_case",
]
