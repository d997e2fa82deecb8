"""Checkout sessions: the bank's own page where somebody enters a card."""

from typing import Any
from urllib.parse import urlsplit

from cityplatform.sandbox import intents, money, payments, setups
from cityplatform.sandbox.customers import payer
from cityplatform.sandbox.endpoints import Call, endpoint, listed
from cityplatform.sandbox.errors import Json, invalid, malformed
from cityplatform.sandbox.params import CARD_OPTIONS as OPTIONS
from cityplatform.sandbox.params import (
    amount,
    array,
    group,
    integer,
    merged,
    metadata,
    text,
)
from cityplatform.sandbox.store import new_id
from cityplatform.sandbox.webhooks import emit

LIFE = 86_400
SHORTEST = 1800
LOCALES = ("auto", "en", "en-GB", "es", "es-419", "de", "fr", "it", "pt", "pt-BR")
PRODUCT = group(
    name=text(required=True), description=text(), metadata=metadata(), images=array(text())
)
LINE = group(
    price_data=group(
        required=True,
        currency=text(required=True),
        product_data=PRODUCT,
        unit_amount=integer(least=0),
    ),
    quantity=integer(least=1),
)


@endpoint(
    "POST",
    "/v1/checkout/sessions",
    cancel_url=text(),
    client_reference_id=text(longest=200),
    currency=text(),
    customer=text(),
    customer_creation=text("always", "if_required"),
    customer_email=text(),
    expires_at=integer(),
    line_items=array(LINE),
    locale=text(*LOCALES),
    metadata=metadata(),
    mode=text("payment", "setup"),
    payment_intent_data=group(
        application_fee_amount=integer(least=0),
        capture_method=text("automatic", "automatic_async", "manual"),
        description=text(),
        metadata=metadata(),
        receipt_email=text(),
        setup_future_usage=text("off_session", "on_session"),
        transfer_data=group(amount=amount(), destination=text(required=True)),
        transfer_group=text(),
    ),
    allowed_payment_method_types=array(text("card")),
    payment_method_types=array(text("card")),
    payment_method_options=OPTIONS,
    setup_intent_data=group(description=text(), metadata=metadata()),
    submit_type=text("auto", "book", "donate", "pay"),
    success_url=text(),
    ui_mode=text("hosted_page", "hosted"),
)
def create_session(call: Call) -> Json:
    """A page for one card: to keep it (`setup`), or to pay with it (`payment`)."""
    ask = call.params
    mode = ask.get("mode", "payment")
    for name in ("success_url", "cancel_url"):
        if name in ask:
            address(ask[name], name)
    if "success_url" not in ask:
        raise malformed(
            "Missing required param: success_url.", param="success_url", code="parameter_missing"
        )
    expires = ask.get("expires_at", call.now + LIFE)
    if not call.now + SHORTEST <= expires <= call.now + LIFE:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout "
            "Session creation.",
            param="expires_at",
        )
    customer = payer(call, ask["customer"]) if "customer" in ask else None
    lines: list[Json] = []
    code: str | None
    total: int | None
    if mode == "payment":
        lines, code, total = priced(ask)
    else:
        total, code = None, money.currency(ask["currency"]) if "currency" in ask else None
        refuse_lines(ask)
        if code is None and "payment_method_types" not in ask:
            raise malformed(
                "Missing required param: currency.", param="currency", code="parameter_missing"
            )
    session = call.create(
        "cs_test",
        "checkout.session",
        **EMPTY,
        amount_subtotal=total,
        amount_total=total,
        cancel_url=ask.get("cancel_url"),
        client_reference_id=ask.get("client_reference_id"),
        currency=code,
        customer=customer["id"] if customer else None,
        customer_creation=ask.get("customer_creation", "if_required")
        if mode == "payment" and not customer
        else None,
        customer_details=details(customer, ask.get("customer_email")),
        customer_email=ask.get("customer_email"),
        expires_at=expires,
        locale=ask.get("locale"),
        metadata=merged({}, ask.get("metadata")),
        mode=mode,
        payment_method_types=ask.get("payment_method_types", ["card"]),
        payment_status="unpaid" if mode == "payment" else "no_payment_required",
        success_url=ask["success_url"],
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}
        if mode == "payment"
        else None,
    )
    session["url"] = call.config.page(f"/pay/{session['id']}")
    if mode == "setup":
        wish = dict(ask.get("setup_intent_data", {}))
        wish["payment_method_types"] = session["payment_method_types"]
        if customer:
            wish["customer"] = customer["id"]
        setup = setups.new_setup(call, wish, hidden={"session": session["id"]})
        session["setup_intent"] = setup["id"]
    call.keep(
        session,
        due=expires,
        hidden={"lines": lines, "payment": ask.get("payment_intent_data", {})},
    )
    return session


EMPTY: Json = {
    "after_expiration": None,
    "allow_promotion_codes": None,
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
    "billing_address_collection": None,
    "client_secret": None,
    "collected_information": None,
    "consent": None,
    "consent_collection": None,
    "currency_conversion": None,
    "custom_fields": [],
    "custom_text": {
        "after_submit": None,
        "shipping_address": None,
        "submit": None,
        "terms_of_service_acceptance": None,
    },
    "discounts": None,
    "invoice": None,
    "invoice_creation": None,
    "payment_intent": None,
    "payment_link": None,
    "payment_method_collection": "always",
    "payment_method_configuration_details": None,
    "payment_method_options": {},
    "permissions": None,
    "phone_number_collection": {"enabled": False},
    "recovered_from": None,
    "saved_payment_method_options": None,
    "setup_intent": None,
    "shipping_address_collection": None,
    "shipping_cost": None,
    "shipping_options": [],
    "status": "open",
    "submit_type": None,
    "subscription": None,
    "ui_mode": "hosted_page",
    "wallet_options": None,
}


