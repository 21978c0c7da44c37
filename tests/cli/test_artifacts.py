"""aiwf list, show, diff: what a person gets who asks for something else."""

import pytest

from stages.cli.artifacts import show
from stages.runtime.errors import ConfigError


def test_a_run_is_no_artifact_and_that_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("AIWF_WORKSPACE", str(tmp_path))

    with pytest.raises(ConfigError, match="called kind@id") as raised:
        show("shapes-20260101-120000-000")

    assert "run.lock.json" in raised.value.remedy
