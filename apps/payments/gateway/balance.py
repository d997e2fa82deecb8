"""What the gateway's own books say of the money that it holds for us."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from apps.payments.gateway.asking import Asking, translated
from apps.payments.gateway.protocol import BalanceLine

PAGE = 100  # as many as Stripe gives at once


class Balance(Asking):
    def balance_lines(
        self, *, since: datetime, until: datetime | None = None
    ) -> Iterator[list[BalanceLine]]:
        window: dict[str, int] = {"gte": int(since.timestamp())}
        if until is not None:
            window["lt"] = int(until.timestamp())
        ask: dict[str, Any] = {"created": window, "limit": PAGE, "expand": ["data.source"]}
        while True:
            with translated():
                found = self.stripe.v1.balance_transactions.list(ask)  # type: ignore[arg-type]
            if found.data:
                yield [_line(one.to_dict()) for one in found.data]
            if not found.has_more or not found.data:
                return
            ask = ask | {"starting_after": found.data[-1].id}

    def balance(self) -> dict[str, int]:
        with translated():
            found = self.stripe.v1.balance.retrieve().to_dict()
        held: dict[str, int] = {}
        for part in ("available", "pending"):
            for one in found.get(part, []):
                currency = one["currency"].upper()
                held[currency] = held.get(currency, 0) + one["amount"]
        return held


def _line(told: dict[str, Any]) -> BalanceLine:
    source: Any = told.get("source") or ""
    parent = ""
    if not isinstance(source, str):
        # Whose card it was is not ours to keep here: what moved it is known by its number.
        parent = str(source.get("payment_intent") or "")
        source = str(source["id"])
    return BalanceLine(
        reference=told["id"],
        kind=told["type"],
        amount_minor=told["amount"],
        fee_minor=told["fee"],
        net_minor=told["net"],
        currency=told["currency"].upper(),
        source=source,
        parent=parent,
        created_at=datetime.fromtimestamp(told["created"], UTC),
        available_on=datetime.fromtimestamp(told["available_on"], UTC),
        payload=told | {"source": source},
    )
