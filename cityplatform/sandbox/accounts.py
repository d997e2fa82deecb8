"""Connected accounts: the providers whom the city pays."""

from typing import Any

from cityplatform.sandbox import money
from cityplatform.sandbox.endpoints import PLATFORM, Call, endpoint, listed, pages
from cityplatform.sandbox.errors import Json, invalid, missing
from cityplatform.sandbox.params import (
    anything,
    boolean,
    either,
    group,
    integer,
    merged,
    metadata,
    text,
)
from cityplatform.sandbox.store import new_id
from cityplatform.sandbox.webhooks import emit

CURRENCIES = {
    "AR": "ars", "AU": "aud", "BR": "brl", "CA": "cad", "CH": "chf", "CL": "clp", "CO": "cop",
    "CR": "crc", "CZ": "czk", "DK": "dkk", "GB": "gbp", "HK": "hkd", "HU": "huf", "JP": "jpy",
    "MX": "mxn", "NO": "nok", "NZ": "nzd", "PE": "pen", "PL": "pln", "PY": "pyg", "RO": "ron",
    "SE": "sek", "SG": "sgd", "US": "usd", "UY": "uyu",
}  # fmt: skip
EURO = "AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK"
CURRENCIES |= dict.fromkeys(EURO.split(), "eur")
# Bank accounts that do not take a payout (stripe.com/docs/connect/testing).
FAILING = {
    "000111111113": ("account_closed", "The bank account has been closed."),
    "000111111116": ("no_account", "The bank account could not be located."),
    "000222222227": ("insufficient_funds", "Your account has insufficient funds for the payout."),
}
CAPABILITY = group(requested=boolean())
PROFILE = {
    "business_profile": group(
        {
            name: text(unset=True)
            for name in ("mcc", "name", "product_description", "support_email", "support_phone")
        },
        support_url=text(unset=True),
        url=text(unset=True),
    ),
    "business_type": text("company", "government_entity", "individual", "non_profit"),
    "capabilities": group(card_payments=CAPABILITY, transfers=CAPABILITY),
    "company": anything(),
    "default_currency": text(),
    "email": text(unset=True),
    "external_account": either(
        group(
            object=text("bank_account", required=True),
            country=text(required=True),
            currency=text(required=True),
            account_number=text(required=True),
            account_holder_name=text(),
            account_holder_type=text("individual", "company"),
            routing_number=text(),
        ),
        text(),
    ),
    "individual": anything(),
    "metadata": metadata(),
    "settings": anything(),
    "tos_acceptance": group(date=integer(), ip=text(), service_agreement=text(), user_agent=text()),
}


@endpoint(
    "POST",
    "/v1/accounts",
    type=text("custom", "express", "standard"),
    country=text(longest=2),
    controller=anything(),
    **PROFILE,
)
def create_account(call: Call) -> Json:
    """A provider's account. The sandbox asks for no papers: what is requested is active at once.

    Without `external_account` a bank account in the country's currency is opened for it.
    """
    ask = call.params
    country = ask.get("country", "US").upper()
    currency = CURRENCIES.get(country)
    if currency is None:
        raise invalid(f"{country} is not currently supported by Stripe.", param="country")
    kind = ask.get("type", "none" if "controller" in ask else "standard")
    account = call.create("acct", "account")
    del account["livemode"]
    dashboards = {"custom": "none", "express": "express", "standard": "full", "none": "none"}
    account |= {
        "business_profile": dict.fromkeys(
            ("mcc", "name", "product_description", "support_address", "support_email")
            + ("support_phone", "support_url", "url")
        ),
        "business_type": None,
        "capabilities": {},
        "charges_enabled": False,
        "controller": {
            "fees": {"payer": "account" if kind == "standard" else "application_express"},
            "is_controller": True,
            "losses": {"payments": "stripe" if kind == "standard" else "application"},
            "requirement_collection": "application" if kind == "custom" else "stripe",
            "stripe_dashboard": {"type": dashboards[kind]},
            "type": "application",
        },
        "country": country,
        "default_currency": money.currency(ask.get("default_currency", currency)),
        "details_submitted": True,
        "email": None,
        "external_accounts": pages([], f"/v1/accounts/{account['id']}/external_accounts"),
        "future_requirements": dict(NOTHING_DUE),
        "metadata": {},
        "payouts_enabled": True,
        "requirements": dict(NOTHING_DUE),
        "settings": settings(),
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": kind,
    }
    open_bank(call, account, ask.get("external_account"))
    call.keep(fill(account, ask))
    emit(call.at(account["id"]), "account.updated", account)
    return account


