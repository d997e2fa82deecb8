"""Customers and the cards they keep."""

from cityplatform.sandbox import cards
from cityplatform.sandbox.endpoints import Call, endpoint, listed
from cityplatform.sandbox.errors import Json, invalid, malformed
from cityplatform.sandbox.params import (
    ADDRESS,
    SHIPPING,
    array,
    group,
    integer,
    merged,
    metadata,
    text,
)
from cityplatform.sandbox.webhooks import emit

BILLING = group(
    address=ADDRESS,
    email=text(unset=True),
    name=text(unset=True),
    phone=text(unset=True),
    tax_id=text(),
)
PERSON = {
    "address": ADDRESS,
    "description": text(unset=True),
    "email": text(longest=512, unset=True),
    "invoice_settings": group(default_payment_method=text(unset=True)),
    "metadata": metadata(),
    "name": text(longest=256, unset=True),
    "phone": text(longest=20, unset=True),
    "preferred_locales": array(text()),
    "shipping": SHIPPING,
}


@endpoint("POST", "/v1/customers", payment_method=text(), **PERSON)
def create_customer(call: Call) -> Json:
    """Somebody who pays."""
    ask = dict(call.params)
    method = ask.pop("payment_method", None)
    customer = call.create(
        "cus",
        "customer",
        address=None,
        balance=0,
        currency=None,
        default_source=None,
        delinquent=False,
        description=None,
        discount=None,
        email=None,
        invoice_prefix=None,
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        metadata={},
        name=None,
        next_invoice_sequence=1,
        phone=None,
        preferred_locales=[],
        shipping=None,
        tax_exempt="none",
        test_clock=None,
    )
    call.keep(fill(call, customer, ask))
    if method:
        attach(call, cards.find_method(call, method), customer)
    emit(call, "customer.created", customer)
    return customer


def fill(call: Call, customer: Json, ask: Json) -> Json:
    for name, value in ask.items():
        if name == "metadata":
            customer["metadata"] = merged(customer["metadata"], value)
        elif name == "invoice_settings":
            method = value.get("default_payment_method")
            if method is not None:
                kept = call.refer("payment_method", method, "invoice_settings")
                if kept["customer"] != customer["id"]:
                    raise invalid(
                        "The customer does not have a payment method with the ID "
                        f"{method}. The payment method must be attached to the customer.",
                        param="invoice_settings[default_payment_method]",
                    )
            customer["invoice_settings"]["default_payment_method"] = method
        elif name == "address":
            customer["address"] = {part: value.get(part) for part in cards.ADDRESS_FIELDS}
        elif name not in ("expand",):
            customer[name] = value
    return customer


@endpoint("GET", "/v1/customers/{id}")
def retrieve_customer(call: Call) -> Json:
    return call.find("customer")


@endpoint("POST", "/v1/customers/{id}", **PERSON)
def update_customer(call: Call) -> Json:
    customer = call.store.save(fill(call, living(call), call.params))
    emit(call, "customer.updated", customer)
    return customer


@endpoint("DELETE", "/v1/customers/{id}")
def delete_customer(call: Call) -> Json:
    """Forget a customer; their cards are detached."""
    customer = living(call)
    methods, _ = call.store.find(
        "payment_method", account=call.account, where={"customer": customer["id"]}, limit=1000
    )
    for method in methods:
        release(call, method)
    emit(call, "customer.deleted", customer)
    return call.store.save({"id": customer["id"], "object": "customer", "deleted": True})


@listed("/v1/customers", email=text())
def list_customers(call: Call) -> Json:
    return call.listing("customer", email=call.params.get("email"))


def living(call: Call) -> Json:
    customer = call.find("customer")
    if customer.get("deleted"):
        raise invalid(f"No such customer: '{customer['id']}'", param="id", code="resource_missing")
    return customer


def payer(call: Call, identifier: str) -> Json:
    """The customer named by a parameter, unless deleted."""
    customer = call.refer("customer", identifier, "customer")
    if customer.get("deleted"):
        raise invalid(
            f"No such customer: '{identifier}'", param="customer", code="resource_missing"
        )
    return customer


@endpoint("GET", "/v1/customers/{customer}/payment_methods/{id}")
def retrieve_customers_method(call: Call) -> Json:
    method = call.find("payment_method")
    if method["customer"] != call.find("customer", "customer")["id"]:
        raise invalid(
            f"No such PaymentMethod: '{method['id']}'", param="id", code="resource_missing"
        )
    return method


@listed("/v1/customers/{customer}/payment_methods", type=text())
def list_customers_methods(call: Call) -> Json:
    customer = call.find("customer", "customer")
    return call.listing("payment_method", customer=customer["id"], type=call.params.get("type"))


