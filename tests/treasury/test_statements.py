"""Bank statements and gateway reports, read whole or refused with what is wrong."""

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.ledger import queries as books
from apps.treasury import operations, statements
from apps.treasury.models import BankFile, BankLine, Difference
from apps.treasury.statements import Columns, Unreadable
from tests.treasury import seeded
from tests.treasury.seeded import BY

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def camt(version="08", entries="", head="", status="<Sts><Cd>BOOK</Cd></Sts>"):
    entries = entries or entry("2000", "CLP", "PO_1 STRIPE")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">'
        "<BkToCstmrStmt><Stmt><Acct><Id><IBAN>CL12</IBAN></Id></Acct>"
        f"{entries.replace('STATUS', status)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def entry(amount, currency, text, way="CRDT", day="2026-11-24", reference="R1"):
    return (
        f'\n<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>STATUS'
        f"<BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef>"
        f"<NtryDtls><TxDtls><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


@pytest.mark.parametrize(
    ("version", "status"),
    [("02", "<Sts>BOOK</Sts>"), ("04", "<Sts>BOOK</Sts>"), ("08", "<Sts><Cd>BOOK</Cd></Sts>"),
     ("13", "<Sts><Cd>BOOK</Cd></Sts>")],
)  # fmt: skip
def test_four_versions_of_camt_say_the_same(version, status):
    (line,) = statements.camt(camt(version, status=status))

    assert (line.iban, line.reference, line.text) == ("CL12", "R1", "PO_1 STRIPE")
    assert (line.amount_minor, line.currency, line.booked_on) == (2000, "CLP", date(2026, 11, 24))


def test_what_goes_out_is_negative_and_what_is_pending_is_left_for_later():
    both = entry("12.50", "EUR", "rent", "DBIT") + entry("3", "EUR", "later").replace(
        "STATUS", "<Sts><Cd>PDNG</Cd></Sts>"
    )

    assert [line.amount_minor for line in statements.camt(camt(entries=both))] == [-1250]


def refusal(read, *args):
    with pytest.raises(Unreadable) as caught:
        read(*args)
    return [(one.line, str(one.words)) for one in caught.value.problems]


def test_a_bomb_and_a_file_from_elsewhere_are_refused_unread():
    bomb = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]>'
    outside = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
    words = "a document type or entity has no place in a statement"
    assert refusal(statements.camt, camt(head=bomb)) == [(1, words)]
    assert refusal(statements.camt, camt(head=outside)) == [(1, words)]
    deep = b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'>" + b"<a>" * 50
    assert refusal(statements.camt, deep) == [(1, "it is nested too deep")]


def test_what_is_no_statement_says_so():
    assert refusal(statements.camt, b"hello") == [(1, "this is not XML")]
    foreign = camt("08").replace(b"camt.053", b"pain.001")
    words = "this is no CAMT.053 of version 02, 04, 08 or 13"
    assert refusal(statements.camt, foreign) == [(1, words)]
    large = b" " * (statements.LARGEST + 1)
    assert refusal(statements.camt, large) == [(1, "the file is larger than 20 MB")]


def test_every_bad_line_is_named():
    bad = entry("12.5", "CLP", "half a peso") + entry("x", "EUR", "") + entry("1", "XXX", "")

    assert refusal(statements.camt, camt(entries=bad)) == [
        (2, "“12.5” has more decimals than CLP has"),
        (3, "“x” is not an amount"),
        (4, "nobody knows the currency “XXX”"),
    ]


COLUMNS = Columns("Fecha", "Monto", "Glosa", currency="EUR", decimal=",", days="dmy",
                  encoding="cp1252")  # fmt: skip


def test_a_sheet_is_read_as_the_officer_says():
    content = (
        "Fecha;Monto;Glosa\r\n24.11.2026;1.234,50;Abono ñandú\r\n\r\n25/11/2026;-7;Comisión\r\n"
    )

    told = statements.sheet(content.encode("cp1252"), COLUMNS)

    assert [(one.number, one.amount_minor, one.booked_on.day, one.text) for one in told] == [
        (2, 123450, 24, "Abono ñandú"),
        (4, -700, 25, "Comisión"),
    ]


def test_bad_cells_of_a_sheet_are_named_with_their_lines():
    content = b"Fecha;Monto;Glosa\n31.02.2026;1,00;a\n24.11.2026;1.00,5;b\n24.11.2026;0;c\n"

    assert refusal(statements.sheet, content, COLUMNS) == [
        (2, "“31.02.2026” is not a day"),
        (3, "“1.00,5” is not an amount"),
        (4, "it moves nothing"),
    ]
    assert refusal(statements.sheet, b"a;b\n1;2\n", COLUMNS) == [
        (1, "there is no column “Fecha”, “Monto”, “Glosa”")
    ]
    other = Columns("Fecha", "Monto", currency="EUR")
    assert refusal(statements.sheet, b"Fecha;Monto\n1;\xf1\n", other) == [
        (2, "its letters are in another encoding")
    ]


