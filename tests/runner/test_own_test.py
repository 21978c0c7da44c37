"""A person's own samples, measured as a run that is recorded."""

import pytest

from stages.etl import source
from stages.runner import LogWatch
from stages.runner.own_test import evaluate_own_test, newest, samples_in
from stages.runtime.errors import ConfigError
from tests import makers


def test_a_pipeline_that_made_nothing_is_told(tmp_path):
    with pytest.raises(ConfigError, match="flowers has made no package"):
        newest("flowers", ("device_sdk",), makers.store(tmp_path))


def test_samples_are_a_folder_or_a_revision_of_a_data_set(tmp_path):
    settings = makers.settings(tmp_path)
    folder = makers.folder_of_pictures(tmp_path / "own", each=2)
    revision = source.add("own", folder, settings).revision

    with samples_in(str(folder), settings) as found:
        assert found == folder
    for name in ("own", f"own@{revision[:8]}"):
        with samples_in(name, settings) as found:
            assert len(list(found.rglob("*.png"))) == 6
    with (
        pytest.raises(ConfigError, match="no data called 'nowhere'"),
        samples_in("nowhere", settings),
    ):
        pass


def test_a_gate_that_cannot_be_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"accuracy: .* less than or equal to 1"):
        evaluate_own_test(
            "shapes",
            (),
            "own",
            gate={"accuracy": 90},
            run="own",
            settings=makers.settings(tmp_path),
            watch=LogWatch(),
        )
