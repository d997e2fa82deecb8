"""Every question the SDK asks and every answer the bank gives, against Stripe's own description."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from cityplatform.sandbox import app, forms  # noqa: F401  (app registers every endpoint)
from cityplatform.sandbox.endpoints import ENDPOINTS, pattern
from tests.sandbox.bank import Bank

SPEC = "stripe/spec3.2026-05-27.dahlia.json"
PLACE = re.compile(r"\{\w+\}")
FORM = {"number": "4242 4242 4242 4242", "expiry": "12 / 34", "code": "123", "name": "Camila"}


def json_schema(node: Any) -> Any:
    """OpenAPI 3.0 says `nullable`; JSON Schema says it with `anyOf`."""
    if isinstance(node, list):
        return [json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    told = {name: json_schema(item) for name, item in node.items() if name != "nullable"}
    if node.get("nullable") is True:
        return {"anyOf": [told, {"type": "null"}]}
    return told


class Contract:
    """Stripe's published description of its API."""

    def __init__(self, file: Path) -> None:
        self.spec = json_schema(json.loads(file.read_text()))
        self.registry = Registry().with_resource(
            "stripe", Resource.from_contents(self.spec, default_specification=DRAFT202012)
        )
        self.paths = [
            (re.compile(PLACE.sub("[^/]+", path)), path)
            for path in sorted(self.spec["paths"], key=lambda path: (path.count("{"), path))
        ]

    def operation(self, method: str, url: str) -> dict[str, Any]:
        asked = urlsplit(url).path
        for shape, path in self.paths:
            if shape.fullmatch(asked) and method in self.spec["paths"][path]:
                return self.spec["paths"][path][method]
        raise AssertionError(f"Stripe has no {method} {asked}")

    def violations(self, schema: dict[str, Any], value: Any) -> list[str]:
        schema = json.loads(json.dumps(schema).replace('"#/components', '"stripe#/components'))
        judge = Draft202012Validator(schema, registry=self.registry)
        return [f"{error.json_path}: {error.message[:200]}" for error in judge.iter_errors(value)]

    def component(self, name: str, value: Any) -> list[str]:
        return self.violations({"$ref": f"#/components/schemas/{name}"}, value)

    def asked(self, method: str, url: str, body: str | None) -> list[str]:
        """What is wrong with a question."""
        operation = self.operation(method, url)
        if method == "post":
            content = operation["requestBody"]["content"]
            schema = content["application/x-www-form-urlencoded"]["schema"]
            return self.violations(schema, typed(schema, forms.decode(body or "")))
        schemas = {one["name"]: one["schema"] for one in operation.get("parameters", [])}
        wrong = []
        for name, value in forms.decode(urlsplit(url).query).items():
            if name not in schemas:
                wrong.append(f"{name} is not a parameter of {url}")
            else:
                wrong += self.violations(schemas[name], typed(schemas[name], value))
        return wrong

    def answered(self, method: str, url: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer."""
        answers = self.operation(method, url)["responses"]
        answer = answers.get(str(status), answers["default"])
        return self.violations(answer["content"]["application/json"]["schema"], body)


def typed(schema: dict[str, Any], value: Any) -> Any:
    """Texts of a form as what the schema wants them to be."""
    for one in schema.get("anyOf", []):
        better = typed(one, value)
        if better is not value:
            return better
    kind = schema.get("type")
    if kind == "integer" and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind == "array" and isinstance(value, list):
        return [typed(schema["items"], item) for item in value]
    if kind == "object" and isinstance(value, dict):
        fields = schema.get("properties", {})
        return {name: typed(fields.get(name, {}), item) for name, item in value.items()}
    return value


class Recording(stripe.RequestsClient):
    """The SDK's own way out, with a copy of what went through it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str, str | None, int, Any]] = []

    def request(self, method, url, headers, post_data=None):
        body, status, more = super().request(method, url, headers, post_data)
        self.seen.append((method, url, post_data, status, json.loads(body)))
        return body, status, more


def refused(kind: type[Exception], question, *args: Any) -> None:
    with pytest.raises(kind):
        question(*args)


def live_through_everything(bank, api) -> None:
    """Ask every endpoint at least once, and be refused in every way."""
    v1 = api.v1
    camila = v1.customers.create(
        {
            "name": "Camila",
            "email": "camila@city.example",
            "payment_method": "pm_card_visa",
            "metadata": {"person": "7"},
        }
    )
    v1.customers.retrieve(camila.id)
    v1.customers.update(camila.id, {"phone": "+56 51 2 123456"})
    v1.customers.list({"email": camila.email, "limit": 3})
    [card] = v1.customers.payment_methods.list(camila.id).data
    v1.customers.payment_methods.retrieve(camila.id, card.id)
    v1.payment_methods.retrieve(card.id)
    v1.payment_methods.update(card.id, {"billing_details": {"name": "C. Rojas"}})
    v1.payment_methods.list({"customer": camila.id, "type": "card"})
    spare = v1.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}})
    v1.payment_methods.attach(spare.id, {"customer": camila.id})
    v1.payment_methods.detach(spare.id)

    setup = v1.setup_intents.create({"customer": camila.id, "usage": "off_session"})
    v1.setup_intents.retrieve(setup.id)
    v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    other = v1.setup_intents.create({"payment_method_types": ["card"]})
    v1.setup_intents.confirm(
        other.id,
        {"payment_method": "pm_card_authenticationRequired", "return_url": "https://a.example/"},
    )
    v1.setup_intents.cancel(other.id)
    v1.setup_intents.list({"customer": camila.id})
    declined = {"payment_method": "pm_card_chargeDeclined", "confirm": True}
    refused(stripe.CardError, v1.setup_intents.create, declined)

    urls = {"success_url": "https://a.example/?s={CHECKOUT_SESSION_ID}"}
    page = v1.checkout.sessions.create(
        {"mode": "setup", "currency": "clp", "customer": camila.id, **urls}
    )
    assert bank.visit(page.url, FORM).status == 303
    v1.checkout.sessions.retrieve(page.id, {"expand": ["setup_intent.payment_method", "customer"]})
    basket = {"currency": "clp", "unit_amount": 990, "product_data": {"name": "Marraqueta"}}
    page = v1.checkout.sessions.create(
        {"mode": "payment", "line_items": [{"quantity": 2, "price_data": basket}], **urls}
    )
    assert bank.visit(page.url, FORM).status == 303
    v1.checkout.sessions.retrieve(page.id, {"expand": ["payment_intent", "line_items"]})
    page = v1.checkout.sessions.create({"mode": "setup", "currency": "clp", **urls})
    v1.checkout.sessions.expire(page.id)
    v1.checkout.sessions.list({"limit": 5})

    hold = {
        "amount": 2450,
        "currency": "clp",
        "customer": camila.id,
        "payment_method": card.id,
        "payment_method_types": ["card"],
        "capture_method": "manual",
        "confirm": True,
        "off_session": True,
        "transfer_group": "R-1",
        "metadata": {"order": "R-1"},
    }
    fare = v1.payment_intents.create(hold, {"idempotency_key": "contract"})
    changed = {**hold, "amount": 2451}
    with pytest.raises(stripe.IdempotencyError):
        v1.payment_intents.create(changed, {"idempotency_key": "contract"})
    v1.payment_intents.update(fare.id, {"description": "A ride"})
    v1.payment_intents.capture(fare.id, {"amount_to_capture": 2400})
    refused(stripe.InvalidRequestError, v1.payment_intents.capture, fare.id)
    v1.payment_intents.cancel(v1.payment_intents.create(hold).id)
    v1.payment_intents.list({"customer": camila.id})
    refused(stripe.InvalidRequestError, v1.payment_intents.retrieve, "pi_nothing")
    refused(
        stripe.CardError,
        v1.payment_intents.create,
        {"amount": 900, "currency": "clp", "payment_method": "pm_card_chargeDeclined"}
        | {"confirm": True},
    )
    waiting = v1.payment_intents.create({"amount": 900, "currency": "eur"})
    v1.payment_intents.confirm(
        waiting.id,
        {"payment_method": "pm_card_authenticationRequired", "return_url": "https://a.example/"},
    )
    v1.payment_intents.confirm(waiting.id, {"payment_method": "pm_card_authenticationRequired"})

    fare = v1.payment_intents.retrieve(
        fare.id, {"expand": ["latest_charge.balance_transaction", "customer", "payment_method"]}
    )
    charge = fare.latest_charge
    v1.charges.retrieve(charge.id, {"expand": ["refunds", "payment_intent"]})
    v1.charges.update(charge.id, {"description": "A ride"})
    v1.charges.list({"payment_intent": fare.id})
    refund = v1.refunds.create({"payment_intent": fare.id, "amount": 100})
    v1.refunds.retrieve(refund.id, {"expand": ["balance_transaction", "charge"]})
    v1.refunds.update(refund.id, {"metadata": {"why": "late"}})
    v1.refunds.list({"payment_intent": fare.id})
    api.raw_request("get", f"/v1/charges/{charge.id}/refunds")
    refused(stripe.InvalidRequestError, v1.refunds.create, {"charge": charge.id, "amount": 9999})

    driver = v1.accounts.create(
        {
            "type": "express",
            "country": "CL",
            "email": "marco@city.example",
            "business_profile": {"name": "Marco"},
            "capabilities": {"transfers": {"requested": True}},
        }
    )
    theirs = {"stripe_account": driver.id}
    v1.accounts.retrieve(driver.id)
    v1.accounts.retrieve_current()
    v1.accounts.update(driver.id, {"metadata": {"plate": "LXTR42"}})
    v1.accounts.list({"limit": 2})
    transfer = v1.transfers.create(
        {"currency": "clp", "amount": 2000, "destination": driver.id}
        | {"source_transaction": charge.id}
    )
    v1.transfers.retrieve(transfer.id, {"expand": ["destination_payment", "balance_transaction"]})
    v1.transfers.update(transfer.id, {"description": "R-1"})
    reversal = v1.transfers.reversals.create(transfer.id, {"amount": 100})
    v1.transfers.reversals.retrieve(transfer.id, reversal.id)
    v1.transfers.reversals.list(transfer.id)
    v1.transfers.list({"destination": driver.id, "transfer_group": "R-1"})
    split = v1.payment_intents.create(
        {"amount": 1000, "currency": "clp", "payment_method": "pm_card_visa", "confirm": True}
        | {"application_fee_amount": 100, "transfer_data": {"destination": driver.id}}
    )
    v1.charges.retrieve(split.latest_charge, {"expand": ["application_fee", "transfer"]})
    v1.refunds.create(
        {"payment_intent": split.id, "reverse_transfer": True, "refund_application_fee": True}
    )
    v1.charges.list(None, theirs)
    v1.balance.retrieve(None, theirs)
    v1.balance.retrieve()
    [entry, *_] = v1.balance_transactions.list(None, theirs).data
    v1.balance_transactions.retrieve(entry.id, None, theirs)
    v1.balance_transactions.list({"source": charge.id, "expand": ["data.source"]})
    payout = v1.payouts.create({"amount": 500, "currency": "clp"}, theirs)
    v1.payouts.retrieve(payout.id, {"expand": ["balance_transaction"]}, theirs)
    v1.payouts.update(payout.id, {"metadata": {"week": "47"}}, theirs)
    v1.payouts.list({"status": "in_transit"}, theirs)
    refused(stripe.InvalidRequestError, v1.payouts.cancel, payout.id, None, theirs)
    refused(
        stripe.InvalidRequestError, v1.payouts.create, {"amount": 10**7, "currency": "clp"}, theirs
    )

    disputed = v1.payment_intents.create(
        {"amount": 900, "currency": "usd", "payment_method": "pm_card_createDispute"}
        | {"confirm": True}
    )
    [dispute] = v1.disputes.list({"payment_intent": disputed.id}).data
    v1.disputes.retrieve(dispute.id)
    v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Camila"}})
    v1.disputes.close(dispute.id)
    refused(stripe.InvalidRequestError, v1.disputes.close, dispute.id)
    [event] = v1.events.list({"type": "charge.dispute.closed", "limit": 1}).data
    v1.events.retrieve(event.id)
    v1.customers.delete(camila.id)
    v1.customers.retrieve(camila.id)


