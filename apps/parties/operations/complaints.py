"""What can be said against a change to who takes part, and to who may do what."""


class NoSuchProvider(Exception):
    """There is no provider of this number."""


class NoSuchPerson(Exception):
    """There is no person of this number."""


class NoSuchToken(Exception):
    """The person has no such token."""


class LastOwner(Exception):
    """A provider does not stay behind without an owner."""


class WorksElsewhere(Exception):
    """The person works for another provider already."""


class NoSuchJoining(Exception):
    """The person has no such application, or it is in nobody's hands any more."""


class AlreadyAnswered(Exception):
    """The application was answered, or sent, before."""


class NoSuchRole(Exception):
    """The city's office has no such role, or not over that."""


class OwnRole(Exception):
    """Nobody gives themself a role."""
