"""While nothing is sealed for hours no money leaves; somebody is told long before."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from apps.audit import operations as audit
from apps.audit import queries as evidence
from apps.audit.models import Seal
from apps.kernel import clock
from apps.payments.models import Attempt
from apps.regulation.seals import STREAM
from apps.settlement import operations
from apps.settlement.models import Night, Payout
from cityplatform import health
from tests import factories
from tests.audit.test_seals import bend, keep
from tests.factories import CITY, OFFICER, CityFactory, ProviderFactory
from tests.payments.city import relay
from tests.regulation.test_sealed_decisions import decide
from tests.settlement.test_nights import book

pytestmark = pytest.mark.django_db(transaction=True)

HOURS = timedelta(hours=1)


@pytest.fixture
def sealed_at():
    """When the logs were sealed last."""
    return Seal.objects.latest("pk").sealed_at


def settle(provider, at):
    return operations.settle(provider_id=provider.pk, currency="CLP", day=at.date(), by=CITY, at=at)


def test_after_four_hours_nothing_is_paid_out_and_then_it_is_again(sealed_at):
    provider = ProviderFactory()
    book(provider, 900, "capture:1")
    late = sealed_at + 4 * HOURS + timedelta(seconds=1)

    with pytest.raises(audit.NotSealed, match="nothing has been sealed for 4.0 hours"):
        settle(provider, late)
    assert Payout.objects.count() == 0

    relay()
    audit.seal_all(at=late)
    assert settle(provider, late).amount_minor == 900


def test_up_to_four_hours_it_is_paid_out(sealed_at):
    provider = ProviderFactory()
    book(provider, 900, "capture:1")

    assert settle(provider, sealed_at + 4 * HOURS).amount_minor == 900


def test_a_payout_that_waits_is_not_sent_released_or_sent_once_more(sealed_at):
    provider = ProviderFactory()
    book(provider, 900, "capture:1")
    payout = settle(provider, sealed_at)
    late = sealed_at + 5 * HOURS
    told = {"payout_id": payout.pk, "reason": "asked", "by": OFFICER, "at": late}

    with pytest.raises(audit.NotSealed):
        operations.send(ref=payout.ref, by=CITY, at=late)
    with pytest.raises(audit.NotSealed):
        operations.release_payout(**told)
    with pytest.raises(audit.NotSealed):
        operations.retry_payout(**told)
    # To keep one back needs no proof.
    operations.hold_payout(**told)
    assert Payout.objects.get().state == Payout.State.HELD


def test_the_night_is_not_over_until_it_was_paid(sealed_at):
    noon = CityFactory().now(sealed_at + 48 * HOURS).replace(hour=12)
    book(ProviderFactory(), 900, "capture:1")

    with pytest.raises(audit.NotSealed):
        operations.settle_due(at=noon)

    assert not Night.objects.exists()


def test_money_that_was_on_its_way_waits_at_the_last_door():
    provider = ProviderFactory()
    book(provider, 900, "capture:1")
    payout = settle(provider, clock.now())
    operations.send(ref=payout.ref, by=CITY, at=clock.now())
    age(5 * HOURS)

    relay()

    attempt = Attempt.objects.get(kind="TRANSFER")
    assert (attempt.tries, attempt.answered_at) == (1, None)
    assert "nothing has been sealed" in attempt.error


def test_the_command_says_why(capsys):
    age(5 * HOURS)

    with pytest.raises(CommandError, match=r"nothing has been sealed for 5.0 hours"):
        call_command("settle")


class TestTheAlarm:
    def test_it_is_given_after_a_quarter_of_an_hour(self, client, settings, monkeypatch):
        monkeypatch.setattr(health, "STARTED", health.STARTED - 1_000)
        settings.METRICS_TOKEN = "word"
        client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))

        def told():
            ready = client.get("/readyz").json()
            page = client.get("/admin/platform/").content.decode()
            metrics = client.get("/metrics", headers={"Authorization": "Bearer word"})
            line = next(
                line
                for line in metrics.content.decode().splitlines()
                if line.startswith("city_seal_age_seconds")
            )
            return ready["parts"]["seals"], "Since the logs were sealed" in page, line.split()[1]

        part, is_there, seconds = told()
        assert (part, is_there) == ("ok", True)
        assert float(seconds) < 60

        age(16 * HOURS / 60)

        part, is_there, seconds = told()
        assert part == "nothing sealed for 16 min"
        assert float(seconds) > 900

    def test_a_log_that_is_left_behind_is_as_late_as_it_is(self, sealed_at):
        """The audit goes on being sealed, and the decisions are not."""
        assert evidence.seal_age(sealed_at + HOURS) == HOURS
        decide()
        keep(10)
        audit.seal(stream="audit.record", at=sealed_at + HOURS)
        later = sealed_at + 6 * HOURS
        keep(11)
        audit.seal(stream="audit.record", at=later)

        assert evidence.seal_age(later) == 5 * HOURS
        with pytest.raises(audit.NotSealed):
            audit.require_sealed(at=later)
        audit.seal(stream=STREAM, at=later)
        assert evidence.seal_age(later) == timedelta(0)


def age(by):
    """Let the seals be older than they are, as only the owner of the server could."""
    bend("UPDATE audit_seal SET sealed_at = sealed_at - %s", by, table="audit_seal")