@endpoint(
    "POST",
    "/v1/payment_methods",
    type=text("card", required=True),
    card=group(
        number=text(longest=25),
        exp_month=integer(),
        exp_year=integer(),
        cvc=text(longest=4),
        token=text(),
    ),
    billing_details=BILLING,
    metadata=metadata(),
    allow_redisplay=text("always", "limited", "unspecified"),
)
def create_method(call: Call) -> Json:
    """A card, by its test number or by a token such as tok_visa; not yet anybody's."""
    ask = call.params
    given = ask.get("card") or {}
    if "token" in given:
        card = cards.BY_TOKEN.get(given["token"].removeprefix("tok_"))
        if card is None:
            raise invalid(
                f"No such token: '{given['token']}'", param="card[token]", code="resource_missing"
            )
        month, year = 12, 0
    else:
        for name in ("number", "exp_month", "exp_year"):
            if name not in given:
                raise malformed(
                    f"Missing required param: card[{name}].",
                    param=f"card[{name}]",
                    code="parameter_missing",
                )
        known = cards.read(given["number"])
        if isinstance(known, cards.Decline):
            raise cards.refusal(known, param="card[number]" if known is cards.NUMBER else None)
        card, month, year = known, given["exp_month"], given["exp_year"]
        expiry(call.now, month, year)
        if "cvc" in given and not right_code(card, given["cvc"]):
            raise cards.refusal(
                cards.Decline("invalid_cvc", "", "Your card's security code is invalid."),
                param="card[cvc]",
            )
    return cards.new_method(
        call,
        card,
        exp_month=month,
        exp_year=year,
        billing_details=ask.get("billing_details"),
        metadata=ask.get("metadata"),
    )


def expiry(now: int, month: int, year: int) -> None:
    """Refuse a month that is none or a card that has run out."""
    from datetime import UTC, datetime

    today = datetime.fromtimestamp(now, UTC)
    if not 1 <= month <= 12:
        raise cards.refusal(
            cards.Decline(
                "invalid_expiry_month",
                "",
                "Your card's expiration month is invalid.",
            ),
            param="card[exp_month]",
        )
    if not (today.year, today.month) <= (year, month) <= (today.year + 50, 12):
        raise cards.refusal(
            cards.Decline(
                "invalid_expiry_year",
                "",
                "Your card's expiration year is invalid.",
            ),
            param="card[exp_year]",
        )


def right_code(card: cards.Card, code: str) -> bool:
    """Whether the security code has the digits this brand prints."""
    return code.isascii() and code.isdigit() and len(code) == (4 if card.brand == "amex" else 3)


@endpoint("GET", "/v1/payment_methods/{id}")
def retrieve_method(call: Call) -> Json:
    return call.find("payment_method")


@endpoint(
    "POST",
    "/v1/payment_methods/{id}",
    billing_details=BILLING,
    card=group(exp_month=integer(), exp_year=integer()),
    metadata=metadata(),
    allow_redisplay=text("always", "limited", "unspecified"),
)
def update_method(call: Call) -> Json:
    method, ask = call.find("payment_method"), call.params
    if "metadata" in ask:
        method["metadata"] = merged(method["metadata"], ask["metadata"])
    if "billing_details" in ask:
        method["billing_details"] = cards.billing(
            method["billing_details"] | ask["billing_details"]
        )
    if "allow_redisplay" in ask:
        method["allow_redisplay"] = ask["allow_redisplay"]
    if "card" in ask:
        method["card"] |= ask["card"]
        expiry(call.now, method["card"]["exp_month"], method["card"]["exp_year"])
    return call.store.save(method)


@listed("/v1/payment_methods", customer=text(), type=text())
def list_methods(call: Call) -> Json:
    ask = call.params
    if "customer" in ask:
        payer(call, ask["customer"])
    return call.listing("payment_method", customer=ask.get("customer"), type=ask.get("type"))


@endpoint("POST", "/v1/payment_methods/{id}/attach", customer=text(required=True))
def attach_method(call: Call) -> Json:
    """Keep a card with a customer; a declining card is declined here already."""
    if call.ids["id"].startswith("pm_card_"):
        method = cards.find_method(call, call.ids["id"], "id")
    else:
        method = call.find("payment_method")
    return attach(call, method, payer(call, call.params["customer"]))


def attach(call: Call, method: Json, customer: Json) -> Json:
    """The method belongs to the customer from now on; again is harmless.

    Raises the 402 of a declining card, and a 400 for a card of another customer.
    """
    if method["customer"] == customer["id"]:
        return method
    if method["customer"] is not None:
        raise invalid(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    cards.usable(call, method, customer["id"], "SetupIntent")
    card = cards.card_of(call, method)
    if card.decline and not card.saves:
        raise cards.refusal(card.decline)
    method["customer"] = customer["id"]
    call.store.save(method)
    emit(call, "payment_method.attached", method)
    return method


@endpoint("POST", "/v1/payment_methods/{id}/detach")
def detach_method(call: Call) -> Json:
    """Take a card away from its customer for good."""
    method = call.find("payment_method")
    if method["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible.",
            code="payment_method_unexpected_state",
        )
    return release(call, method)


def release(call: Call, method: Json) -> Json:
    former, method["customer"] = method["customer"], None
    call.store.save(method)
    call.store.hide(method["id"], spent=True)
    emit(call, "payment_method.detached", method, {"customer": former})
    return method
