"""A head that cannot take a job for a while is asked again; one that refuses it is told of."""

import pytest

from stages.runner.job.submission import connected, handed_in
from stages.runtime.errors import InfrastructureError
from tests import makers
from tests.runner.job.office import Office, opened
from tests.runner.job.test_job import RecordedRun

DIGEST = "0" * 64
NO_AGENT = "No available agent to submit job, please try again later."


def hand_in(tmp_path, office, run):
    settings = makers.settings(tmp_path).model_copy(update={"ray": office.address})
    return handed_in(connected(office.address, run), DIGEST, settings, run, pause=0.001)


@pytest.mark.parametrize(
    "refusal",
    [(500, NO_AGENT), (503, "starting"), (502, "no head yet"), (429, "later"), None],
    ids=["no agent", "unavailable", "proxy", "busy", "connection lost"],
)
def test_a_refusal_that_may_pass_is_asked_again_and_told(tmp_path, refusal):
    run = RecordedRun()
    with opened(Office(refusals=[refusal, refusal])) as office:
        office.refusals = [refusal] if refusal is None else office.refusals

        name = hand_in(tmp_path, office, run)

    assert list(office.jobs) == [name]
    assert run.calls[0][:3] == ("progress", "tries to reach Ray", 1)


@pytest.mark.parametrize(("code", "why"), [(400, "no entrypoint"), (403, "Forbidden")])
def test_a_refusal_that_will_not_pass_is_told_at_once(tmp_path, code, why):
    run = RecordedRun()
    with (
        opened(Office(refusals=[(code, why)] * 9)) as office,
        pytest.raises(InfrastructureError, match=f"did not take the job.*{why}"),
    ):
        hand_in(tmp_path, office, run)

    assert run.calls == []
    assert len(office.refusals) == 8


def test_patience_ends(tmp_path):
    with (
        opened(Office(refusals=[(500, NO_AGENT)] * 99)) as office,
        pytest.raises(InfrastructureError, match=r"did not take the job.*No available agent"),
    ):
        hand_in(tmp_path, office, RecordedRun())

    assert office.jobs == {}


def test_jobs_are_handed_in_with_the_token_of_the_environment(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "1" * 64)

    with opened(Office()) as office:
        client = connected(office.address, RecordedRun())

    assert client._headers == {"Authorization": "Bearer " + "1" * 64}
