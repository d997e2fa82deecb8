"""The published roots, and the proof of one event for whoever it is about."""

import json
from datetime import timedelta

import pytest

from apps.audit import keys, verifying
from apps.audit import operations as audit
from apps.audit.models import Record
from apps.bus import operations as bus
from apps.kernel import clock
from apps.regulation.models import Decision
from tests import factories, rides
from tests.audit.test_seals import keep
from tests.browser import assert_accessible, each_look, screenshot
from tests.factories import NOON, SOON

ROOTS = "/api/v1/evidence/roots"


@pytest.fixture(autouse=True)
def key_file(settings, tmp_path):
    settings.SEAL_KEY_FILE = str(tmp_path / "keys" / "seal.pem")


def our_key():
    return keys.public(keys.signing_key())


@pytest.fixture
def holds(tmp_path):
    """Whether a downloaded file is a proof that holds."""

    def check(answer):
        assert answer.status_code == 200, answer.content
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
        path = tmp_path / "proof.json"
        path.write_bytes(answer.content)
        return verifying.run(path, [our_key()], None, print)

    return check


@pytest.mark.django_db(transaction=True)
class TestRoots:
    def test_everybody_reads_the_roots_and_the_public_key(self, client):
        keep(1, 2)
        first = audit.seal(stream="audit.record", at=SOON)
        keep(3)
        second = audit.seal(stream="audit.record", at=SOON)

        told = client.get(ROOTS).json()

        assert told["keys"] == [our_key()]
        assert [one["digest"] for one in told["roots"]] == [second.digest, first.digest]
        assert told["roots"][1]["statement"]["merkle_root"] == first.merkle_root
        assert told["before"] is None
        older = client.get(ROOTS, {"stream": "audit.record", "before": second.pk}).json()
        assert [one["digest"] for one in older["roots"]] == [first.digest]
        assert client.get(ROOTS, {"stream": "ledger.journal"}).json()["roots"] == []
        for wrong in ({"stream": "orders"}, {"before": "x"}, {"before": "9" * 30}):
            assert client.get(ROOTS, wrong).status_code == 422

    def test_the_page_says_which_seal_is_the_newest_and_how_to_check(self, client):
        assert "nothing sealed yet" in client.get("/evidence/").content.decode()
        keep(1, 2)
        sealed = audit.seal(stream="audit.record", at=clock.now())

        page = client.get("/evidence/").content.decode()

        assert sealed.merkle_root in page
        assert our_key() in page
        assert "longer than usual" not in page

    def test_the_page_says_when_nothing_was_sealed_for_long(self, client):
        keep(1)
        audit.seal(stream="audit.record", at=clock.now() - timedelta(minutes=16))

        assert "longer than usual" in client.get("/evidence/").content.decode()

    def test_without_a_key_the_page_still_stands(self, client, settings):
        settings.MODE = "production"
        assert "There is no key to seal with." in client.get("/evidence/").content.decode()
        assert client.get(ROOTS).json()["keys"] == []


@pytest.mark.django_db(transaction=True)
class TestProofs:
    @pytest.fixture(autouse=True)
    def ride(self):
        self.town = rides.town()
        self.order = self.town.place()
        while bus.relay(at=SOON):
            pass
        audit.seal_all(at=SOON)

    def proof(self, client, stream, pk):
        return client.get(f"/api/v1/evidence/{stream}/{pk}")

    def test_who_placed_an_order_has_the_proof_of_what_the_city_decided(self, client, holds):
        decision = Decision.objects.get(order=self.order)
        client.force_login(self.town.rider)

        answer = self.proof(client, "regulation.decision", decision.pk)

        assert holds(answer)
        assert json.loads(answer.json()["row"])["id"] == decision.pk
        page = client.get(f"/orders/{self.order.ref}/", follow=True)
        assert page.status_code == 200

    def test_and_of_what_happened_to_it(self, client, holds):
        client.force_login(self.town.rider)
        records = Record.objects.filter(topic="orders.placed")

        assert holds(self.proof(client, "audit.record", records.get().pk))

    def test_the_provider_has_it_and_strangers_have_not(self, client, holds):
        decision = Decision.objects.get(order=self.order)
        owner = factories.MembershipFactory(provider=decision.provider).user
        client.force_login(owner)
        assert holds(self.proof(client, "regulation.decision", decision.pk))

        client.force_login(factories.UserFactory())
        record = Record.objects.first()
        assert self.proof(client, "regulation.decision", decision.pk).status_code == 404
        assert self.proof(client, "audit.record", record.pk).status_code == 404
        assert self.proof(client, "ledger.journal", 1).status_code == 404
        assert self.proof(client, "orders", 1).status_code == 404
        assert self.proof(client, "audit.record", 10**18).status_code == 404

    def test_nobody_has_it_who_is_not_signed_in(self, client):
        assert self.proof(client, "audit.record", 1).status_code in (401, 403)

    def test_what_is_not_sealed_yet_says_so(self, client):
        decision = Decision.objects.get(order=self.order)
        second = self.town.place(at=NOON)
        client.force_login(self.town.rider)

        answer = self.proof(client, "regulation.decision", second.decision_id)

        assert (answer.status_code, answer.json()["code"]) == (409, "not_sealed_yet")
        assert decision.pk != second.decision_id

    def test_an_officer_downloads_it_from_the_page_of_the_row(self, client, holds):
        client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))
        decision = Decision.objects.get(order=self.order)
        page = f"/admin/regulation/decision/{decision.pk}/change/"
        link = f"/admin/regulation/decision/{decision.pk}/proof"
        assert link in client.get(page).content.decode()
        assert holds(client.get(link, follow=True))

        record = Record.objects.first()
        assert holds(client.get(f"/admin/audit/record/{record.pk}/proof", follow=True))
        keep(99_999)
        newest = Record.objects.latest("pk").pk
        said = client.get(f"/admin/audit/record/{newest}/proof", follow=True)
        assert "not sealed yet" in said.content.decode()

    def test_an_officer_without_leave_to_see_it_has_no_proof(self, client):
        client.force_login(factories.UserFactory(is_staff=True))
        decision = Decision.objects.get(order=self.order)
        link = f"/admin/regulation/decision/{decision.pk}/proof"

        assert client.get(link, follow=True).status_code == 403


@pytest.mark.django_db(transaction=True)
@each_look
def test_the_page_can_be_read_by_everybody(new_page, site, width, theme):
    keep(1, 2)
    audit.seal_all(at=clock.now())
    page = new_page(width=width, theme=theme)
    page.goto(f"{site}/evidence/")
    screenshot(page, f"evidence-{width}-{theme}", full=True)
    assert_accessible(page)
