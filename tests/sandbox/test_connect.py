"""Money on its way to providers, and back."""

import pytest
import stripe

from tests.sandbox.bank import Bank


@pytest.fixture
def taken(api, authorise):
    """A fare that was taken."""

    def take(amount: int = 1000, **more) -> stripe.Charge:
        fare = api.v1.payment_intents.capture(authorise(amount, **more).id)
        return api.v1.charges.retrieve(fare.latest_charge, {"expand": ["balance_transaction"]})

    return take


def held(api, account: str | None = None) -> tuple[int, int]:
    """Available and pending pesos."""
    balance = api.v1.balance.retrieve(options={"stripe_account": account} if account else {})

    def pesos(parts):
        return sum(part.amount for part in parts if part.currency == "clp")

    return pesos(balance.available), pesos(balance.pending)


def test_a_providers_account_is_opened_and_found_again(api, driver):
    found = api.v1.accounts.retrieve(driver.id)
    assert (found.country, found.default_currency, found.type) == ("CL", "clp", "express")
    assert found.capabilities.transfers == "active"
    assert found.payouts_enabled


def test_the_bank_keeps_its_fee_of_a_capture(api, taken):
    charge = taken(1000)
    entry = charge.balance_transaction
    assert (entry.amount, entry.fee, entry.net, entry.type) == (1000, 29, 971, "charge")
    [listed] = api.v1.balance_transactions.list({"source": charge.id}).data
    assert listed.id == entry.id
    refund = api.v1.refunds.create({"charge": charge.id, "expand": ["balance_transaction"]})
    assert (refund.balance_transaction.amount, refund.balance_transaction.fee) == (-1000, 0)


def test_a_transfer_brings_the_provider_their_part(api, driver, taken):
    charge = taken(2450, transfer_group="R-1")
    transfer = api.v1.transfers.create(
        {
            "amount": 2208,
            "currency": "clp",
            "destination": driver.id,
            "source_transaction": charge.id,
        }
    )
    assert (transfer.amount, transfer.transfer_group) == (2208, "R-1")
    assert held(api, driver.id) == (2208, 0)
    with pytest.raises(stripe.InvalidRequestError, match="must not exceed the source amount"):
        api.v1.transfers.create(
            {
                "amount": 243,
                "currency": "clp",
                "destination": driver.id,
                "source_transaction": charge.id,
            }
        )


def test_a_transfer_is_taken_back_in_part_and_never_twice(api, driver, taken):
    transfer = api.v1.transfers.create(
        {"currency": "clp", "destination": driver.id, "source_transaction": taken(1000).id}
    )
    reversal = api.v1.transfers.reversals.create(transfer.id, {"amount": 100})
    assert (reversal.amount, reversal.transfer) == (100, transfer.id)
    assert held(api, driver.id) == (900, 0)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unreversed amount"):
        api.v1.transfers.reversals.create(transfer.id, {"amount": 901})
    assert api.v1.transfers.retrieve(transfer.id).amount_reversed == 100


def test_no_more_is_transferred_than_the_platform_holds(api, driver):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.transfers.create({"amount": 99_000_000, "currency": "clp", "destination": driver.id})
    assert refused.value.code == "balance_insufficient"


def test_nothing_goes_to_nobody(api, taken):
    ask = {"amount": 1, "currency": "clp"}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.transfers.create({**ask, "destination": "acct_nobody"})
    assert (refused.value.code, refused.value.param) == ("resource_missing", "destination")
    bare = api.v1.accounts.create({"type": "express", "country": "CL"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.transfers.create({**ask, "destination": bare.id})
    assert refused.value.code == "insufficient_capabilities_for_transfer"
    with pytest.raises(stripe.PermissionError):
        api.v1.balance.retrieve(options={"stripe_account": "acct_nobody"})


def test_a_destination_charge_is_split_by_the_bank(api, driver):
    paid = api.v1.payment_intents.create(
        {
            "amount": 1000,
            "currency": "clp",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "application_fee_amount": 120,
            "transfer_data": {"destination": driver.id},
        }
    )
    assert (paid.application_fee_amount, paid.transfer_data.destination) == (120, driver.id)
    assert held(api, driver.id) == (880, 0)
    charge = api.v1.charges.retrieve(paid.latest_charge, {"expand": ["application_fee"]})
    assert (charge.application_fee.amount, charge.application_fee.account) == (120, driver.id)
    api.v1.refunds.create(
        {
            "payment_intent": paid.id,
            "amount": 500,
            "reverse_transfer": True,
            "refund_application_fee": True,
        }
    )
    assert held(api, driver.id) == (440, 0)


def test_a_payout_is_on_its_way_until_its_day(tmp_path):
    with Bank(tmp_path) as bank:
        api = bank.client()
        driver = api.v1.accounts.create(
            {"country": "CL", "type": "express", "capabilities": {"transfers": {"requested": True}}}
        )
        api.v1.payment_intents.create(
            {"amount": 1000, "currency": "clp", "payment_method": "pm_card_visa", "confirm": True}
        )
        api.v1.transfers.create({"amount": 250, "currency": "clp", "destination": driver.id})
        theirs = {"stripe_account": driver.id}
        payout = api.v1.payouts.create({"amount": 250, "currency": "clp"}, theirs)
        assert (payout.amount, payout.status) == (250, "in_transit")
        assert held(api, driver.id) == (0, 0)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            api.v1.payouts.create({"amount": 1, "currency": "clp"}, theirs)
        assert refused.value.code == "balance_insufficient"
        bank.advance(86_400)
        assert api.v1.payouts.retrieve(payout.id, options=theirs).status == "paid"


def test_a_payout_to_a_closed_account_comes_back(tmp_path):
    with Bank(tmp_path) as bank:
        api = bank.client()
        driver = api.v1.accounts.create(
            {
                "country": "CL",
                "type": "custom",
                "capabilities": {"transfers": {"requested": True}},
                "external_account": {
                    "object": "bank_account",
                    "country": "CL",
                    "currency": "clp",
                    "account_number": "000111111113",
                },
            }
        )
        api.v1.payment_intents.create(
            {"amount": 1000, "currency": "clp", "payment_method": "pm_card_visa", "confirm": True}
        )
        api.v1.transfers.create({"amount": 250, "currency": "clp", "destination": driver.id})
        theirs = {"stripe_account": driver.id}
        payout = api.v1.payouts.create({"amount": 250, "currency": "clp"}, theirs)
        bank.advance(86_400)
        payout = api.v1.payouts.retrieve(payout.id, options=theirs)
        assert (payout.status, payout.failure_code) == ("failed", "account_closed")
        assert held(api, driver.id) == (250, 0)


def test_money_waits_before_it_can_be_paid_out_and_an_old_hold_runs_out(tmp_path):
    with Bank(tmp_path, SANDBOX_PENDING_SECONDS="172800") as bank:
        api = bank.client()
        card = {"payment_method": "pm_card_visa", "confirm": True, "currency": "clp"}
        api.v1.payment_intents.create({"amount": 1000, **card})
        fare = api.v1.payment_intents.create({"amount": 500, "capture_method": "manual", **card})
        assert held(api) == (0, 971)
        with pytest.raises(stripe.InvalidRequestError, match="insufficient"):
            api.v1.payouts.create({"amount": 1, "currency": "clp"})
        bank.advance(172_800)
        assert held(api) == (971, 0)
        assert api.v1.payment_intents.retrieve(fare.id).status == "requires_capture"
        bank.advance(5 * 86_400)
        fare = api.v1.payment_intents.retrieve(fare.id)
        assert (fare.status, fare.cancellation_reason) == ("canceled", "automatic")