@pytest.fixture(scope="module")
def contract(data_dir) -> Contract:
    return Contract(data_dir / SPEC)


@pytest.fixture(scope="module")
def lived(tmp_path_factory) -> Iterator[tuple[Bank, Recording]]:
    """A bank of its own after a full life, and all that was said."""
    with Bank(tmp_path_factory.mktemp("contract")) as bank:
        way_out = Recording()
        live_through_everything(bank, bank.client(http_client=way_out))
        bank.advance(8 * 86_400)
        yield bank, way_out


@pytest.mark.data
def test_every_question_and_every_answer_is_as_stripe_describes_it(contract, lived):
    _, way_out = lived
    wrong = []
    for method, url, post_data, status, body in way_out.seen:
        told = []
        if status == 200:  # what was refused was meant to be wrong
            told += contract.asked(method, url, post_data)
        told += contract.answered(method, url, status, body)
        wrong += [f"{method} {urlsplit(url).path} {status}: {one}" for one in told]
    assert wrong == []


def test_every_endpoint_is_asked(lived):
    _, way_out = lived
    asked = {(method.upper(), urlsplit(url).path) for method, url, *_ in way_out.seen}
    unasked = {
        (one.method, one.path)
        for one in ENDPOINTS
        if not any(
            one.method == method and pattern(one.path).fullmatch(path) for method, path in asked
        )
    }
    assert unasked == set()


