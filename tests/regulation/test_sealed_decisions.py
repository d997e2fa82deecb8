"""Decisions stay what they were, and are sealed."""

import pytest
from django.db import IntegrityError

from apps.audit import operations as audit
from apps.audit import queries
from apps.audit.seals import canonical, stream_named
from apps.regulation import operations
from apps.regulation.models import Decision, GivenBack
from apps.regulation.seals import STREAM, decision_bytes
from tests import factories
from tests.factories import ADA, NOON, SOON
from tests.policies import case, enforced


@pytest.fixture(autouse=True)
def key_file(settings, tmp_path):
    settings.SEAL_KEY_FILE = str(tmp_path / "seal.pem")


def decide(provider=None):
    provider = provider or factories.PermitFactory().provider
    trips = {"who": {"listing": 7}, "counts": {"trips": 1}}
    return operations.decide(case(provider, vertical="mobility", **trips), by=ADA, at=NOON)


def test_what_is_sealed_of_a_decision_is_written_in_one_way_only():
    decision = Decision(
        pk=7,
        ref="7d2f0a3e-0b0f-4d0a-8a55-0f4f1f6f0a11",
        city_id=2,
        provider_id=3,
        vertical="mobility",
        facts={"trips": 1, "city": "ñ"},
        asked=[["P-1", 2, "yes"]],
        decided_at=NOON,
    )

    assert decision_bytes(decision).decode() == (
        '{"act":"book","asked":[["P-1",2,"yes"]],"by":"","city_id":2,'
        '"decided_at":"2027-05-01T12:00:00+00:00","facts":{"city":"ñ","trips":1},"id":7,'
        '"provider_id":3,"ref":"7d2f0a3e-0b0f-4d0a-8a55-0f4f1f6f0a11","refusal":"","rule":"",'
        '"taken":[],"vertical":"mobility"}'
    )


def test_a_column_that_comes_later_leaves_the_rows_from_before_as_they_were():
    decision = Decision(pk=7, vertical="mobility")
    before = canonical(decision, "vertical")

    assert canonical(decision, "vertical", later=("rule",)) == before
    decision.rule = "1.1"
    assert canonical(decision, "vertical", later=("rule",)) != before


@pytest.mark.django_db(transaction=True)
class TestDecisions:
    def test_they_are_sealed_and_being_given_back_breaks_no_seal(self):
        enforced("cap", {"fact": "trips", "most": 9})
        decision = decide()
        assert audit.seal(stream=STREAM, at=SOON).rows == 1

        operations.give_back(decision_id=decision.pk, by=ADA, at=SOON)

        assert GivenBack.objects.get().at == SOON
        assert queries.verify(STREAM).faults == ()

    @pytest.mark.parametrize(
        "change", [{"refusal": "no_permit"}, {"facts": {}}, {"decided_at": SOON}, {"rule": "9"}]
    )
    def test_the_database_keeps_what_was_said(self, change):
        decide()
        with pytest.raises(IntegrityError, match="append-only"):
            Decision.objects.update(**change)

    def test_it_is_given_back_once(self):
        enforced("cap", {"fact": "trips", "most": 9})
        decision = decide()
        operations.give_back(decision_id=decision.pk, by=ADA, at=SOON)

        with pytest.raises(IntegrityError, match="append-only"):
            GivenBack.objects.update(at=NOON)
        with pytest.raises(IntegrityError, match="append-only"):
            GivenBack.objects.all()._raw_delete("default")
        with pytest.raises(IntegrityError, match="append-only"):
            Decision.objects.all()._raw_delete("default")

    def test_it_is_about_the_team_of_the_provider_and_about_no_stranger(self):
        member = factories.MembershipFactory()
        decision, stranger = decide(member.provider), factories.UserFactory()
        log = stream_named(STREAM)

        assert log.is_about(decision, member.user.pk)
        assert not log.is_about(decision, stranger.pk)
