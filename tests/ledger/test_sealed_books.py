import pytest
from django.db import connection

from apps.audit import operations as audit
from apps.audit import queries
from apps.kernel import clock
from apps.ledger.seals import STREAM
from tests.ledger.test_books import post


@pytest.fixture(autouse=True)
def key_file(settings, tmp_path):
    settings.SEAL_KEY_FILE = str(tmp_path / "seal.pem")


@pytest.mark.django_db(transaction=True)
class TestSeals:
    @pytest.fixture(autouse=True)
    def sealed(self):
        for n in range(3):
            post(f"capture:{n}")
        assert audit.seal(stream=STREAM, at=clock.now()).rows == 3

    def test_books_nobody_bent_are_as_they_were_sealed(self):
        post("capture:later")

        assert queries.verify(STREAM).faults == ()

    @pytest.mark.parametrize(
        "order",
        [
            "UPDATE ledger_entry SET amount_minor = amount_minor + sign(amount_minor)"
            " WHERE abs(amount_minor) IN (2450, 2208)",
            "UPDATE ledger_journal SET by = 'officer:9'",
            "DELETE FROM ledger_entry; DELETE FROM ledger_journal",
        ],
        ids=["a sum", "a name", "everything"],
    )
    def test_who_bends_them_behind_the_triggers_is_found_out(self, order):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
            cursor.execute("ALTER TABLE ledger_journal DISABLE TRIGGER USER")
            try:
                cursor.execute(order)
            finally:
                cursor.execute("ALTER TABLE ledger_entry ENABLE TRIGGER USER")
                cursor.execute("ALTER TABLE ledger_journal ENABLE TRIGGER USER")

        assert queries.verify(STREAM).faults
