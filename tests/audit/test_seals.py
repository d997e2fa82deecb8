import stat
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings as config
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from apps.audit import keys, queries
from apps.audit import operations as audit
from apps.audit.evidence import digest_of
from apps.audit.models import Record, Seal
from apps.audit.operations import sealing
from apps.audit.seals import statement_of
from apps.bus.models import Event
from tests import engines
from tests.factories import ADA, NOON, SOON
from tests.races import at_once

LOG = "audit.record"


@pytest.fixture(autouse=True)
def key_file(settings, tmp_path):
    settings.SEAL_KEY_FILE = str(tmp_path / "keys" / "seal.pem")
    return Path(settings.SEAL_KEY_FILE)


def keep(*numbers):
    told = {"topic": "tests.kept", "by": ADA, "at": NOON, "source": "ñ"}
    audit.keep(events=[{"event": number, "n": number} | told for number in numbers])


def seal(at=SOON):
    return audit.seal(stream=LOG, at=at)


def verdict():
    """How much is sealed, and what is wrong with it."""
    found = queries.verify(LOG)
    return found.seals, found.rows, [str(fault) for fault in found.faults]


def bend(statement, *told, table="audit_record"):
    """What nobody but the owner of the whole server could do: go round the trigger."""
    postgres, passwords = engines.engines.postgres, engines.engines.installation.passwords
    name = config.DATABASES["default"]["NAME"]
    with postgres.connect(passwords["database"], name) as superuser:
        superuser.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        assert superuser.execute(statement, told).rowcount > 0
        superuser.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.mark.django_db(transaction=True)
class TestSeal:
    def test_it_covers_what_was_written_since_the_last_one(self):
        keep(1, 2, 3)
        first = seal()
        keep(4)
        second = seal()

        assert (first.number, first.rows, first.previous) == (1, 3, "")
        assert (second.number, second.rows, second.previous) == (2, 1, first.digest)
        assert verdict() == (2, 4, [])
        assert [event.body["digest"] for event in Event.objects.order_by("pk")] == [
            first.digest,
            second.digest,
        ]

    def test_nothing_new_is_not_sealed(self):
        assert seal() is None
        keep(1)
        seal()
        assert seal() is None

        assert verdict() == (1, 1, [])

    def test_a_transaction_still_open_is_left_for_the_next_seal(self):
        keep(1)
        with late_writer() as writer:
            keep(3)

            # Row 1 is older than the open transaction; row 3 is younger and must wait for it.
            assert seal().rows == 1
            assert seal() is None
            writer.commit()

        assert seal().rows == 2
        assert verdict() == (2, 3, [])

    def test_a_long_log_takes_several_seals_and_none_splits_a_transaction(self, monkeypatch):
        monkeypatch.setattr(sealing, "LONGEST", 4)
        keep(1, 2)
        keep(3, 4, 5)
        keep(6, 7, 8, 9, 10, 11)
        keep(12)

        made = audit.seal_all(at=SOON)

        assert [each.rows for each in made] == [2, 3, 6, 1]
        assert verdict() == (4, 12, [])

    def test_of_many_who_seal_at_once_one_does(self):
        keep(1, 2, 3)

        answers = at_once(*[seal] * 4)

        assert sorted(map(type, answers), key=str) == sorted([Seal] + [type(None)] * 3, key=str)
        assert Seal.objects.count() == 1

    def test_naive_sealers_are_stopped_by_the_constraint(self):
        keep(1)
        made = seal()
        made.pk = None

        answers = at_once(partial(made.save, force_insert=True))

        assert [type(answer) for answer in answers] == [IntegrityError]

    def test_a_seal_does_not_bend(self):
        keep(1)
        seal()

        with pytest.raises(IntegrityError, match="append-only"):
            Seal.objects.update(rows=7)
        with pytest.raises(IntegrityError, match="append-only"):
            Seal.objects.all().delete()

    def test_an_unknown_log_is_not_sealed(self):
        with pytest.raises(audit.NoSuchStream):
            audit.seal(stream="tests.unknown", at=NOON)

    def test_the_application_cannot_empty_the_log(self, as_the_application):
        with pytest.raises(Exception, match="permission denied"):
            as_the_application.execute("TRUNCATE audit_record")


