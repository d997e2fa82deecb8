"""The sandbox's own clock: what happens because time has passed."""

import time

from cityplatform.sandbox import balance, checkout, disputes, payments, payouts, refunds
from cityplatform.sandbox.config import Config
from cityplatform.sandbox.endpoints import Call
from cityplatform.sandbox.errors import Json
from cityplatform.sandbox.store import Store


def now(store: Store) -> int:
    """Seconds since 1970, ahead of the wall clock by what the control endpoint added."""
    return int(time.time()) + store.ahead()


def tick(store: Store, config: Config) -> None:
    """Do what is due: money ripens, payouts arrive, authorisations and pages run out."""
    moment = now(store)
    while due := store.due(moment):
        for account, body in due:
            happen(Call(store, config, moment, account), body)


def happen(call: Call, body: Json) -> None:
    kind = body["object"]
    if kind == "balance_transaction":
        balance.ripen(call, body)
    elif kind == "payout":
        payouts.arrive(call, body)
    elif kind == "refund":
        refunds.fail(call, body)
    elif kind == "dispute":
        disputes.decide(call, body)
    elif kind == "payment_intent":
        payments.cancel(call, body, "automatic")
    elif kind == "checkout.session":
        checkout.expire(call, body)
