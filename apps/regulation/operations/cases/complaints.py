"""What may stand against something that is to be done in a case."""

from uuid import UUID


class NoSuchCase(Exception):
    """There is no such case, or it is not theirs."""


class AlreadyOpened(Exception):
    """There is a case about this already.  `ref` is its reference, if it is theirs."""

    def __init__(self, ref: UUID | None = None) -> None:
        super().__init__(str(ref or ""))
        self.ref = ref


class CaseClosed(Exception):
    """The case is closed: nothing more is said in it."""


class TakenBySomebody(Exception):
    """Another officer works on it; whoever wants it is handed it."""


class NotTheirs(Exception):
    """Only the officer who works on a case closes it."""


class NotAnOfficer(Exception):
    """The person has no leave to work on cases."""


class UnfitOutcome(Exception):
    """A case of this kind does not end like this."""


class TooMany(Exception):
    """Too many cases of theirs are open, or too much was said in this one."""