def address(url: str, param: str) -> None:
    """Only a web address may be returned to."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good or any(ord(letter) < 33 for letter in url):
        raise invalid(f"Not a valid URL: {url}", param=param, code="url_invalid")


def refuse_lines(ask: Json) -> None:
    for name in ("line_items", "payment_intent_data"):
        if name in ask:
            raise invalid(f"You can not pass `{name}` in `setup` mode.", param=name)


def priced(ask: Json) -> tuple[list[Json], str, int]:
    """The lines of a payment, their one currency, and what they come to."""
    if not ask.get("line_items"):
        raise malformed(
            "Missing required param: line_items.", param="line_items", code="parameter_missing"
        )
    if "setup_intent_data" in ask:
        raise invalid(
            "You can not pass `setup_intent_data` in `payment` mode.", param="setup_intent_data"
        )
    codes = {money.currency(item["price_data"]["currency"]) for item in ask["line_items"]}
    if len(codes) > 1:
        raise invalid("All line items must have the same currency.", param="line_items")
    code = codes.pop()
    lines = [line(item, code) for item in ask["line_items"]]
    total = sum(item["amount_total"] for item in lines)
    money.chargeable(total, code)
    return lines, code, total


def line(item: Json, code: str) -> Json:
    price = item["price_data"]
    if "unit_amount" not in price or "product_data" not in price:
        raise malformed(
            "A line item needs price_data[unit_amount] and price_data[product_data].",
            param="line_items[0][price_data]",
            code="parameter_missing",
        )
    total = price["unit_amount"] * item.get("quantity", 1)
    return {
        "id": new_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": code,
        "description": price["product_data"]["name"],
        "metadata": {},
        "price": None,
        "quantity": item.get("quantity", 1),
    }


def details(customer: Json | None, email: str | None) -> Json | None:
    if customer is None and email is None:
        return None
    known: Json = customer or {}
    return {
        "address": None,
        "business_name": None,
        "email": known.get("email") or email,
        "individual_name": None,
        "name": known.get("name"),
        "phone": known.get("phone"),
        "tax_exempt": "none",
        "tax_ids": None,
    }


@endpoint("GET", "/v1/checkout/sessions/{id}")
def retrieve_session(call: Call) -> Json:
    return call.find("checkout.session")


@listed(
    "/v1/checkout/sessions",
    customer=text(),
    payment_intent=text(),
    status=text("open", "complete", "expired"),
)
def list_sessions(call: Call) -> Json:
    ask = call.params
    return call.listing(
        "checkout.session",
        customer=ask.get("customer"),
        payment_intent=ask.get("payment_intent"),
        status=ask.get("status"),
    )


@endpoint("POST", "/v1/checkout/sessions/{id}/expire")
def expire_session(call: Call) -> Json:
    session = call.find("checkout.session")
    if session["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of {session['status']}.",
        )
    return expire(call, session)


def expire(call: Call, session: Json) -> Json:
    """The page is closed; nothing was taken."""
    session |= {"status": "expired", "url": None}
    call.store.save(session)
    call.store.set_due(session["id"], None)
    emit(call, "checkout.session.expired", session)
    return session


def submit(call: Call, session: Json, method: Json) -> Json:
    """The card was entered: keep it or pay with it; the intent that came of it.

    Raises the 402 of a declined card; the page may then be tried again.
    """
    if session["mode"] == "setup":
        setup = call.refer("setup_intent", session["setup_intent"], "setup_intent")
        return setups.confirm(call, setup, {"payment_method": method["id"]})
    facts = call.store.hidden(session["id"])
    if session["payment_intent"]:
        intent = call.refer("payment_intent", session["payment_intent"], "payment_intent")
    else:
        ask: Json = dict(facts["payment"])
        ask |= {"amount": session["amount_total"], "currency": session["currency"]}
        ask["payment_method_types"] = session["payment_method_types"]
        if session["customer"]:
            ask["customer"] = session["customer"]
        intent = intents.new_intent(call, ask, hidden={"session": session["id"]})
        session["payment_intent"] = intent["id"]
        call.store.save(session)
    return payments.confirm(call, intent, {"payment_method": method["id"]})


def complete(call: Call, session: Json, intent: Json) -> Json:
    """The card is kept or the payment made; the page is done."""
    session |= {"status": "complete", "url": None}
    if session["mode"] == "payment":
        paid = intent["status"] == "succeeded"
        session["payment_status"] = "paid" if paid else "unpaid"
    method: Any = call.store.get(intent["payment_method"], account=call.account)
    if method and session["customer_details"] is None:
        email = method["billing_details"]["email"]
        session["customer_details"] = details({"name": method["billing_details"]["name"]}, email)
    call.store.save(session)
    call.store.set_due(session["id"], None)
    emit(call, "checkout.session.completed", session)
    return session