NOTHING_DUE: Json = {
    "alternatives": [],
    "current_deadline": None,
    "currently_due": [],
    "disabled_reason": None,
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}


def settings() -> Json:
    """Payouts are made by hand: the city says when."""
    return {
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
        },
        "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
        "payments": {"statement_descriptor": None},
        "payouts": {
            "debit_negative_balances": False,
            "schedule": {"delay_days": 2, "interval": "manual"},
            "statement_descriptor": None,
        },
    }


def open_bank(call: Call, account: Json, given: Any) -> None:
    """Give the account the bank account its payouts go to."""
    bank = given if isinstance(given, dict) else {}
    number = bank.get("account_number", "000123456789")
    currency = money.currency(bank.get("currency") or account["default_currency"])
    opened = {
        "id": new_id("ba"),
        "object": "bank_account",
        "account": account["id"],
        "account_holder_name": bank.get("account_holder_name"),
        "account_holder_type": bank.get("account_holder_type"),
        "account_type": None,
        "available_payout_methods": ["standard"],
        "bank_name": "SANDBOX BANK",
        "country": bank.get("country", account["country"]),
        "currency": currency,
        "default_for_currency": True,
        "fingerprint": new_id("x")[2:18],
        "future_requirements": dict(NOTHING_DUE),
        "last4": number[-4:],
        "metadata": {},
        "requirements": dict(NOTHING_DUE),
        "routing_number": bank.get("routing_number"),
        "status": "new",
    }
    for name in ("future_requirements", "requirements"):
        opened[name] = {part: [] for part in BANK_DUE}
    call.at(account["id"]).keep(opened, hidden={"fails": number if number in FAILING else None})
    others = [old for old in account["external_accounts"]["data"] if old["currency"] != currency]
    account["external_accounts"]["data"] = [*others, opened]


BANK_DUE = ("currently_due", "errors", "past_due", "pending_verification")


def fill(account: Json, ask: Json) -> Json:
    for name in ("business_type", "email"):
        if name in ask:
            account[name] = ask[name]
    if "business_profile" in ask:
        account["business_profile"] |= ask["business_profile"]
    if "metadata" in ask:
        account["metadata"] = merged(account["metadata"], ask["metadata"])
    if "tos_acceptance" in ask:
        account["tos_acceptance"] |= ask["tos_acceptance"]
    for name, wish in ask.get("capabilities", {}).items():
        if wish.get("requested"):
            account["capabilities"][name] = "active"
        elif wish.get("requested") is False:
            account["capabilities"].pop(name, None)
    account["charges_enabled"] = account["capabilities"].get("card_payments") == "active"
    return account


@endpoint("GET", "/v1/accounts/{id}")
def retrieve_account(call: Call) -> Json:
    return call.refer_account(call.ids["id"])


@endpoint("GET", "/v1/account")
def retrieve_own_account(call: Call) -> Json:
    """The account this key stands for: the connected one, or the platform itself."""
    if call.account != PLATFORM:
        return call.refer_account(call.account)
    return {
        "id": "acct_platform",
        "object": "account",
        "business_type": "government_entity",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "details_submitted": True,
        "email": None,
        "metadata": {},
        "payouts_enabled": True,
        "settings": settings(),
        "type": "standard",
    }


@endpoint("POST", "/v1/accounts/{id}", **PROFILE)
def update_account(call: Call) -> Json:
    account = fill(call.refer_account(call.ids["id"]), call.params)
    if "default_currency" in call.params:
        account["default_currency"] = money.currency(call.params["default_currency"])
    if "external_account" in call.params:
        open_bank(call, account, call.params["external_account"])
    call.store.save(account)
    emit(call.at(account["id"]), "account.updated", account)
    return account


@listed("/v1/accounts")
def list_accounts(call: Call) -> Json:
    return call.listing("account")


def able(account: Json) -> None:
    """Refuse to send money to an account that may not take any."""
    if "active" not in account["capabilities"].values():
        raise invalid(
            "Your destination account needs to have at least one of the following capabilities "
            "enabled: transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )


def destination(call: Call, identifier: str, param: str = "destination") -> Json:
    """The connected account a transfer goes to."""
    found = call.store.get(identifier, kind="account", account=PLATFORM)
    if found is None:
        raise missing("destination", identifier, param=param, status=400)
    return found
