"""What officers may do to payments and payouts, and how."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from apps.bus.models import Event
from apps.kernel import clock
from apps.payments import queries
from apps.payments.models import Attempt, Payment
from tests.factories import UserFactory
from tests.payments.city import balances, fresh, relay

pytestmark = pytest.mark.django_db(transaction=True)


def officer(client, *codenames):
    person = UserFactory(is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(person)
    return person


def act(client, row, action, **form):
    page = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_changelist")
    asked = {"action": action, "_selected_action": row.pk, **form}
    return client.post(page, asked, follow=True)


class TestRefund:
    def give(self, client, payment, amount, who="all", key=None, reason="the heating was off"):
        form = {"because": 1, "key": key or uuid4(), "amount": amount, "who": who}
        return act(client, payment, "refund", reason=reason, **form)

    def test_everybody_gives_back_their_part(self, client, town):
        person = officer(client, "view_payment", "refund_payment")
        payment = town.captured()

        asked = act(client, payment, "refund")
        assert "At most 2,450 CLP is left." in asked.content.decode()
        self.give(client, payment, 1000)
        relay()

        assert fresh(payment).refunded_minor == 1000
        refund = payment.attempts.get(kind="REFUND")
        assert refund.reason == "the heating was off"
        assert dict(refund.split) == {
            f"provider:{town.provider.pk}:payable": 901,
            "platform:fees": 32,
            "tax:la-serena:vat": 6,
            "city:la-serena:fees": 61,
        }
        assert Event.objects.get(topic="payments.noted", body__attempt=refund.pk).by == (
            f"officer:{person.pk}"
        )

    def test_the_last_refund_leaves_nobody_with_anything(self, client, town):
        officer(client, "view_payment", "refund_payment")
        payment = town.captured()

        for amount in (1, 999, 1450):
            self.give(client, payment, amount)
            relay()

        assert balances() == {}
        assert queries.refundable(fresh(payment)) == 0

    def test_the_platform_alone(self, client, town):
        officer(client, "view_payment", "refund_payment")
        payment = town.captured()

        self.give(client, payment, 500, who="platform")
        relay()

        assert balances()["platform:fees"] == 500 - 77
        assert balances()[f"provider:{town.provider.pk}:payable"] == -2208

    @pytest.mark.parametrize(
        ("amount", "says"),
        [
            (2451, "At most 2,450 CLP is left."),
            (0, "Give an amount above nothing."),
            (-5, "Give an amount above nothing."),
            ("1.5", "This currency has no smaller coins."),
            ("9" * 400, "no more than 15 digits"),
            ("1e9", "At most 2,450 CLP is left."),
            ("money", "Enter a number."),
            ("", "This field is required."),
        ],
    )
    def test_an_amount_that_is_none_is_said_beside_the_field(self, client, town, amount, says):
        officer(client, "view_payment", "refund_payment")
        payment = town.captured()

        answer = self.give(client, payment, amount)

        assert says in answer.content.decode()
        assert not payment.attempts.filter(kind="REFUND").exists()

    def test_a_form_that_is_sent_twice_is_one_refund(self, client, town):
        officer(client, "view_payment", "refund_payment")
        payment, key = town.captured(), uuid4()

        for _ in range(2):
            self.give(client, payment, 500, key=key)
        relay()

        assert fresh(payment).refunded_minor == 500
        answer = self.give(client, payment, 600, key=key)
        assert "sent before" in answer.content.decode()

    def test_nothing_to_give_back_before_it_is_taken(self, client, town):
        officer(client, "view_payment", "refund_payment")

        answer = act(client, town.authorised(), "refund")

        assert "whose money was taken" in answer.content.decode()

    def test_an_officer_without_the_right_only_looks(self, client, town):
        officer(client, "view_payment")
        payment = town.captured()

        self.give(client, payment, 500)

        assert not Attempt.objects.filter(kind="REFUND").exists()
        page = reverse("admin:payments_payment_change", args=[payment.pk])
        assert "2,450 CLP" in client.get(page).content.decode()


class TestAskAgain:
    def test_a_question_nobody_answered_is_put_once_more(self, client, town, settings):
        person = officer(client, "view_attempt", "ask_again")
        right, settings.STRIPE_API_KEY = settings.STRIPE_API_KEY, ""
        payment = town.authorised()
        settings.STRIPE_API_KEY = right
        attempt = payment.attempts.get()
        Attempt.objects.update(dead_at=clock.now())

        answer = act(client, attempt, "ask_again")
        relay()

        assert "1 question asked again." in answer.content.decode()
        assert fresh(payment).state == Payment.State.AUTHORISED
        assert Event.objects.get(topic="payments.asked_again").by == f"officer:{person.pk}"
        assert "0 questions asked again." in act(client, attempt, "ask_again").content.decode()