def test_a_report_of_the_gateway_is_its_balance_transactions():
    head = "balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net"
    content = (
        f"{head},reporting_category,source_id,payment_intent_id,customer_email\n"
        "txn_1,2026-11-24 10:00:00,2026-11-26 00:00:00,usd,24.50,1.01,23.49,charge,ch_1,pi_1,a@b\n"
        "txn_2,2026-11-24 11:00:00,2026-11-24 11:00:00,clp,-450,0,-450,dispute,dp_1,pi_1,a@b\n"
    )

    first, second = statements.report(content.encode())

    assert (first.amount_minor, first.fee_minor, first.currency, first.parent) == (
        2450, 101, "USD", "pi_1",
    )  # fmt: skip
    assert (second.kind, second.amount_minor) == ("adjustment", -450)
    assert "a@b" not in str(first.payload)


@pytest.mark.django_db
class TestBank:
    def keep(self, content=None, name="november.xml"):
        content = content or camt()
        return operations.keep_bank_file(
            name=name, content=content, format="CAMT", lines=statements.camt(content), by=BY, at=AT
        )

    def test_a_file_is_taken_once_and_a_line_once_in_however_many_files(self):
        self.keep()
        with pytest.raises(operations.FileKnown):
            self.keep(name="again.xml")
        two = entry("2000", "CLP", "PO_1 STRIPE") + entry("9", "CLP", "other", reference="R2")

        longer = self.keep(camt(entries=two))

        assert (longer.lines_count, longer.known_count) == (2, 1)
        assert BankLine.objects.count() == 2
        assert BankFile.objects.count() == 2

    def test_two_lines_that_say_the_same_are_two(self):
        self.keep(camt(entries=entry("2000", "CLP", "PO_1") * 2))
        assert BankLine.objects.count() == 2

    def test_a_payout_is_matched_by_its_reference_before_any_sum_and_is_booked_as_arrived(self):
        day = datetime(2026, 11, 23, tzinfo=UTC)
        payouts = [seeded._line(n, "payout", -2_000, f"po_{n}", "", day) for n in (1, 2)]
        operations.keep_lines(lines=payouts, by=BY, at=AT)
        both = entry("2000", "CLP", "PO_2 STRIPE") + entry("2000", "CLP", "no word", reference="R2")
        self.keep(camt(entries=both + entry("77", "CLP", "rent", "DBIT", reference="R3")))

        operations.reconcile(by=BY, at=AT)
        operations.book_known(by=BY, at=AT)
        assert operations.book_arrived(by=BY, at=AT) == 2
        assert operations.book_arrived(by=BY, at=AT) == 0

        matched = BankLine.objects.exclude(line=None).order_by("number")
        assert [one.line.source for one in matched] == ["po_2", "po_1"]
        assert books.balance("bank:in-transit", "CLP").minor == 0
        assert books.balance("bank:city", "CLP").minor == 4_000
        rent = Difference.objects.get()
        assert (rent.kind, rent.found_minor) == ("BANK_ONLY", -77)

    def test_another_amount_and_a_payout_that_never_came_are_differences(self):
        day = datetime(2026, 11, 14, tzinfo=UTC)
        payouts = [seeded._line(n, "payout", -2_000, f"po_{n}", "", day) for n in (1, 2)]
        operations.keep_lines(lines=payouts, by=BY, at=AT)
        self.keep(
            camt(entries=entry("1990", "CLP", "PO_1", day="2026-11-16")
                 + entry("5", "CLP", "x", day="2026-11-28", reference="R9"))
        )  # fmt: skip

        operations.reconcile(by=BY, at=AT + timedelta(days=1))

        found = {(one.kind, one.expected_minor, one.found_minor)
                 for one in Difference.objects.all()}  # fmt: skip
        assert found == {
            ("BANK_AMOUNT", 2000, 1990), ("NOT_AT_BANK", 2000, None), ("BANK_ONLY", None, 5),
        }  # fmt: skip


def test_sums_and_days_beyond_all_reason_are_named():
    many = "1" + ",000" * 9
    assert refusal(statements.camt, camt(entries=entry(many, "CLP", "x"))) == [
        (2, f"“{many[:30]}” is not an amount")
    ]
    far = "9" * 30
    assert refusal(statements.camt, camt(entries=entry("1", "CLP", "x", day=f"{far}-1-1"))) == [
        (2, "“9999999999” is not a day")
    ]
    sheet = f"Fecha;Monto;Glosa\n1.1.{far};1,00;a\n".encode()
    assert refusal(statements.sheet, sheet, COLUMNS) == [(2, f"“1.1.{far[:26]}” is not a day")]


def test_a_nought_byte_is_refused_before_it_reaches_the_database():
    content = b"Fecha;Monto;Glosa\n24.11.2026;1,00;a\x00b\n"

    assert refusal(statements.sheet, content, COLUMNS) == [(2, "it cannot be read as CSV")]