@contextmanager
def late_writer():
    """Somebody who wrote row 2 and has not committed yet."""
    postgres, passwords = engines.engines.postgres, engines.engines.installation.passwords
    with postgres.connect(passwords["database"], config.DATABASES["default"]["NAME"]) as writer:
        writer.autocommit = False
        writer.execute(
            "INSERT INTO audit_record (event, topic, body, by, happened_at, source)"
            " VALUES (2, 'tests.kept', '{}', 'consumer:1', %s, 'late')",
            [NOON],
        )
        yield writer


@pytest.mark.django_db(transaction=True)
class TestVerify:
    @pytest.fixture(autouse=True)
    def two_seals(self):
        keep(1, 2, 3)
        seal()
        keep(4, 5)
        seal()
        self.ids = list(Record.objects.order_by("pk").values_list("pk", flat=True))

    def wrong(self):
        return verdict()[2]

    def test_a_changed_row_is_named(self):
        bend("UPDATE audit_record SET by = 'nobody:0' WHERE id = %s", self.ids[1])

        assert self.wrong() == [f"row {self.ids[1]} (line 2, seal 1) was changed"]

    def test_every_changed_row_is_named(self):
        bend("""UPDATE audit_record SET body = '{"n": 40}' WHERE id = ANY(%s)""", self.ids[2:4])

        assert self.wrong() == [
            f"row {self.ids[2]} (line 3, seal 1) was changed",
            f"row {self.ids[3]} (line 4, seal 2) was changed",
        ]

    def test_a_dropped_row_is_named(self):
        bend("DELETE FROM audit_record WHERE id = %s", self.ids[4])

        assert self.wrong() == [f"row {self.ids[4]} (line 5, seal 2) was removed"]

    def test_a_row_slipped_in_is_named(self):
        bend(
            "INSERT INTO audit_record (event, topic, body, by, happened_at, source, tx)"
            " SELECT 99, topic, body, by, happened_at, source, tx FROM audit_record WHERE id = %s",
            self.ids[2],
        )

        assert self.wrong() == [f"row {self.ids[4] + 1} was inserted at line 4"]

    def test_a_row_moved_to_another_transaction_is_named(self):
        bend(
            "UPDATE audit_record SET tx = (SELECT max(tx) FROM audit_record) WHERE id = %s",
            self.ids[0],
        )

        assert self.wrong() == [f"row {self.ids[0]} (line 1, seal 1) was moved to line 3"]

    def test_a_row_given_another_number_is_named_by_both(self):
        bend("UPDATE audit_record SET id = 9999999 WHERE id = %s", self.ids[4])

        assert self.wrong() == [
            f"row {self.ids[4]} (line 5, seal 2) was changed, and has number 9999999 now"
        ]

    @pytest.mark.parametrize(
        ("change", "faults"),
        [
            ("rows = 2", ["it does not say what it said when it was sealed"]),
            ("sealed_at = now()", ["it does not say what it said when it was sealed"]),
            ("leaves = leaves || leaves", ["its leaves do not make its root"]),
            ("ids = ids || ids", ["it does not say what it said when it was sealed"]),
            ("signature = repeat('0', 128)", ["its signature is not of its key"]),
            ("signature = 'nonsense'", ["its signature is not of its key"]),
        ],
    )
    def test_a_bent_seal_is_found(self, change, faults):
        bend(f"UPDATE audit_seal SET {change} WHERE number = 1", table="audit_seal")

        assert set(self.wrong()) >= {f"seal 1: {fault}" for fault in faults}

    def test_a_seal_given_another_number_is_missed_at_its_place(self):
        bend("UPDATE audit_seal SET number = 7 WHERE number = 1", table="audit_seal")

        assert "seal 1 is missing (rows 1 to 3 of the log are in none)" in self.wrong()

    def test_a_seal_taken_out_is_missed_and_its_rows_are_not_blamed(self):
        bend("DELETE FROM audit_seal WHERE number = 1", table="audit_seal")

        assert self.wrong() == ["seal 1 is missing (rows 1 to 3 of the log are in none)"]

    def test_sealing_it_all_anew_with_another_key_is_found(self, key_file):
        bend("DELETE FROM audit_seal", table="audit_seal")
        ours = key_file.read_bytes()
        key_file.unlink()
        seal()
        key_file.write_bytes(ours)

        assert self.wrong() == ["seal 1: it was sealed with a key that is not trusted"]

    def test_a_former_key_counts_when_it_is_listed(self, key_file, settings):
        settings.SEAL_FORMER_KEYS = [keys.public(keys.signing_key())]
        key_file.unlink()
        keep(6)
        seal()

        assert verdict() == (3, 6, [])

    def test_on_the_command_line(self, capsys):
        keep(6)
        call_command("seal")
        call_command("seal")
        call_command("verify_seals")
        told = capsys.readouterr().out.splitlines()
        assert told[:2] == ["audit.record: seal 3, 1 rows", "nothing to seal"]
        assert "audit.record: 3 seals, 6 rows, as sealed" in told
        assert "ledger.journal: 0 seals, 0 rows, as sealed" in told

        bend("UPDATE audit_record SET source = 'x' WHERE id = %s", self.ids[0])
        with pytest.raises(CommandError, match="not what was sealed"):
            call_command("verify_seals")
        told = capsys.readouterr().out.splitlines()
        assert told[1:3] == [
            "audit.record: 3 seals, 6 rows, 1 faults",
            f"audit.record: row {self.ids[0]} (line 1, seal 1) was changed",
        ]

    def test_a_seal_from_before_the_numbers_were_kept_still_holds(self):
        """The first seals said neither where they begin nor which rows they cover."""
        bend("UPDATE audit_seal SET position = NULL, ids = ''", table="audit_seal")
        first, second = Seal.objects.order_by("number")
        key, said = keys.signing_key(), digest_of(statement_of(first))
        resign = "UPDATE audit_seal SET digest = %s, signature = %s WHERE number = 1"
        bend(resign, said.hex(), key.sign(said).hex(), table="audit_seal")
        second.previous = said.hex()
        said = digest_of(statement_of(second))
        bend(
            "UPDATE audit_seal SET previous = %s, digest = %s, signature = %s WHERE number = 2",
            second.previous, said.hex(), key.sign(said).hex(),
            table="audit_seal",
        )  # fmt: skip
        keep(6)
        assert seal().position == 6
        assert verdict() == (3, 6, [])

        bend("DELETE FROM audit_record WHERE id = %s", self.ids[1])
        assert self.wrong() == ["the row of line 2, seal 1 was removed"]


class TestKey:
    def test_a_demo_makes_its_own_for_its_owner_only(self, key_file):
        first = keys.public(keys.signing_key())

        assert keys.public(keys.signing_key()) == first
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600

    def test_of_many_who_make_one_at_once_one_stands(self, key_file):
        answers = at_once(*[lambda: keys.public(keys.signing_key())] * 4)

        assert len(set(answers)) == 1
        assert [path.name for path in key_file.parent.iterdir()] == ["seal.pem"]

    def test_production_does_not_make_one(self, settings, key_file):
        settings.MODE = "production"

        with pytest.raises(keys.NoKey, match="there is no"):
            keys.signing_key()
        assert not key_file.exists()

    def test_a_file_that_holds_no_key_is_refused(self, key_file):
        key_file.parent.mkdir()
        key_file.write_text("nonsense")

        with pytest.raises(keys.NoKey, match="holds no"):
            keys.signing_key()
