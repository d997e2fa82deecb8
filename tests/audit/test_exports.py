"""What leaves the house as evidence, checked as an outsider checks it."""

import json
import random
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.audit import evidence, exporting, keys, queries, verifying
from apps.audit import operations as audit
from apps.audit.models import Record
from cityplatform.installation import ROOT
from tests.audit.test_seals import keep
from tests.factories import NOON, SOON

LOG = "audit.record"
MANY = 100_000


@pytest.fixture(autouse=True)
def key_file(settings, tmp_path):
    settings.SEAL_KEY_FILE = str(tmp_path / "keys" / "seal.pem")


def our_key():
    return keys.public(keys.signing_key())


def fill(count, in_each):
    """So many records, as transactions of so many wrote them."""
    with connection.cursor() as cursor:
        for begin in range(1, count + 1, in_each):
            cursor.execute(
                "INSERT INTO audit_record (event, topic, body, by, happened_at, source)"
                " SELECT n, 'orders.placed', jsonb_build_object('order', n),"
                "  'consumer:' || n %% 99, %s, '/api/v1/orders' FROM generate_series(%s, %s) AS n",
                [NOON, begin, min(begin + in_each - 1, count)],
            )


def check(folder, **roots):
    """What the check says, line by line."""
    said = []
    assert verifying.run(folder, [our_key()], roots.get("roots"), said.append) == all(
        "as sealed" in line or "holds" in line for line in said
    )
    return said


def lines_of(folder):
    return (folder / f"{LOG}.rows.jsonl").read_bytes().splitlines(keepends=True)


def write(folder, lines):
    (folder / f"{LOG}.rows.jsonl").write_bytes(b"".join(lines))


def bent(line, **change):
    return evidence.plain(**json.loads(line) | change) + b"\n"


@pytest.mark.django_db(transaction=True)
def test_in_100_000_rows_each_that_is_bent_is_found_and_named(tmp_path):
    fill(MANY, in_each=4_000)
    assert [each.rows for each in audit.seal_all(at=SOON)] == [8_000] * 12 + [4_000]
    folder = tmp_path / "export"
    assert exporting.export(folder, [LOG], at=SOON) == {LOG: MANY}
    assert check(folder) == [f"{LOG}: 13 seals, {MANY} rows, as sealed"]

    whole = lines_of(folder)
    ids = [json.loads(line)["id"] for line in whole]
    chance = random.Random(7)
    at_borders = [0, 7_999, 8_000, MANY - 1]
    for place in [*at_borders, *(chance.randrange(MANY) for _ in range(4))]:
        name = f"row {ids[place]} (line {place + 1}, seal {place // 8_000 + 1})"
        elsewhere = (place + chance.randrange(2, MANY - 2)) % MANY
        without = [*whole[:place], *whole[place + 1 :]]
        new = ids[-1] + 1
        bending = {
            f"{name} was changed": [*whole[:place], bent(whole[place], by="x"), *without[place:]],
            f"{name} was removed": without,
            f"row {new} was inserted at line {place + 1}": [
                *whole[:place], bent(whole[place], id=new), *whole[place:]
            ],
            f"{name} was moved to line {elsewhere + 1}": [
                *without[:elsewhere], whole[place], *without[elsewhere:]
            ],
        }  # fmt: skip
        for said, lines in bending.items():
            write(folder, lines)
            assert check(folder) == [f"{LOG}: {said}"]

    # And many at once.
    victims = sorted(chance.sample(range(0, MANY, 2), 300))
    changed, removed = set(victims[::2]), set(victims[1::2])
    write(
        folder,
        [
            bent(line, by="x") if place in changed else line
            for place, line in enumerate(whole)
            if place not in removed
        ],
    )
    said = check(folder)
    assert len(said) == 300
    assert {line.split(" (")[0] for line in said if line.endswith("changed")} == {
        f"{LOG}: row {ids[place]}" for place in changed
    }
    assert {line.split(" (")[0] for line in said if line.endswith("removed")} == {
        f"{LOG}: row {ids[place]}" for place in removed
    }


