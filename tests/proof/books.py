"""What a running city, its stream and its bank have written down, as plain facts."""

import asyncio
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nats
import psycopg

from apps.bus.stream import STREAM
from cityplatform.running import Platform


@dataclass
class Books:
    """The city's own database, asked in its own words."""

    platform: Platform

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.platform.env["DATABASE_URL"]) as connection:
            return connection.execute(sql).fetchall()

    def unsettled(self) -> dict[str, int]:
        """What is still under way, by name: nothing, once the city has come to rest."""
        counts = {
            "orders": "orders_order WHERE state NOT IN ('COMPLETED', 'CANCELLED')",
            "news": "bus_delivery WHERE done_at IS NULL AND dead_at IS NULL",
            "questions to the bank": "payments_attempt WHERE answered_at IS NULL",
            "events not streamed": "bus_event WHERE streamed_at IS NULL",
            "payouts": "settlement_payout WHERE state IN ('DUE', 'SENT')",
            "drivers under way": "dispatch_run WHERE ended_at IS NULL",
            "offers": "dispatch_offer WHERE state = 'OPEN'",
            "jobs": "dispatch_job WHERE state IN ('WAITING', 'SEARCHING', 'ASSIGNED')",
        }
        sql = " UNION ALL ".join(
            f"SELECT '{name}', count(*) FROM {where}" for name, where in counts.items()
        )
        return {name: count for name, count in self.rows(sql) if count}

    def accounts(self) -> dict[str, int]:
        found = self.rows(
            "SELECT code, sum(amount_minor) FROM ledger_entry entry"
            " JOIN ledger_account account ON account.id = account_id GROUP BY code"
        )
        return {code: int(minor) for code, minor in found}

    def owed(self) -> int:
        """What providers have earned and not been paid."""
        return -sum(minor for code, minor in self.accounts().items() if code.endswith(":payable"))

    def streamed(self) -> list[int]:
        """The number of every event that stands in the stream, as often as it stands there."""
        return asyncio.run(_streamed(self.platform.env["NATS_URL"]))


async def _streamed(url: str) -> list[int]:
    client = await nats.connect(url)
    try:
        jetstream = client.jetstream()
        state = (await jetstream.stream_info(STREAM)).state
        found = []
        for number in range(state.first_seq, state.last_seq + 1):
            message = await jetstream.get_msg(STREAM, seq=number)
            found.append(int(json.loads(message.data)["id"]))
        return found
    finally:
        await client.close()


class Bank:
    """The sandbox's own file, which the city never reads."""

    def __init__(self, file: Path) -> None:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as line:
            # The city's own account: what arrives at a provider's stands in theirs once more.
            found = line.execute("SELECT body FROM objects WHERE account = '' ORDER BY seq")
            bodies = [json.loads(body) for (body,) in found]
        self.charges = [one for one in bodies if one["object"] == "charge"]
        self.intents = [one for one in bodies if one["object"] == "payment_intent"]
        self.transfers = [one for one in bodies if one["object"] == "transfer"]
        self.refunds = [one for one in bodies if one["object"] == "refund"]
        self.moved = [one for one in bodies if one["object"] == "balance_transaction"]

    def sums(self) -> dict[str, int]:
        """What moved, by the bank's own account of our balance.

        A charge's own `amount_refunded` will not do: what was promised and never taken counts
        there as given back.
        """
        moved: Counter[str] = Counter()
        for one in self.moved:
            moved[one["type"]] += one["amount"]
        charged, back, out = (moved.pop(kind, 0) for kind in ("charge", "refund", "transfer"))
        return {"captured": charged, "refunded": -back, "paid_out": -out, **moved}

    def captured(self) -> dict[str, int]:
        """What was taken, by the promise that it was taken from: two charges add up."""
        taken: Counter[str] = Counter()
        for one in self.charges:
            taken[one["payment_intent"]] += one["amount_captured"]
        return {intent: minor for intent, minor in taken.items() if minor}

    def refunded(self) -> dict[str, int]:
        """What was given back, by the promise that it had been taken from."""
        back: Counter[str] = Counter()
        for one in self.refunds:
            back[one["payment_intent"]] += one["amount"]
        return dict(back)

    def promises(self) -> dict[str, str]:
        """How each promise stands, in the bank's words."""
        return {one["id"]: one["status"] for one in self.intents}

    def paid_out(self) -> dict[str, int]:
        return {one["id"]: one["amount"] for one in self.transfers}

    def hanging(self) -> list[str]:
        """Promises that nobody took and nobody gave back: somebody's money is blocked."""
        open_ends = [one for one in self.intents if one["status"] == "requires_capture"]
        return [f"promise {one['id']} hangs" for one in open_ends]