@pytest.mark.data
def test_every_event_is_as_stripe_describes_it(contract, lived):
    bank, _ = lived
    wrong, kinds = [], set()
    for event in bank.client().v1.events.list({"limit": 100}).auto_paging_iter():
        told = event.to_dict()
        thing = told["data"]["object"]
        kinds.add(told["type"])
        wrong += [f"{told['type']}: {one}" for one in contract.component("event", told)]
        name = thing["object"]
        wrong += [f"{told['type']}: {one}" for one in contract.component(name, thing)]
    assert wrong == []
    assert kinds >= {"payment_intent.succeeded", "charge.refunded", "checkout.session.completed"}


@pytest.mark.data
def test_the_contract_itself_finds_what_is_wrong(contract):
    url = "http://bank/v1/payment_intents"
    assert contract.asked("post", url, "amount=10&currency=clp") == []
    assert len(contract.asked("post", url, "amount=x&bogus=1")) == 3
    assert contract.answered("get", "http://bank/v1/payouts/po_1", 200, {"object": "payout"})
    assert contract.asked("get", "http://bank/v1/payouts?bogus=1", None) != []
    fare = {"object": "payment_intent", "id": "pi_1", "created": 1, "livemode": False}
    assert contract.component("payment_intent", {**fare, "status": "succeeded"}) == []
    assert len(contract.component("payment_intent", {**fare, "status": "paid", "amount": "1"})) == 2
