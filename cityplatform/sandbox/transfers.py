"""Transfers to providers, the way back, and the split of a destination charge."""

from cityplatform.sandbox import balance, money
from cityplatform.sandbox.accounts import able, destination
from cityplatform.sandbox.endpoints import PLATFORM, Call, endpoint, listed, pages
from cityplatform.sandbox.errors import Json, invalid, malformed
from cityplatform.sandbox.params import amount, boolean, merged, metadata, text
from cityplatform.sandbox.webhooks import emit

POOR = (
    "You have insufficient available funds in your Stripe account. Try adding funds directly to "
    "your available balance by creating Charges using the 4000000000000077 test card."
)


@endpoint(
    "POST",
    "/v1/transfers",
    amount=amount(),
    currency=text(required=True),
    destination=text(required=True),
    description=text(),
    metadata=metadata(),
    source_transaction=text(),
    source_type=text("card", "bank_account", "fpx"),
    transfer_group=text(),
)
def create_transfer(call: Call) -> Json:
    """Give a provider their part, of one charge or of what is available; minor units."""
    ask = call.params
    code = money.currency(ask["currency"])
    account = destination(call, ask["destination"])
    able(account)
    charge = None
    if "source_transaction" in ask:
        charge = call.refer("charge", ask["source_transaction"], "source_transaction")
        value = from_charge(call, charge, ask.get("amount"), code)
        ready = entry_of(call, charge)["available_on"]
    else:
        if "amount" not in ask:
            raise malformed(
                "Missing required param: amount.", param="amount", code="parameter_missing"
            )
        value, ready = ask["amount"], call.now
        balance.require(call, value, code, POOR)
    group = ask.get("transfer_group")
    if charge is not None:
        if charge["transfer_group"] is None:
            charge["transfer_group"] = group or f"group_{charge['payment_intent'] or charge['id']}"
            call.store.save(charge)
        elif group not in (None, charge["transfer_group"]):
            raise invalid(
                "The transfer_group must be that of the source_transaction, "
                f"{charge['transfer_group']}.",
                param="transfer_group",
            )
        group = charge["transfer_group"]
    return send(call, account, value, code, ready, charge=charge, group=group, ask=ask)


def from_charge(call: Call, charge: Json, value: int | None, code: str) -> int:
    """How much of a captured charge goes out; all transfers of it together stay within it."""
    if not charge["captured"] or charge["status"] != "succeeded":
        raise invalid(
            f"The charge {charge['id']} has not been captured, so nothing can be transferred from "
            "it.",
            param="source_transaction",
        )
    if code != charge["currency"]:
        raise invalid(
            f"The currency of source_transaction's balance transaction ({charge['currency']}) must "
            f"be the same as the transfer currency ({code})",
            param="currency",
        )
    sent = call.store.total("transfer", "amount", where={"source_transaction": charge["id"]})
    whole = charge["amount_captured"]
    value = whole - sent if value is None else value
    if value < 1 or sent + value > whole:
        already = (
            f" (There is already a transfer using this source, amounting to "
            f"{money.words(sent, code)}.)"
            if sent
            else ""
        )
        raise invalid(
            "Transfers using this transaction as a source must not exceed the source amount of "
            f"{money.words(whole, code)}.{already}",
            param="amount",
        )
    return value


def entry_of(call: Call, charge: Json) -> Json:
    return call.refer("balance_transaction", charge["balance_transaction"], "source_transaction")


def send(
    call: Call,
    account: Json,
    value: int,
    code: str,
    ready: int,
    *,
    charge: Json | None,
    group: str | None,
    ask: Json,
    fee: int = 0,
) -> Json:
    """Book a transfer on both sides; `fee` is what the platform keeps at the provider's end."""
    transfer = call.create(
        "tr",
        "transfer",
        amount=value,
        amount_reversed=0,
        currency=code,
        description=ask.get("description"),
        destination=account["id"],
        metadata=merged({}, ask.get("metadata")),
        reversed=False,
        source_transaction=charge["id"] if charge else None,
        source_type="card",
        transfer_group=group,
    )
    transfer["reversals"] = pages([], f"/v1/transfers/{transfer['id']}/reversals")
    # Money that is still on its way from the card travels on with the transfer.
    entry = balance.book(call, "transfer", -value, code, transfer["id"], available_on=ready)
    transfer["balance_transaction"] = entry["id"]
    there = call.at(account["id"])
    payment = payment_of(there, transfer, value, code, fee)
    transfer["destination_payment"] = payment["id"]
    arrived = balance.book(
        there,
        "payment",
        value,
        code,
        payment["id"],
        fee=fee,
        fee_kind="application_fee",
        available_on=ready,
    )
    payment["balance_transaction"] = arrived["id"]
    there.store.save(payment)
    call.keep(transfer)
    emit(call, "transfer.created", transfer)
    emit(there, "payment.created", payment)
    return transfer


