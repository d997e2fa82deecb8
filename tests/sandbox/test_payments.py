"""The bank's cards, as the unchanged SDK sees them."""

import pytest
import stripe

from tests.sandbox.bank import KEY


def test_a_fare_is_put_aside_without_being_taken(authorise):
    fare = authorise(2450)
    assert (fare.status, fare.amount, fare.amount_capturable) == ("requires_capture", 2450, 2450)
    assert (fare.amount_received, fare.capture_method) == (0, "manual")


def test_a_payment_made_first_and_confirmed_later_is_put_aside_too(api):
    fare = api.v1.payment_intents.create(
        {"amount": 1000, "currency": "usd", "capture_method": "manual"}
    )
    assert fare.status == "requires_payment_method"
    fare = api.v1.payment_intents.confirm(
        fare.id, {"payment_method": "pm_card_mastercard", "expand": ["payment_method"]}
    )
    assert fare.status == "requires_capture"
    assert fare.payment_method.card.brand == "mastercard"
    assert fare.payment_method.card.last4 == "4444"


def test_part_of_a_fare_is_taken_and_the_rest_let_go(api, authorise):
    fare = api.v1.payment_intents.capture(authorise(1000).id, {"amount_to_capture": 700})
    assert (fare.status, fare.amount_received, fare.amount_capturable) == ("succeeded", 700, 0)
    charge = api.v1.charges.retrieve(fare.latest_charge)
    assert (charge.amount, charge.amount_captured, charge.amount_refunded) == (1000, 700, 0)
    assert charge.captured


