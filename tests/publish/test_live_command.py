"""`aiwf live`: what is live, what is kept of use, and where it is put, at the terminal."""

import pytest
from typer.testing import CliRunner

from stages.cli.app import app
from stages.publish.collected import CollectedInputs
from stages.publish.use_policy import UsePolicy, policy_of
from stages.runtime.errors import ConfigError, InfrastructureError
from tests.publish.conftest import PIPELINE, saved_dataset

YAML = f"name: {PIPELINE}\ntask: image_classification\ndata: {PIPELINE}\n"


@pytest.fixture
def aiwf(settings):
    """Run aiwf in this process: what it prints. It raises what the command raises."""
    settings.pipelines.mkdir()
    (settings.pipelines / f"{PIPELINE}.yaml").write_text(YAML)
    variables = {
        "AIWF_WORKSPACE": str(settings.workspace),
        "AIWF_PIPELINES": str(settings.pipelines),
    }

    def run(*arguments):
        done = CliRunner().invoke(app, list(map(str, arguments)), env=variables)
        if isinstance(done.exception, Exception):
            raise done.exception
        return done.output

    return run


def test_the_policy_is_set_part_by_part_and_shown(aiwf, settings):
    off = aiwf("live", PIPELINE)
    aiwf("live", PIPELINE, "--random", 0.05, "--reports", "--days", 30)
    salt = policy_of(PIPELINE, settings).salt
    shown = aiwf("live", PIPELINE, "--doubtful", 1, "--no-reports", "--most-inputs", 200)

    CollectedInputs(PIPELINE, settings).keep(b"x", "random", "p", "red", 0.9)
    assert "kept of use: nothing" in off
    assert policy_of(PIPELINE, settings) == UsePolicy(
        random=0.05, doubtful=1.0, most_inputs=200, days=30, salt=salt
    )
    assert "kept of use: 0.05 random, 1 doubtful, 0 rejected, no reports" in shown
    assert "200 inputs, 500 MB, 30 days at most" in shown
    assert "inputs: 1 waiting" in aiwf("live", PIPELINE)
    assert "kept of use: nothing" in aiwf("live", PIPELINE, "--random", 0, "--doubtful", 0)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([PIPELINE, "--random", "5"], "random: .* less than or equal to 1"),
        ([PIPELINE, "--random", "nan"], "random: "),
        ([PIPELINE, "--doubtful", "-0.1"], "doubtful: .* greater than or equal to 0"),
        ([PIPELINE, "--days", "0"], "days: .* greater than or equal to 1"),
        ([PIPELINE, "--most-inputs", "100000000"], "most_inputs: .* less than or equal to"),
        (["--reports"], "These options are for a pipeline"),
        (["colour", "--reports"], "Did you mean 'colours'"),
        (["../x", "--reports"], "No pipeline is called"),
        ([PIPELINE, "--deliver"], r"has no publish\.to"),
        (["--deliver"], "These options are for a pipeline"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_changed(aiwf, settings, arguments, problem):
    with pytest.raises(ConfigError, match=problem):
        aiwf("live", *arguments)

    assert policy_of(PIPELINE, settings) == UsePolicy()


def test_where_it_is_put_is_said_and_tried_again(aiwf, settings, packed, tmp_path):
    place = tmp_path / "models"
    path = settings.pipelines / f"{PIPELINE}.yaml"
    path.write_text(f"{YAML}publish: {{to: '{place}'}}\n")
    package = packed("mixed", saved_dataset(settings, range(2))).ref.id

    published = aiwf("publish", PIPELINE, "--package", package)
    with pytest.raises(InfrastructureError, match="there is no such folder"):
        aiwf("live", PIPELINE, "--deliver")
    place.mkdir()
    tried = aiwf("live", PIPELINE, "--deliver")

    assert "published: nothing ->" in published
    assert "there is no such folder" in published
    assert f"at {place}: version 1, package {package[:8]}" in tried
    assert (place / f"{PIPELINE}.json").is_file()
