"""What the bank tells the city."""

import json

import pytest
import stripe

from tests.sandbox.bank import SECRET, Bank


def test_an_event_arrives_signed_and_a_forged_one_does_not_pass(tmp_path, city):
    with Bank(tmp_path, SANDBOX_WEBHOOK_URL=city.url) as bank:
        api = bank.client()
        paid = api.v1.payment_intents.create(
            {"amount": 1000, "currency": "clp", "payment_method": "pm_card_visa", "confirm": True},
            {"idempotency_key": "told"},
        )
        headers, body = city.hear("payment_intent.succeeded")
        event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)
        assert event.data.object.id == paid.id
        assert event.data.object.amount_received == 1000
        assert event.request.idempotency_key == "told"
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(
                body.replace(b"1000", b"9000"), headers["Stripe-Signature"], SECRET
            )
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_other")
        assert api.v1.events.retrieve(event.id).type == "payment_intent.succeeded"


def test_an_event_comes_again_until_it_is_taken(tmp_path, city):
    city.answers.put(500)
    city.answers.put(302)
    with Bank(tmp_path, SANDBOX_WEBHOOK_URL=city.url) as bank:
        bank.client().v1.customers.create({"name": "Rosa"})
        ids = {json.loads(city.hear("customer.created")[1])["id"] for _ in range(3)}
        assert len(ids) == 1


def test_an_event_that_nobody_took_survives_being_killed(tmp_path, city):
    with Bank(tmp_path, SANDBOX_WEBHOOK_URL="http://127.0.0.1:9/") as bank:
        made = bank.client().v1.customers.create({"name": "Rosa"})
        bank.kill()
        bank.env["SANDBOX_WEBHOOK_URL"] = city.url
        bank.start()
        event = json.loads(city.hear("customer.created")[1])
        assert event["data"]["object"]["id"] == made.id


def test_a_providers_event_names_their_account(tmp_path, city):
    with Bank(tmp_path, SANDBOX_WEBHOOK_URL=city.url) as bank:
        api = bank.client()
        driver = api.v1.accounts.create(
            {"country": "CL", "type": "express", "capabilities": {"transfers": {"requested": True}}}
        )
        api.v1.payment_intents.create(
            {"amount": 1000, "currency": "clp", "payment_method": "pm_card_visa", "confirm": True}
        )
        api.v1.transfers.create({"amount": 500, "currency": "clp", "destination": driver.id})
        api.v1.payouts.create({"amount": 500, "currency": "clp"}, {"stripe_account": driver.id})
        bank.advance(86_400)
        event = json.loads(city.hear("payout.paid")[1])
        assert event["account"] == driver.id
        assert event["data"]["object"]["status"] == "paid"
        assert event["request"] == {"id": None, "idempotency_key": None}
