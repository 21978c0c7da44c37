"""Of a package with two networks the C library runs the one that is for the processor."""

import json
import shutil
import subprocess

import pytest

from stages.deploy.pack import unpack
from stages.runtime.predictor import Predictor
from tests.deploy.conftest import sealed_again
from tests.deploy.native_sdk import samples
from tests.deploy.native_sdk.building import WARNINGS, built, needs_tools

pytestmark = [pytest.mark.slow, needs_tools]
NUMERICS = ("float32", "int8")
CLOSE = 1e-3


@pytest.fixture(scope="module")
def parts(deployable, tmp_path_factory):
    """The same model as a package in float32, and in int8."""
    folder = tmp_path_factory.mktemp("two")
    for numeric in NUMERICS:
        package = deployable.deploy(ladder=(numeric,))
        unpack(package, deployable.store, folder / numeric)
    return folder


def joined(parts, folder, sets):
    """A package of float32 and int8, as deploy.second_numeric packs it; `sets`: the instruction
    sets of both."""
    first, second = NUMERICS
    shutil.copytree(parts / first, folder)
    golden = json.loads((parts / second / "golden/expected.json").read_text())
    for case in golden["cases"]:  # samples of both may have the same name
        name = f"golden/{second}-{case['file'].rpartition('/')[2]}"
        shutil.copy(parts / second / case["file"], folder / name)
        case["file"] = name
    (folder / f"golden/expected-{second}.json").write_text(json.dumps(golden))
    (folder / second).mkdir()
    shutil.copy(parts / second / "model.onnx", folder / second)
    description = json.loads((folder / "package.json").read_text())
    networks = [
        {"numeric": first, "model": "model.onnx", "instruction_sets": sets[0]},
        {"numeric": second, "model": f"{second}/model.onnx", "instruction_sets": sets[1]},
    ]
    description.update(package_format=2, by_processor=networks)
    (folder / "package.json").write_text(json.dumps(description))
    sealed_again(folder)
    return folder


@pytest.mark.parametrize(
    ("sets", "runs"),
    [
        (("HERE", "other"), "float32"),
        (("other", "HERE"), "int8"),
        (("other", "further"), "int8"),  # which neither names: the last
    ],
)
def test_the_network_for_this_processor_answers_and_is_tested(sets, runs, parts, tmp_path):
    program = built(WARNINGS)
    version = [program.folder / "aiwf_predict", "--version"]
    here = subprocess.run(version, capture_output=True, text=True, check=True).stdout.split()[-1]
    found = [[here if name == "HERE" else name] for name in sets]
    folder = joined(parts, tmp_path / "package", found)
    photos = list(samples.photos(tmp_path, rounds=1))[:3]

    done = program.run("--selftest", folder)
    answers = program.answers(folder, photos, "--untested")

    assert done.returncode == 0, done.stderr
    golden = json.loads((parts / runs / "golden/expected.json").read_text())
    assert f" {golden['tolerance']:g} is allowed" in done.stdout
    with Predictor.open(parts / runs, untested=True) as predictor:
        for path, answer in zip(photos, answers, strict=True):
            scores = {entry["label"]: entry["score"] for entry in answer["labels"]}
            for entry in predictor.predict(path.read_bytes(), top=0)["labels"]:
                assert scores[entry["label"]] == pytest.approx(entry["score"], abs=CLOSE)


def test_a_second_network_that_was_changed_is_noticed(parts, tmp_path):
    folder = joined(parts, tmp_path / "package", (["HERE"], ["other"]))
    network = folder / "int8" / "model.onnx"
    network.write_bytes(network.read_bytes()[:-1] + b"x")

    done = built(WARNINGS).run("--selftest", folder)

    assert done.returncode == 3
    assert "int8/model.onnx" in done.stderr
