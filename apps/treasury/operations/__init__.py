"""Treasury: what the gateway and the bank say of the money, held against the books.

`lines` keeps what they say, `matching` compares all of it at once, `booking` enters what only they
could know, and `differences` are what officers then work on.
"""

from apps.treasury.operations.bank import FileKnown, book_arrived, keep_bank_file
from apps.treasury.operations.booking import book_known
from apps.treasury.operations.differences import (
    NotPossible,
    SameOfficer,
    approve,
    explain,
    propose,
    refuse,
    take,
)
from apps.treasury.operations.lines import Contradicted, advance, keep_lines, newest, read_since
from apps.treasury.operations.matching import reconcile, weigh
from apps.treasury.operations.whole import compare

__all__ = [
    "Contradicted",
    "FileKnown",
    "NotPossible",
    "SameOfficer",
    "advance",
    "approve",
    "book_arrived",
    "book_known",
    "compare",
    "explain",
    "keep_bank_file",
    "keep_lines",
    "newest",
    "propose",
    "read_since",
    "reconcile",
    "refuse",
    "take",
    "weigh",
]
