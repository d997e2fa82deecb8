"""The bank's own pages, without a script: entering a card and approving a payment."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe

FORM = {"number": "4242 4242 4242 4242", "expiry": "12 / 34", "code": "123", "name": "Camila Rojas"}
BACK = "http://127.0.0.1:8000/me/cards/?session={CHECKOUT_SESSION_ID}"


@pytest.fixture
def session(api, camila):
    def open_page(**more) -> stripe.checkout.Session:
        return api.v1.checkout.sessions.create(
            {
                "mode": "setup",
                "customer": camila.id,
                "currency": "clp",
                "success_url": BACK,
                "cancel_url": "http://127.0.0.1:8000/me/",
                **more,
            }
        )

    return open_page


def typed(number: str, **more: str) -> dict[str, str]:
    return {**FORM, "number": number, **more}


def test_the_page_says_that_no_money_is_real_and_is_filled_in(bank, session):
    page = bank.visit(session().url)
    assert page.status == 200
    assert "Sandbox bank: no real money" in page.html
    assert 'value="4242 4242 4242 4242"' in page.html
    assert 'value="Camila Rojas"' in page.html
    assert 'href="http://127.0.0.1:8000/me/"' in page.html
    assert "<script" not in page.html
    assert "style=" not in page.html
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:8000" in policy


def test_the_page_speaks_spanish(bank, session):
    url = session().url
    assert "Guardar esta tarjeta" in bank.visit(url, Accept_Language="es-CL,es;q=0.9").html
    assert "Keep this card" in bank.visit(session(locale="en").url, Accept_Language="es").html
    assert '<html lang="es">' in bank.visit(session(locale="es-419").url).html


def test_a_card_is_kept_and_the_way_leads_back(bank, api, camila, session, authorise):
    made = session()
    page = bank.visit(made.url, FORM)
    assert page.status == 303
    assert page.to == f"http://127.0.0.1:8000/me/cards/?session={made.id}"
    done = api.v1.checkout.sessions.retrieve(made.id, {"expand": ["setup_intent.payment_method"]})
    assert (done.status, done.url) == ("complete", None)
    card = done.setup_intent.payment_method
    assert (card.card.brand, card.card.last4, card.card.exp_year) == ("visa", "4242", 2034)
    assert (card.customer, card.billing_details.name) == (camila.id, "Camila Rojas")
    assert authorise(card=card.id).status == "requires_capture"
    again = bank.visit(f"{bank.url}/pay/{made.id}", FORM)
    assert (again.status, "This page is finished" in again.html) == (200, True)
    assert len(api.v1.payment_methods.list({"customer": camila.id}).data) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"number": ""}, "Enter the card number"),
        ({"number": "4242 4242 4242 4243"}, "This is not a card number"),
        ({"number": "4111 1111 1111 1111"}, "This is not a test card"),
        ({"expiry": "13 / 30"}, "Enter the month and year on the card"),
        ({"expiry": "soon"}, "Enter the month and year on the card"),
        ({"expiry": "01 / 20"}, "This card has run out"),
        ({"code": "12"}, "Enter the 3 digits on the back"),
        ({"name": " "}, "Enter the name as it stands on the card"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(bank, session, wrong, told):
    [field] = wrong
    page = bank.visit(session().url, {**FORM, **wrong})
    assert page.status == 422
    assert page.html.count(told) == 2  # in the summary and at the field
    assert f'<a href="#{field}">' in page.html
    assert f'aria-describedby="{field}-hint {field}-error"' in page.html or field == "name"
    assert page.html.count('aria-invalid="true"') == 1


def test_what_was_typed_comes_back_as_text(bank, session):
    page = bank.visit(session().url, {**FORM, "name": '"><script>alert(1)</script>', "code": ""})
    assert "<script" not in page.html
    assert "&lt;script&gt;" in page.html


def test_a_refused_card_can_be_followed_by_another(bank, api, session):
    made = session()
    page = bank.visit(made.url, typed("4000 0000 0000 9995"))
    assert page.status == 422
    assert "The account does not hold enough money." in page.html
    assert "Nothing was taken." in page.html
    assert api.v1.checkout.sessions.retrieve(made.id).status == "open"
    assert bank.visit(made.url, FORM).status == 303


def test_every_test_card_on_the_list_fills_the_form(bank, session):
    page = bank.visit(session().url)
    links = re.findall(r'href="(/pay/[^"]+)"', page.html)
    assert len(links) == 8
    for link in links:
        number = parse_qs(urlsplit(link).query)["card"][0]
        shown = bank.visit(bank.url + link).html
        assert f'value="{" ".join(re.findall("....", number))}"' in shown


def test_a_card_that_wants_approval_is_approved_once_and_pays_alone(bank, api, session, authorise):
    made = session()
    page = bank.visit(made.url, typed("4000 0025 0000 3155"))
    assert page.to.startswith("/approve/seti_")
    question = bank.visit(bank.url + page.to)
    assert "card ending in 3155" in question.html
    page = bank.visit(bank.url + page.to, {"answer": "approve"})
    assert page.to == f"http://127.0.0.1:8000/me/cards/?session={made.id}"
    done = api.v1.checkout.sessions.retrieve(made.id, {"expand": ["setup_intent"]})
    assert authorise(card=done.setup_intent.payment_method).status == "requires_capture"


def test_who_refuses_to_approve_keeps_no_card(bank, api, camila, session):
    made = session()
    page = bank.visit(made.url, typed("4000 0027 6000 3184"))
    page = bank.visit(bank.url + page.to, {"answer": "refuse"})
    assert page.status == 422
    assert "You did not approve" in page.html
    assert api.v1.payment_methods.list({"customer": camila.id}).data == []
    assert api.v1.checkout.sessions.retrieve(made.id).status == "open"


def test_a_payment_is_approved_on_the_banks_page(bank, api):
    ask = {
        "amount": 2450,
        "currency": "clp",
        "payment_method": "pm_card_authenticationRequired",
        "confirm": True,
        "capture_method": "manual",
        "return_url": "http://127.0.0.1:8000/rides/7/?tab=pay",
    }
    fare = api.v1.payment_intents.create(ask)
    url = fare.next_action.redirect_to_url.url
    assert "CLP2,450" in bank.visit(url).html
    page = bank.visit(url, {"answer": "approve"})
    asked = parse_qs(urlsplit(page.to).query)
    assert (asked["tab"], asked["redirect_status"]) == (["pay"], ["succeeded"])
    assert asked["payment_intent"] == [fare.id]
    assert api.v1.payment_intents.retrieve(fare.id).status == "requires_capture"
    assert "Approved" in bank.visit(url, {"answer": "refuse"}).html
    assert api.v1.payment_intents.retrieve(fare.id).status == "requires_capture"
    other = api.v1.payment_intents.create(ask)
    page = bank.visit(other.next_action.redirect_to_url.url, {"answer": "refuse"})
    assert "redirect_status=failed" in page.to
    other = api.v1.payment_intents.retrieve(other.id)
    assert other.status == "requires_payment_method"
    assert other.last_payment_error.code == "payment_intent_authentication_failure"


def test_a_basket_is_paid_on_the_banks_page(bank, api):
    made = api.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": BACK,
            "line_items": [
                {
                    "quantity": 2,
                    "price_data": {
                        "currency": "clp",
                        "unit_amount": 1990,
                        "product_data": {"name": "Papaya, 1 kg"},
                    },
                }
            ],
            "payment_intent_data": {"capture_method": "manual", "transfer_group": "B-1"},
        }
    )
    assert (made.amount_total, made.payment_status) == (3980, "unpaid")
    page = bank.visit(made.url)
    assert "Pay CLP3,980" in page.html
    assert "Papaya, 1 kg" in page.html
    assert bank.visit(made.url, typed("4000 0000 0000 0002")).status == 422
    assert bank.visit(made.url, FORM).status == 303
    done = api.v1.checkout.sessions.retrieve(made.id, {"expand": ["payment_intent"]})
    assert (done.status, done.payment_intent.status) == ("complete", "requires_capture")
    assert done.payment_intent.transfer_group == "B-1"


def test_a_page_that_was_closed_says_so(bank, api, session):
    made = session()
    assert api.v1.checkout.sessions.expire(made.id).status == "expired"
    page = bank.visit(made.url)
    assert (page.status, "This page has closed" in page.html) == (410, True)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.checkout.sessions.expire(made.id)


def test_links_that_lead_nowhere_say_so(bank, api, session):
    for path in ("/pay/cs_test_nothing", "/approve/pi_nothing?secret=x"):
        page = bank.visit(bank.url + path)
        assert (page.status, "This page does not exist" in page.html) == (404, True)
    waiting = bank.visit(session().url, typed("4000 0027 6000 3184")).to
    page = bank.visit(bank.url + waiting.split("?")[0] + "?secret=guess", {"answer": "approve"})
    assert page.status == 404


def test_only_a_web_address_can_be_returned_to(session):
    for url in ("javascript:alert(1)", "nowhere", "http://x y/", "http://"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            session(success_url=url)
        assert refused.value.code == "url_invalid"
