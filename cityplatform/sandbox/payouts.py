"""Payouts: money that leaves an account for its bank, and sometimes comes back."""

from cityplatform.sandbox import balance, money
from cityplatform.sandbox.accounts import FAILING
from cityplatform.sandbox.endpoints import PLATFORM, Call, endpoint, listed
from cityplatform.sandbox.errors import Json, invalid
from cityplatform.sandbox.params import amount, merged, metadata, text
from cityplatform.sandbox.webhooks import emit

POOR = (
    "You have insufficient funds in your Stripe account for this transfer. Your card balance is "
    "too low. You can use the the /v1/balance endpoint to view your Stripe balance (for more "
    "details, see stripe.com/docs/api#balance)."
)


@endpoint(
    "POST",
    "/v1/payouts",
    amount=amount(required=True),
    currency=text(required=True),
    description=text(),
    destination=text(),
    metadata=metadata(),
    method=text("standard", "instant"),
    source_type=text("card", "bank_account", "fpx"),
    statement_descriptor=text(longest=22),
)
def create_payout(call: Call) -> Json:
    """Send available money, minor units, to the account's bank; on its way until the clock says."""
    ask = call.params
    code = money.currency(ask["currency"])
    bank = bank_of(call, code, ask.get("destination"))
    balance.require(call, ask["amount"], code, POOR)
    arrival = call.now + call.config.payout_seconds
    payout = call.create(
        "po",
        "payout",
        amount=ask["amount"],
        application_fee=None,
        application_fee_amount=None,
        arrival_date=arrival,
        automatic=False,
        currency=code,
        description=ask.get("description"),
        destination=bank,
        failure_balance_transaction=None,
        failure_code=None,
        failure_message=None,
        metadata=merged({}, ask.get("metadata")),
        method=ask.get("method", "standard"),
        original_payout=None,
        payout_method=None,
        reconciliation_status="not_applicable",
        reversed_by=None,
        source_type=ask.get("source_type", "card"),
        statement_descriptor=ask.get("statement_descriptor"),
        status="in_transit",
        trace_id=None,
        type="bank_account",
    )
    entry = balance.book(call, "payout", -ask["amount"], code, payout["id"])
    payout["balance_transaction"] = entry["id"]
    call.keep(payout, due=arrival)
    emit(call, "payout.created", payout)
    return payout


def bank_of(call: Call, code: str, wish: str | None) -> str | None:
    """The bank account for payouts in this currency; the platform's own goes unnamed."""
    if call.account == PLATFORM:
        if wish is not None:
            raise invalid(
                f"No such external account: '{wish}'", param="destination", code="resource_missing"
            )
        return None
    account = call.refer_account(call.account)
    if not account["payouts_enabled"]:
        raise invalid("Payouts are not enabled on this account.", code="payouts_not_allowed")
    for bank in account["external_accounts"]["data"]:
        if bank["currency"] == code and wish in (None, bank["id"]):
            return str(bank["id"])
    if wish is not None:
        raise invalid(
            f"No such external account: '{wish}'", param="destination", code="resource_missing"
        )
    raise invalid(
        f"Sorry, you don't have any external accounts in that currency ({code}).", param="currency"
    )


@endpoint("GET", "/v1/payouts/{id}")
def retrieve_payout(call: Call) -> Json:
    return call.find("payout")


@endpoint("POST", "/v1/payouts/{id}", metadata=metadata())
def update_payout(call: Call) -> Json:
    payout = call.find("payout")
    payout["metadata"] = merged(payout["metadata"], call.params.get("metadata"))
    emit(call, "payout.updated", payout)
    return call.store.save(payout)


@listed(
    "/v1/payouts",
    destination=text(),
    status=text("paid", "pending", "failed", "canceled", "in_transit"),
)
def list_payouts(call: Call) -> Json:
    ask = call.params
    return call.listing("payout", destination=ask.get("destination"), status=ask.get("status"))


@endpoint("POST", "/v1/payouts/{id}/cancel")
def cancel_payout(call: Call) -> Json:
    """A payout on its way cannot be called back."""
    payout = call.find("payout")
    raise invalid(
        f"Payouts can only be canceled while they are pending; {payout['id']} is "
        f"{payout['status']}.",
        code="payout_not_cancelable",
    )


def arrive(call: Call, payout: Json) -> None:
    """The day of arrival: paid, or returned by a bank account that does not exist."""
    number = call.store.hidden(payout["destination"] or "").get("fails")
    call.store.set_due(payout["id"], None)
    if number in FAILING:
        code, message = FAILING[number]
        entry = balance.book(
            call, "payout_failure", payout["amount"], payout["currency"], payout["id"]
        )
        payout |= {
            "failure_balance_transaction": entry["id"],
            "failure_code": code,
            "failure_message": message,
            "status": "failed",
        }
    else:
        payout["status"] = "paid"
    call.store.save(payout)
    emit(call, f"payout.{payout['status']}", payout)
