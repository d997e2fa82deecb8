"""The API does what its description says, whatever it is asked and whoever asks.

The long search, with questions that follow from one another, is in `tests/proof`.
"""

import pytest

from apps.parties.api import Person
from tests.api import fuzzed, fuzzing

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_operation_does_what_its_description_says(bank, quickly):
    found = fuzzing.run(fuzzed.build(bank), seed=7, examples=3)

    assert found.told() == "nothing"
    assert found.asked["coverage"] > 2_500

    assert len(found.never_done()) <= len(found.answers) // 8


def test_an_answer_that_is_not_as_described_is_found(bank, quickly, monkeypatch):
    monkeypatch.setattr(Person, "to_representation", lambda self, user: {"email": user.pk})

    found = fuzzing.run(fuzzed.build(bank), seed=7, examples=3, only="/api/v1/me")

    assert set(found.wrong) == {
        (f"{method} /api/v1/me", "response_schema_conformance", "Response violates schema")
        for method in ("GET", "PATCH")
    }


def test_a_fault_of_ours_is_found_with_its_place(bank, quickly, monkeypatch):
    def fall(self, user):
        raise KeyError("no such thing")

    monkeypatch.setattr(Person, "to_representation", fall)

    found = fuzzing.run(fuzzed.build(bank), seed=7, examples=1, only="/api/v1/me")

    assert ("GET /api/v1/me", "not_a_server_error", "Server error") in found.wrong
    assert "no such thing" in found.told()
