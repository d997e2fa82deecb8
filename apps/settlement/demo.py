"""The demo's city and its tax office have bank accounts, so that the nights pay them, too.

The platform's own part stays at the gateway, which takes its fees out of it.
"""

from apps.kernel.actors import Actor, Kind
from apps.places.demo import Demo
from apps.settlement import operations
from apps.settlement.models import Payee

# Numbers of nobody's accounts, as banks write them.
ACCOUNTS = {"city:": "0012-3456-7801", "tax:": "0012-3456-7802"}


def seed(demo: Demo) -> None:
    """Say where they are paid, if nobody has: the city every night, its tax office each month."""
    for payee in operations.ensure_payees(demo.city):
        whose = next((one for one in ACCOUNTS if payee.prefix.startswith(one)), None)
        if payee.bank_account or whose is None:
            continue
        nightly = whose == "city:"
        operations.set_payee(
            payee_id=payee.pk,
            bank_account=ACCOUNTS[whose],
            schedule=Payee.Schedule.NIGHTLY if nightly else Payee.Schedule.MONTHLY,
            reason="demo",
            by=demo.by,
            at=demo.at,
        )
        operations.approve_payee(
            payee_id=payee.pk,
            account=ACCOUNTS[whose],
            reason="demo",
            by=Actor(Kind.OFFICER, "the demo's second officer"),
            at=demo.at,
        )