@pytest.mark.django_db(transaction=True)
class TestExport:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path):
        keep(1, 2, 3)
        audit.seal_all(at=SOON)
        keep(4, 5)
        audit.seal_all(at=SOON)
        keep(6)  # not sealed yet, and so no evidence
        self.folder = tmp_path / "export"
        self.rows = exporting.export(self.folder, at=SOON)

    def test_it_holds_what_is_sealed_of_every_log(self):
        assert self.rows[LOG] == 5
        assert set(self.rows) == set(audit.names())
        assert f"{LOG}: 2 seals, 5 rows, as sealed" in check(self.folder)

    def test_on_the_command_line(self, tmp_path, capsys):
        call_command("export_evidence", str(tmp_path / "again"))
        told = capsys.readouterr().out.splitlines()
        again = f"{tmp_path / 'again'} --key {our_key()}"
        assert told[-1] == f"check it with: manage.py verify_evidence {again}"

        call_command("verify_evidence", str(self.folder), key=[our_key()])
        assert f"{LOG}: 2 seals, 5 rows, as sealed" in capsys.readouterr().out
        with pytest.raises(CommandError, match="not what was sealed"):
            call_command("verify_evidence", str(self.folder), key=["00" * 32])
        with pytest.raises(CommandError, match="manifest.json") as error:
            call_command("verify_evidence", str(tmp_path / "keys"), key=[our_key()])
        assert error.value.returncode == 2
        with pytest.raises(CommandError, match="is not empty"):
            call_command("export_evidence", str(self.folder))
        with pytest.raises(CommandError, match="NoSuchStream: orders"):
            call_command("export_evidence", str(tmp_path / "third"), stream=["orders"])

    def test_an_outsider_needs_neither_django_nor_a_database(self):
        code = (
            "import sys; from apps.audit import verifying; code = verifying.main();"
            " assert 'django' not in sys.modules; raise SystemExit(code)"
        )

        def run(*words):
            # An outsider has none of our settings.
            found = [sys.executable, "-c", code, *words]
            done = subprocess.run(found, cwd=ROOT, env={}, capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr

        assert run(str(self.folder), "--key", our_key())[0] == 0
        write(self.folder, lines_of(self.folder)[:4])
        code_, said = run(str(self.folder), "--key", our_key())
        assert (code_, "(line 5, seal 2) was removed" in said) == (1, True)
        assert run(str(self.folder / "nowhere"), "--key", our_key())[0] == 2

    def test_cutting_the_end_off_is_found(self):
        write(self.folder, lines_of(self.folder)[:3])
        seals = self.folder / f"{LOG}.seals.jsonl"
        seals.write_bytes(seals.read_bytes().splitlines(keepends=True)[0])

        assert f"{LOG}: the seals after 1 are missing" in check(self.folder)

        manifest = self.folder / exporting.MANIFEST
        manifest.write_text(manifest.read_text().replace('"rows": 5', '"rows": 3'))
        assert "manifest: it does not say what it said when it was signed" in check(self.folder)

    def test_files_that_are_gone_or_torn_are_said_to_be(self):
        seals = self.folder / f"{LOG}.seals.jsonl"
        seals.write_bytes(seals.read_bytes()[:-40])
        assert any("cannot be read" in line for line in check(self.folder))
        seals.unlink()
        assert any("cannot be read" in line for line in check(self.folder))

    def test_a_name_that_leads_out_of_the_folder_is_no_log(self):
        manifest = self.folder / exporting.MANIFEST
        manifest.write_text(manifest.read_text().replace(LOG, "../elsewhere"))

        with pytest.raises(verifying.NotEvidence, match="no name of a log"):
            check(self.folder)

    def test_history_written_anew_with_our_own_key_is_not_what_was_published(self, tmp_path):
        roots = tmp_path / "roots.json"
        roots.write_text(json.dumps({"roots": [one.told() for one in queries.seals_of(LOG)]}))
        assert f"{LOG}: 2 seals, 5 rows, as sealed" in check(self.folder, roots=roots)

        with connection.cursor() as cursor:
            for table in ("audit_record", "audit_seal"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute("UPDATE audit_record SET by = 'nobody:0' WHERE event = 1")
            cursor.execute("DELETE FROM audit_seal")
            for table in ("audit_record", "audit_seal"):
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        audit.seal(stream=LOG, at=SOON)
        anew = tmp_path / "anew"
        exporting.export(anew, [LOG], at=SOON)

        assert check(anew) == [f"{LOG}: 1 seals, 6 rows, as sealed"]
        assert check(anew, roots=roots) == [f"{LOG}: seal 1 is not the one that was published"]


@pytest.mark.django_db(transaction=True)
class TestProof:
    @pytest.fixture(autouse=True)
    def two_seals(self, tmp_path):
        keep(*range(1, 12))
        audit.seal(stream=LOG, at=SOON)
        keep(12)
        audit.seal(stream=LOG, at=SOON)
        self.path = tmp_path / "proof.json"
        self.ids = list(Record.objects.order_by("pk").values_list("pk", flat=True))

    def proven(self, **change):
        proof = queries.proof(LOG, self.ids[4]) | change
        self.path.write_text(json.dumps(proof))
        return check(self.path)

    def test_every_row_can_be_proven_without_the_others(self):
        for id in self.ids:
            self.path.write_text(json.dumps(queries.proof(LOG, id)))
            assert check(self.path) == ["the proof holds"]
        assert self.path.stat().st_size < 2_000

    def test_a_proof_of_something_else_does_not_hold(self):
        lie = "the row is not one of those that were sealed"
        other = queries.proof(LOG, self.ids[5])
        assert self.proven(row=other["row"]) == [lie]
        assert self.proven(index=5) == [lie]
        assert self.proven(path=other["path"]) == [lie]
        assert self.proven(stream="ledger.journal") == ["the seal is of another log"]
        seal = queries.proof(LOG, self.ids[4])["seal"]
        assert self.proven(seal=seal | {"signature": "00" * 64}) == [
            "seal 1: its signature is not of its key"
        ]
        with pytest.raises(verifying.NotEvidence, match="no whole proof"):
            self.proven(seal={})
        with pytest.raises(verifying.NotEvidence, match="is no proof"):
            self.proven(format="something")

    def test_a_row_that_is_not_sealed_yet_has_none(self):
        keep(13)
        newest = Record.objects.latest("pk").pk

        with pytest.raises(queries.NotYetSealed):
            queries.proof(LOG, newest)
        with pytest.raises(queries.NoSuchRow):
            queries.proof(LOG, newest + 1)

    def test_on_the_command_line(self, capsys):
        self.path.write_text(json.dumps(queries.proof(LOG, self.ids[0])))
        call_command("verify_evidence", str(self.path), key=[our_key()])
        assert capsys.readouterr().out == "the proof holds\n"
