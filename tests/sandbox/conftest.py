from collections.abc import Iterator

import pytest
import stripe

from tests.sandbox.bank import Bank, City


@pytest.fixture(scope="package")
def bank(tmp_path_factory) -> Iterator[Bank]:
    """A sandbox that the tests share; each looks only at what it made itself."""
    with Bank(tmp_path_factory.mktemp("sandbox")) as bank:
        yield bank


@pytest.fixture
def city() -> Iterator[City]:
    with City() as city:
        yield city


@pytest.fixture
def api(bank) -> stripe.StripeClient:
    return bank.client()


@pytest.fixture
def camila(api) -> stripe.Customer:
    return api.v1.customers.create({"name": "Camila Rojas", "email": "camila@city.example"})


@pytest.fixture
def driver(api) -> stripe.Account:
    return api.v1.accounts.create(
        {"type": "express", "country": "CL", "capabilities": {"transfers": {"requested": True}}}
    )


@pytest.fixture
def kept(api):
    """Keep one of the test cards with a customer."""

    def keep(customer: stripe.Customer, card: str = "pm_card_visa") -> stripe.PaymentMethod:
        return api.v1.payment_methods.attach(card, {"customer": customer.id})

    return keep


@pytest.fixture
def authorise(api, camila):
    """A fare put aside on a card, as the city does it."""

    def put_aside(amount: int = 2450, card: str = "pm_card_visa", **more) -> stripe.PaymentIntent:
        ask = {
            "amount": amount,
            "currency": "clp",
            "customer": camila.id,
            "payment_method": card,
            "payment_method_types": ["card"],
            "capture_method": "manual",
            "confirm": True,
            "off_session": True,
            **more,
        }
        return api.v1.payment_intents.create({k: v for k, v in ask.items() if v is not None})

    return put_aside