def payment_of(there: Call, transfer: Json, value: int, code: str, fee: int) -> Json:
    """The transfer as the provider's account sees it: a payment received."""
    payment = there.create(
        "py",
        "charge",
        amount=value,
        amount_captured=value,
        amount_refunded=0,
        application_fee=None,
        application_fee_amount=fee or None,
        balance_transaction=None,
        billing_details={
            "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        captured=True,
        currency=code,
        customer=None,
        description=transfer["description"],
        disputed=False,
        failure_code=None,
        failure_message=None,
        metadata={},
        paid=True,
        payment_intent=None,
        payment_method=None,
        payment_method_details={"stripe_account": {}, "type": "stripe_account"},
        refunded=False,
        source_transfer=transfer["id"],
        status="succeeded",
        transfer_group=transfer["transfer_group"],
    )
    return there.keep(payment)


def split(call: Call, charge: Json, ready: int) -> None:
    """A destination charge: the provider gets it all, or the named part, less the city's fee."""
    wish = charge["transfer_data"]
    fee = min(charge["application_fee_amount"] or 0, charge["amount_captured"])
    if wish is None:
        # A direct charge on the provider's own account: only the fee moves.
        charge["application_fee"] = collect(call, charge, call.account, fee, ready)["id"]
        balance.book(call, "application_fee", -fee, charge["currency"], charge["application_fee"])
        call.store.save(charge)
        return
    account = destination(call, wish["destination"], "transfer_data[destination]")
    able(account)
    value = min(wish.get("amount") or charge["amount_captured"], charge["amount_captured"])
    charge["transfer_group"] = charge["transfer_group"] or f"group_{charge['payment_intent']}"
    transfer = send(
        call,
        account,
        value,
        charge["currency"],
        ready,
        charge=charge,
        group=charge["transfer_group"],
        ask={},
        fee=fee,
    )
    charge["transfer"] = transfer["id"]
    if fee:
        charge["application_fee"] = collect(call, charge, account["id"], fee, ready)["id"]
    call.store.save(charge)


def collect(call: Call, charge: Json, account: str, fee: int, ready: int) -> Json:
    """The platform's own fee arrives in its books."""
    home = call.at(PLATFORM)
    kept = home.create(
        "fee",
        "application_fee",
        account=account,
        amount=fee,
        amount_refunded=0,
        application="ca_sandbox",
        charge=charge["id"],
        currency=charge["currency"],
        fee_source={"charge": charge["id"], "type": "charge"},
        originating_transaction=charge["id"],
        refunded=False,
    )
    kept["refunds"] = pages([], f"/v1/application_fees/{kept['id']}/refunds")
    entry = balance.book(
        home, "application_fee", fee, charge["currency"], kept["id"], available_on=ready
    )
    kept["balance_transaction"] = entry["id"]
    home.keep(kept)
    emit(home, "application_fee.created", kept)
    return kept


def return_fee(call: Call, charge: Json, refunded: int) -> None:
    """Give the fee back in proportion to the refund; the last refund takes what is left."""
    if not charge["application_fee"]:
        raise invalid(
            "This charge has no application fee to refund.", param="refund_application_fee"
        )
    home = call.at(PLATFORM)
    fee = home.refer("application_fee", charge["application_fee"], "refund_application_fee")
    value = (
        share(fee["amount"], charge["amount_refunded"] + refunded, charge["amount_captured"])
        - fee["amount_refunded"]
    )
    if value <= 0:
        return
    fee["amount_refunded"] += value
    fee["refunded"] = fee["amount_refunded"] == fee["amount"]
    home.store.save(fee)
    balance.book(home, "application_fee_refund", -value, fee["currency"], fee["id"])
    balance.book(
        call.at(fee["account"]), "application_fee_refund", value, fee["currency"], fee["id"]
    )
    emit(home, "application_fee.refunded", fee)


def share(whole: int, part: int, of: int) -> int:
    """`whole * part / of` in minor units, rounded down; all of it when part is all."""
    return whole * part // of


def reverse_for(call: Call, charge: Json, refund: Json) -> str:
    """Take the refunded share back from the provider of a destination charge."""
    if not charge.get("transfer"):
        raise invalid("This charge has no transfer to reverse.", param="reverse_transfer")
    transfer = call.refer("transfer", charge["transfer"], "reverse_transfer")
    value = (
        share(
            transfer["amount"],
            charge["amount_refunded"] + refund["amount"],
            charge["amount_captured"],
        )
        - transfer["amount_reversed"]
    )
    if value < 1:
        raise invalid("This transfer is already fully reversed.", param="reverse_transfer")
    return str(reverse(call, transfer, value, {}, source_refund=refund["id"])["id"])


@endpoint("GET", "/v1/transfers/{id}")
def retrieve_transfer(call: Call) -> Json:
    return call.find("transfer")


@endpoint("POST", "/v1/transfers/{id}", description=text(unset=True), metadata=metadata())
def update_transfer(call: Call) -> Json:
    transfer = call.find("transfer")
    transfer["metadata"] = merged(transfer["metadata"], call.params.get("metadata"))
    if "description" in call.params:
        transfer["description"] = call.params["description"]
    emit(call, "transfer.updated", transfer)
    return call.store.save(transfer)


@listed("/v1/transfers", destination=text(), transfer_group=text())
def list_transfers(call: Call) -> Json:
    ask = call.params
    return call.listing(
        "transfer",
        destination=ask.get("destination"),
        transfer_group=ask.get("transfer_group"),
    )


@endpoint(
    "POST",
    "/v1/transfers/{transfer}/reversals",
    amount=amount(),
    description=text(),
    metadata=metadata(),
    refund_application_fee=boolean(),
)
def create_reversal(call: Call) -> Json:
    """Take back all or part of a transfer, as far as the provider still has it."""
    transfer = call.find("transfer", "transfer")
    left, code = transfer["amount"] - transfer["amount_reversed"], transfer["currency"]
    value = call.params.get("amount", left)
    if left == 0 or value > left:
        raise invalid(
            f"Reversal amount ({money.words(value, code)}) is greater than unreversed amount on "
            f"transfer ({money.words(left, code)})",
            param="amount",
        )
    return reverse(call, transfer, value, call.params)


def reverse(
    call: Call, transfer: Json, value: int, ask: Json, *, source_refund: str | None = None
) -> Json:
    there, code = call.at(transfer["destination"]), transfer["currency"]
    # Pending money counts: it came with this very transfer and goes back with it.
    if sum(balance.held(there, code)) < value:
        raise invalid(
            "Insufficient funds in the connected account to reverse this transfer.",
            code="balance_insufficient",
        )
    ready = there.refer("charge", transfer["destination_payment"], "transfer")[
        "balance_transaction"
    ]
    available_on = there.refer("balance_transaction", ready, "transfer")["available_on"]
    available_on = max(available_on, call.now)
    reversal = call.create(
        "trr",
        "transfer_reversal",
        amount=value,
        currency=code,
        destination_payment_refund=None,
        metadata=merged({}, ask.get("metadata")),
        source_refund=source_refund,
        transfer=transfer["id"],
    )
    del reversal["livemode"]
    back = balance.book(
        call, "transfer_refund", value, code, reversal["id"], available_on=available_on
    )
    balance.book(
        there,
        "payment_refund",
        -value,
        code,
        transfer["destination_payment"],
        available_on=available_on,
    )
    reversal["balance_transaction"] = back["id"]
    call.keep(reversal)
    transfer["amount_reversed"] += value
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"] = [reversal, *transfer["reversals"]["data"]][:10]
    call.store.save(transfer)
    emit(call, "transfer.reversed", transfer)
    return reversal


@endpoint("GET", "/v1/transfers/{transfer}/reversals/{id}")
def retrieve_reversal(call: Call) -> Json:
    return call.find("transfer_reversal")


@listed("/v1/transfers/{transfer}/reversals")
def list_reversals(call: Call) -> Json:
    return call.listing("transfer_reversal", transfer=call.find("transfer", "transfer")["id"])