def test_a_fare_is_taken_once(api, authorise):
    fare = api.v1.payment_intents.capture(authorise().id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.payment_intents.capture(fare.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert "has a status of succeeded" in str(refused.value)


def test_no_more_is_taken_than_was_put_aside(api, authorise):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.payment_intents.capture(authorise(1000).id, {"amount_to_capture": 1001})
    assert refused.value.code == "amount_too_large"
    assert "CLP1,001" in str(refused.value)


def test_a_fare_is_let_go_and_cannot_be_taken_after(api, authorise):
    fare = api.v1.payment_intents.cancel(
        authorise().id, {"cancellation_reason": "requested_by_customer"}
    )
    assert (fare.status, fare.amount_capturable) == ("canceled", 0)
    with pytest.raises(stripe.InvalidRequestError, match="has a status of canceled"):
        api.v1.payment_intents.capture(fare.id)


def test_what_was_taken_is_still_there_when_asked_again(api, authorise):
    fare = api.v1.payment_intents.capture(authorise(900).id)
    again = api.v1.payment_intents.retrieve(fare.id)
    assert (again.status, again.amount_received) == ("succeeded", 900)
    assert again.to_dict() == fare.to_dict()


def test_a_payment_without_manual_capture_is_taken_at_once(api):
    paid = api.v1.payment_intents.create(
        {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    )
    assert (paid.status, paid.amount_received) == ("succeeded", 1000)
    with pytest.raises(stripe.InvalidRequestError, match="already succeeded"):
        api.v1.payment_intents.confirm(paid.id)


def test_part_of_a_payment_is_given_back(api, authorise):
    fare = api.v1.payment_intents.capture(authorise(1000).id)
    refund = api.v1.refunds.create({"payment_intent": fare.id, "amount": 300})
    assert (refund.amount, refund.status, refund.charge) == (300, "succeeded", fare.latest_charge)
    charge = api.v1.charges.retrieve(fare.latest_charge, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (300, False)
    assert [one.id for one in charge.refunds.data] == [refund.id]


def test_never_more_is_given_back_than_was_taken(api, authorise):
    fare = api.v1.payment_intents.capture(authorise(1000).id, {"amount_to_capture": 700})
    api.v1.refunds.create({"payment_intent": fare.id, "amount": 300})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.refunds.create({"payment_intent": fare.id, "amount": 401})
    assert "(CLP401) is greater than unrefunded amount on charge (CLP400)" in str(refused.value)
    api.v1.refunds.create({"payment_intent": fare.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.refunds.create({"payment_intent": fare.id, "amount": 1})
    assert refused.value.code == "charge_already_refunded"
    assert api.v1.charges.retrieve(fare.latest_charge).refunded


def test_what_was_not_taken_cannot_be_given_back(api, authorise):
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        api.v1.refunds.create({"payment_intent": authorise().id})


@pytest.mark.parametrize(
    ("card", "code", "reason"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ],
)
def test_a_declined_card_raises_the_sdks_own_error(api, authorise, card, code, reason):
    with pytest.raises(stripe.CardError) as refused:
        authorise(card=card)
    assert (refused.value.http_status, refused.value.code) == (402, code)
    assert refused.value.error.decline_code == reason
    tried = api.v1.payment_intents.retrieve(refused.value.error.payment_intent["id"])
    assert tried.status == "requires_payment_method"
    assert tried.last_payment_error.code == code
    assert api.v1.charges.retrieve(tried.latest_charge).status == "failed"


def test_a_card_that_is_kept_can_still_fail_when_it_pays(kept, camila, authorise):
    card = kept(camila, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError, match="Your card was declined"):
        authorise(card=card.id)


def test_a_card_that_is_refused_is_not_kept(api, kept, camila):
    with pytest.raises(stripe.CardError):
        kept(camila, "pm_card_chargeDeclined")
    assert api.v1.payment_methods.list({"customer": camila.id}).data == []


def test_a_card_is_kept_used_again_and_taken_away(api, kept, camila, authorise):
    card = kept(camila)
    assert [one.id for one in api.v1.customers.payment_methods.list(camila.id).data] == [card.id]
    assert authorise(card=card.id).status == "requires_capture"
    assert authorise(card=card.id).status == "requires_capture"
    assert api.v1.payment_methods.detach(card.id).customer is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        authorise(card=card.id)


def test_nobody_pays_with_anothers_card(api, kept, camila, authorise):
    card = kept(camila)
    other = api.v1.customers.create({"name": "Diego"})
    with pytest.raises(stripe.InvalidRequestError, match="belongs to another Customer"):
        authorise(card=card.id, customer=other.id)
    with pytest.raises(stripe.InvalidRequestError, match="Please include the Customer"):
        authorise(card=card.id, customer=None)


def test_a_card_that_wants_approval_asks_for_it(api):
    paid = api.v1.payment_intents.create(
        {
            "amount": 1000,
            "currency": "usd",
            "payment_method": "pm_card_authenticationRequired",
            "confirm": True,
            "return_url": "https://city.example/back",
        }
    )
    assert paid.status == "requires_action"
    assert paid.next_action.type == "redirect_to_url"
    assert paid.next_action.redirect_to_url.return_url == "https://city.example/back"


def test_a_card_that_wants_approval_cannot_pay_while_its_holder_is_away(authorise):
    with pytest.raises(stripe.CardError) as refused:
        authorise(card="pm_card_authenticationRequired")
    assert refused.value.code == "authentication_required"


def test_test_numbers_work_and_real_ones_do_not(api):
    card = {"exp_month": 8, "exp_year": 2032, "cvc": "314"}
    good = api.v1.payment_methods.create(
        {"type": "card", "card": {"number": "4242 4242 4242 4242", **card}}
    )
    assert (good.card.last4, good.card.exp_month, good.card.exp_year) == ("4242", 8, 2032)
    for number, code in [("4111111111111111", "card_declined"), ("4242424242424241",) * 2]:
        with pytest.raises(stripe.CardError) as refused:
            api.v1.payment_methods.create({"type": "card", "card": {"number": number, **card}})
        assert refused.value.code == (code if code != number else "incorrect_number")
    with pytest.raises(stripe.CardError) as refused:
        api.v1.payment_methods.create(
            {"type": "card", "card": {"number": "4242424242424242", **card, "exp_year": 2020}}
        )
    assert refused.value.code == "invalid_expiry_year"


def test_a_disputed_card_is_taken_and_then_disputed(api, authorise):
    fare = api.v1.payment_intents.capture(authorise(5000, "pm_card_createDispute").id)
    [dispute] = api.v1.disputes.list({"payment_intent": fare.id}).data
    assert (dispute.amount, dispute.status) == (5000, "needs_response")
    assert api.v1.charges.retrieve(fare.latest_charge).disputed
    with pytest.raises(stripe.InvalidRequestError, match="has been charged back"):
        api.v1.refunds.create({"payment_intent": fare.id})
    assert api.v1.disputes.close(dispute.id).status == "lost"


def test_an_unknown_parameter_is_named(api):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.payment_intents.create({"amount": 1, "currency": "clp", "bogus": {"a": 1}})
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "bogus")
    assert "Received unknown parameter: bogus" in str(refused.value)


def test_a_missing_parameter_is_named(api):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.payment_intents.create({"amount": 1000})
    assert (refused.value.code, refused.value.param) == ("parameter_missing", "currency")


@pytest.mark.parametrize(
    ("ask", "param", "words"),
    [
        ({"amount": "ten"}, "amount", "Invalid integer: ten"),
        ({"amount": 0}, "amount", "greater than or equal to 1"),
        ({"amount": 49}, "amount", r"at least \$0.50"),
        ({"amount": 100_000_000}, "amount", r"no more than \$999,999.99"),
        ({"currency": "zzz"}, "currency", "Invalid currency: zzz"),
        ({"currency": ""}, "currency", "You passed an empty string"),
        ({"capture_method": "later"}, "capture_method", "must be one of automatic"),
        ({"customer": "cus_nobody"}, "customer", "No such customer: 'cus_nobody'"),
        ({"payment_method": "pm_card_nothing"}, "payment_method", "No such PaymentMethod"),
        ({"metadata": {"k" * 41: "v"}}, "metadata[" + "k" * 41 + "]", "up to 40"),
        ({"expand": ["nonsense"]}, "expand", r"cannot be expanded \(nonsense\)"),
    ],
)
def test_nonsense_is_refused_with_its_reason(api, ask, param, words):
    with pytest.raises(stripe.InvalidRequestError, match=words) as refused:
        api.v1.payment_intents.create({"amount": 1000, "currency": "usd", **ask})
    assert (refused.value.http_status, refused.value.param) == (400, param)


def test_what_does_not_exist_is_a_404(api):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.payment_intents.retrieve("pi_nothing")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    assert "No such payment_intent: 'pi_nothing'" in str(refused.value)


def test_a_wrong_key_opens_nothing(bank):
    with pytest.raises(stripe.AuthenticationError) as refused:
        bank.client(key="sk_test_" + "x" * 32).v1.balance.retrieve()
    assert refused.value.http_status == 401
    assert KEY not in str(refused.value)


def test_a_setup_keeps_a_card_for_later(api, camila, authorise):
    setup = api.v1.setup_intents.create(
        {"customer": camila.id, "payment_method": "pm_card_visa", "confirm": True}
    )
    assert setup.status == "succeeded"
    assert authorise(card=setup.payment_method).status == "requires_capture"


def test_words_on_a_payment_change_and_sums_do_not_once_put_aside(api, authorise):
    fare = authorise(metadata={"order": "R-1", "kerb": "yes"})
    fare = api.v1.payment_intents.update(fare.id, {"metadata": {"order": "R-2", "kerb": ""}})
    assert fare.metadata.to_dict() == {"order": "R-2"}
    with pytest.raises(stripe.InvalidRequestError, match="could not be updated"):
        api.v1.payment_intents.update(fare.id, {"amount": 9999})


def test_lists_are_paged_newest_first(api):
    person = api.v1.customers.create({"email": "pages@city.example"})
    made = [
        api.v1.payment_intents.create({"amount": n, "currency": "clp", "customer": person.id}).id
        for n in (101, 102, 103)
    ]
    first = api.v1.payment_intents.list({"customer": person.id, "limit": 2})
    assert [one.id for one in first.data] == made[:0:-1]
    assert first.has_more
    rest = api.v1.payment_intents.list(
        {"customer": person.id, "limit": 2, "starting_after": made[1]}
    )
    assert [one.id for one in rest.data] == made[:1]
    assert not rest.has_more
    everything = api.v1.payment_intents.list({"customer": person.id, "limit": 1})
    assert [one.id for one in everything.auto_paging_iter()] == made[::-1]
