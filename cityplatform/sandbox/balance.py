"""What each account holds: balance transactions and the sums that follow from them."""

from cityplatform.sandbox import money
from cityplatform.sandbox.endpoints import PLATFORM, Call, endpoint, listed
from cityplatform.sandbox.errors import Json, invalid, missing
from cityplatform.sandbox.params import text

CATEGORIES = {
    "payment": "charge",
    "payment_refund": "refund",
    "adjustment": "dispute",
    "application_fee": "platform_earning",
    "transfer_refund": "transfer_reversal",
    "payout_failure": "payout_reversal",
}


def book(
    call: Call,
    kind: str,
    value: int,
    currency: str,
    source: str,
    *,
    fee: int = 0,
    fee_kind: str = "stripe_fee",
    available_on: int | None = None,
    description: str | None = None,
) -> Json:
    """Enter a movement, minor units, into the account's books and its sums."""
    ready = call.now if available_on is None else available_on
    pending = ready > call.now
    details = (
        [
            {
                "amount": fee,
                "application": None,
                "currency": currency,
                "description": f"{fee_kind.replace('_', ' ').capitalize()}",
                "type": fee_kind,
            }
        ]
        if fee
        else []
    )
    entry = call.create(
        "txn",
        "balance_transaction",
        amount=value,
        available_on=ready,
        balance_type="payments",
        currency=currency,
        description=description,
        exchange_rate=None,
        fee=fee,
        fee_details=details,
        net=value - fee,
        reporting_category=CATEGORIES.get(kind, kind),
        source=source,
        status="pending" if pending else "available",
        type=kind,
    )
    del entry["livemode"]
    add(call, currency, ready if pending else 0, value - fee)
    return call.keep(entry, due=ready if pending else None)


def add(call: Call, currency: str, available_on: int, net: int) -> None:
    call.store.db.execute(
        "INSERT INTO funds (account, currency, available_on, net) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET net = net + excluded.net",
        (call.account, currency, available_on, net),
    )


def ripen(call: Call, entry: Json) -> None:
    """Pending money becomes available when its day has come."""
    entry["status"] = "available"
    call.store.save(entry)
    call.store.set_due(entry["id"], None)
    add(call, entry["currency"], entry["available_on"], -entry["net"])
    add(call, entry["currency"], 0, entry["net"])
    call.store.db.execute("DELETE FROM funds WHERE net = 0 AND available_on > 0")


def held(call: Call, currency: str) -> tuple[int, int]:
    """Available and pending minor units of the account in one currency."""
    row = call.store.db.execute(
        "SELECT coalesce(sum(net) FILTER (WHERE available_on = 0), 0),"
        " coalesce(sum(net) FILTER (WHERE available_on > 0), 0)"
        " FROM funds WHERE account = ? AND currency = ?",
        (call.account, currency),
    ).fetchone()
    return int(row[0]), int(row[1])


def require(call: Call, value: int, currency: str, message: str) -> None:
    """Refuse what the available balance does not cover."""
    if held(call, currency)[0] < value:
        raise invalid(message, code="balance_insufficient")


@endpoint("GET", "/v1/balance")
def retrieve_balance(call: Call) -> Json:
    """What the account can pay out now, and what is on its way, per currency."""
    rows = call.store.db.execute(
        "SELECT DISTINCT currency FROM funds WHERE account = ? ORDER BY currency", (call.account,)
    ).fetchall()
    currencies = [row["currency"] for row in rows] or [default_currency(call)]
    sums = {code: held(call, code) for code in currencies}
    return {
        "object": "balance",
        "livemode": False,
        "available": [amount_of(code, both[0]) for code, both in sums.items()],
        "pending": [amount_of(code, both[1]) for code, both in sums.items()],
    }


def amount_of(code: str, value: int) -> Json:
    return {"amount": value, "currency": code, "source_types": {"card": value}}


def default_currency(call: Call) -> str:
    if call.account == PLATFORM:
        return "usd"
    account = call.store.get(call.account, kind="account", account=PLATFORM)
    return str(account["default_currency"]) if account else "usd"


@endpoint("GET", "/v1/balance_transactions/{id}")
def retrieve_entry(call: Call) -> Json:
    return call.find("balance_transaction")


@listed("/v1/balance_transactions", source=text(), type=text(), currency=text(), payout=text())
def list_entries(call: Call) -> Json:
    """The account's movements; `source` asks for those of one charge, refund or transfer."""
    ask = call.params
    if "payout" in ask and call.store.get(ask["payout"], account=call.account) is None:
        raise missing("payout", ask["payout"], param="payout")
    code = money.currency(ask["currency"]) if "currency" in ask else None
    source = ask.get("source") or ask.get("payout")
    return call.listing("balance_transaction", source=source, type=ask.get("type"), currency=code)
