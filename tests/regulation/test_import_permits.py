"""A city's existing permits come in from a table: all of them or none, and once."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from apps.bus.models import Event
from apps.regulation import operations
from apps.regulation.models import Permit
from apps.regulation.permit_sheet import BadSheet, written
from tests import cases
from tests.factories import NOON, OFFICER, CityFactory, PermitFactory, ProviderFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db
HEAD = "number,provider,tax_id,vertical,valid_from,valid_until,conditions"
ELQUI = "MOV-1,Cooperativa Elqui,,mobility,2027-01-01,2027-12-31,Not on the beach"
FARO = "MOV-2,Taxis del Faro,76.1-K,mobility,2027-06-15,,"
ADDRESS = "/admin/regulation/permit/import/"


@pytest.fixture(autouse=True)
def providers(db):
    CityFactory()
    return ProviderFactory(name="Cooperativa Elqui"), ProviderFactory(name="Faro", tax_id="76.1-K")


def table(*lines, head=HEAD):
    return "\n".join([head, *lines]).encode()


def bring_in(*lines, content=None, is_dry_run=False):
    return operations.import_permits(
        city_id=CityFactory().pk,
        content=content if content is not None else table(*lines),
        is_dry_run=is_dry_run,
        by=OFFICER,
        at=NOON,
    )


def results(rows):
    return [(row.line, row.result) for row in rows]


def topics():
    return list(Event.objects.order_by("pk").values_list("topic", flat=True))


class TestBringingIn:
    def test_all_of_them_come_in_by_name_or_tax_number(self, providers):
        assert results(bring_in(ELQUI, FARO)) == [(2, "new"), (3, "new")]
        first, second = Permit.objects.order_by("number")
        assert [first.provider, second.provider] == list(providers)
        # Days are the city's, and the last one is a day on which it holds.
        assert first.valid.lower == datetime(2027, 1, 1, 3, tzinfo=UTC)
        assert first.valid.upper == datetime(2028, 1, 1, 3, tzinfo=UTC)
        assert second.valid.lower == datetime(2027, 6, 15, 4, tzinfo=UTC)
        assert (first.conditions, second.valid.upper) == ("Not on the beach", None)
        assert topics() == [
            "regulation.permit_granted",
            "regulation.permit_granted",
            "regulation.permits_imported",
        ]

    def test_the_same_table_again_does_nothing(self):
        bring_in(ELQUI, FARO)
        assert results(bring_in(ELQUI, FARO)) == [(2, "known"), (3, "known")]
        assert len(topics()) == 3

    def test_a_dry_run_says_the_same_and_writes_nothing(self):
        assert results(bring_in(ELQUI, FARO, is_dry_run=True)) == [(2, "new"), (3, "new")]
        assert not Permit.objects.exists()
        assert topics() == []

    def test_semicolons_and_a_mark_at_the_beginning_are_read(self):
        content = b"\xef\xbb\xbf" + table(ELQUI, FARO).replace(b",", b";")
        assert results(bring_in(content=content)) == [(2, "new"), (3, "new")]

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("MOV-9,Nobody,,mobility,2027-01-01,,", "no such provider"),
            ("MOV-9,Twins,,mobility,2027-01-01,,", "give the tax number"),
            ("MOV-9,Faro,99,mobility,2027-01-01,,", "no such provider"),
            ("OLD-1,Faro,,mobility,2027-01-01,,", "belongs to another permit"),
            ("MOV-9,Cooperativa Elqui,,mobility,2027-05-01,,", "in that time"),
            ("MOV-1,Faro,,mobility,2027-01-01,,", "stands in line 2 already"),
            (",Faro,,mobility,2027-01-01,,", "number is empty"),
            ("MOV-9,Faro,,Mobility!,2027-01-01,,", "small letters"),
            ("MOV-9,Faro,,mobility,01/05/2027,,", "valid_from is no day"),
            ("MOV-9,Faro,,mobility,2027-02-30,,", "valid_from is no day"),
            ("MOV-9,Faro,,mobility,2027-01-02,2027-01-01,", "ends before it begins"),
            ("MOV-9,Faro,,mobility", "more or fewer cells"),
            ("MOV-9,Faro,,mobility,2027-01-01,,,,x", "more or fewer cells"),
            (f"{'9' * 51},Faro,,mobility,2027-01-01,,", "longer than 50"),
        ],
    )
    def test_one_wrong_line_is_named_and_nothing_comes_in(self, line, says):
        for _ in range(2):
            ProviderFactory(name="Twins")
        PermitFactory(number="OLD-1", vertical="lodging")
        rows = bring_in(ELQUI, line)
        assert results(rows) == [(2, "new"), (3, "error")]
        assert says in rows[1].words
        assert Permit.objects.count() == 1
        assert topics() == []

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "The head lacks"),
            (b"\xff\xfe", "UTF-8"),
            (table(head="number;provider"), "The head lacks: vertical, valid_from"),
            (table(head=HEAD + ",colour"), "not known: colour"),
            (table(), "no rows"),
            (table('MOV-1,"Elqui'), "Line 2"),
            (b"x" * (5 * 1024 * 1024 + 1), "larger than 5 MB"),
        ],
        ids=["empty", "code", "lacks", "odd", "no rows", "quote", "large"],
    )
    def test_what_is_no_table_is_refused(self, content, says):
        with pytest.raises(BadSheet, match=says):
            bring_in(content=content)

    def test_the_report_is_no_formula(self):
        report = written(bring_in("=1+1,Nobody,,mobility,2027-01-01,,"))
        assert report.splitlines()[1].startswith("2,'=1+1,Nobody,mobility,error,")


class TestCommand:
    def run(self, tmp_path, *lines, **options):
        path, told, wrong = tmp_path / "permits.csv", StringIO(), StringIO()
        path.write_bytes(table(*lines))
        options = {"city": "la-serena"} | options
        try:
            call_command("import_permits", str(path), stdout=told, stderr=wrong, **options)
        except CommandError as no:
            return str(no), wrong.getvalue()
        return told.getvalue().strip(), wrong.getvalue()

    def test_it_says_what_came_in(self, tmp_path):
        report = tmp_path / "report.csv"
        said = self.run(tmp_path, ELQUI, FARO, dry_run=True)[0]
        assert said == "La Serena: 2 would be new, 0 known already"
        assert not Permit.objects.exists()
        said = self.run(tmp_path, ELQUI, FARO, report=report)[0]
        assert said == "La Serena: 2 new, 0 known already"
        assert len(report.read_text().splitlines()) == 3
        assert self.run(tmp_path, ELQUI, FARO)[0] == "La Serena: 0 new, 2 known already"

    def test_it_names_every_wrong_line(self, tmp_path):
        said, wrong = self.run(tmp_path, ELQUI, "MOV-9,Nobody,,mobility,x,,")
        assert said == "1 of 2 lines are wrong: nothing was written."
        assert wrong.startswith("line 3: valid_from is no day")
        assert "no city" in self.run(tmp_path, ELQUI, city="atlantis")[0]
        with pytest.raises(CommandError, match="No such file"):
            call_command("import_permits", str(tmp_path / "no.csv"), city="la-serena")


class TestPage:
    def send(self, client, act, *lines):
        file = SimpleUploadedFile("permits.csv", table(*lines), "text/csv")
        return client.post(ADDRESS, {"file": file, act: "1"})

    def test_an_officer_tries_takes_the_report_and_brings_in(self, client):
        client.force_login(cases.officer("add_permit", "view_permit"))
        listed = client.get(reverse("admin:regulation_permit_changelist")).content.decode()
        assert ADDRESS in listed
        assert client.get(ADDRESS).status_code == 200
        assert b"this was a try" in self.send(client, "try", ELQUI, FARO).content
        assert not Permit.objects.exists()
        wrong = self.send(client, "import", ELQUI, "MOV-9,Nobody,,mobility,2027-01-01,,")
        assert wrong.status_code == 422
        assert b"1 line is wrong: nothing was written." in wrong.content
        report = self.send(client, "report", ELQUI)
        assert report.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert report.content.decode().splitlines()[1].startswith("2,MOV-1,")
        assert not Permit.objects.exists()
        assert b"All lines are in." in self.send(client, "import", ELQUI, FARO).content
        assert Permit.objects.count() == 2
        assert Event.objects.first().by.startswith("officer:")
        assert client.post(ADDRESS, {"import": "1"}).status_code == 422
        bad = SimpleUploadedFile("x.csv", b"a,b\n1,2")
        assert b"The head lacks" in client.post(ADDRESS, {"file": bad, "try": "1"}).content

    def test_who_may_not_grant_may_not_bring_in(self, client):
        client.force_login(cases.officer("view_permit"))
        listed = client.get(reverse("admin:regulation_permit_changelist")).content.decode()
        assert ADDRESS not in listed
        assert self.send(client, "import", ELQUI).status_code == 403
        assert not Permit.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_table_twice_at_once_comes_in_once():
    ProviderFactory(name="Cooperativa Elqui 2")
    line = ELQUI.replace("Elqui", "Elqui 2")
    told = at_once(*[lambda: results(bring_in(line))] * 2)
    assert [(2, "new")] in told
    assert Permit.objects.count() == 1
    assert results(bring_in(line)) == [(2, "known")]
