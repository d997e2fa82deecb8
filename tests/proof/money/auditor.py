"""The city auditor: after every test it looks at the database and at the gateway's own file."""

import json
import sqlite3
from pathlib import Path

from django.db import connection

from apps.audit import operations as audit
from apps.audit import queries as sealed
from apps.audit.seals import names
from apps.kernel import clock
from apps.ledger.auditing import audit as recompute
from tests.proof.money.oracle import Facts, Line, Paid, adrift, faults_of


def rows(statement: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def facts_of(file: Path) -> Facts:
    """What the database and the gateway have written down.  The city never reads that file."""
    facts = Facts(
        lines=[
            Line(*row)
            for row in rows(
                "SELECT journal.key, kind, code, entry.currency, amount_minor"
                " FROM ledger_entry entry JOIN ledger_journal journal ON journal.id = journal_id"
                " JOIN ledger_account account ON account.id = account_id ORDER BY entry.id"
            )
        ],
        journals=[key for (key,) in rows("SELECT key FROM ledger_journal")],
        limits={
            (code, currency): (least, most)
            for code, currency, least, most in rows(
                "SELECT code, currency, least_minor, most_minor FROM ledger_account"
                " WHERE balance_minor IS NOT NULL"
            )
        },
        balances={
            (code, currency): int(minor)
            for code, currency, minor in rows(
                "SELECT code, currency, ledger_balance(code, currency) FROM ledger_account"
            )
        },
        payments=[
            Paid(*row)
            for row in rows(
                "SELECT holder::text, reference, state, amount_minor, captured_minor,"
                " refunded_minor FROM payments_payment WHERE method = 'CARD'"
            )
        ],
        refunds={
            key: (holder, minor)
            for key, holder, minor in rows(
                "SELECT key::text, holder::text, attempt.amount_minor FROM payments_attempt attempt"
                " JOIN payments_payment payment ON payment.id = payment_id"
                " WHERE kind = 'REFUND' AND succeeded"
            )
        },
        transfers={
            holder: (reference, minor)
            for holder, reference, minor in rows(
                "SELECT holder::text, reference, amount_minor FROM payments_transfer"
                " WHERE state = 'SENT'"
            )
        },
        on_their_way=int(
            rows(
                "SELECT coalesce(sum(amount_minor), 0) FROM settlement_payout"
                " WHERE state NOT IN ('PAID', 'FAILED')"
            )[0][0]
        ),
    )
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as line:
        found = line.execute("SELECT kind, body FROM objects WHERE account = '' ORDER BY seq")
        bodies = [(kind, json.loads(body)) for kind, body in found]
    for kind, one in bodies:
        if kind == "payment_intent":
            facts.promises[one["id"]] = one["status"]
            if one["amount_received"]:
                facts.charged.append((one["transfer_group"], one["id"], one["amount_received"]))
        elif kind == "refund":
            key = one["metadata"].get("attempt", "")
            facts.given_back.append((key, one["payment_intent"], one["amount"]))
        elif kind == "transfer":
            facts.sent.append((one["transfer_group"], one["id"], one["amount"]))
    # The gateway's own sum of what moved says the same as its objects, or it is no witness.
    moved = sum(one["amount"] for kind, one in bodies if kind == "balance_transaction")
    out = [minor for _, _, minor in facts.given_back + facts.sent]
    assert moved == sum(minor for _, _, minor in facts.charged) - sum(out), "the gateway's sums"
    return facts


def findings(file: Path) -> list[str]:
    """Everything that is wrong: none, or money was lost, doubled or bent."""
    facts = facts_of(file)
    found = [str(finding) for finding in recompute()] + faults_of(facts)
    if minor := adrift(facts):
        found.append(f"{minor} adrift")
    audit.seal_all(at=clock.now())
    return found + [f"seal: {fault}" for name in names() for fault in sealed.verify(name).faults]
