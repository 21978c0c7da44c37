"""A package carries samples on which a processor, an engine or a step that is wrong shows first."""

import io
import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from PIL import Image

from stages.deploy.conformance.probe import lost_share
from stages.deploy.content import Content, spelled
from stages.deploy.golden import (
    BESIDE,
    BESIDE_OF,
    MOST_BYTES,
    GoldenCandidate,
    GoldenSelector,
    generated,
)
from stages.deploy.pack import unpack
from stages.deploy.packed import write_folder
from stages.deploy.targets.device_sdk import DeviceSdk
from stages.parts import COMPRESSORS, ENGINES, MODALITIES
from stages.runtime.backends import BACKENDS
from stages.runtime.errors import AgreementNotMet
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, expected, selftest
from tests.deploy import int8_network
from tests.emulation import haswell
from tests.engines import marked
from tests.runtime.conftest import DESCRIPTION

TOLERANCE = COMPRESSORS["onnx/int8"].tolerance


MIXED = {
    **DESCRIPTION,
    "name": "mixed",
    "labels": list("abcde"),
    "before": [
        {"step": "decode_picture", "args": {}},
        {"step": "resize", "args": {"size": int8_network.SIDE}},
        {"step": "normalise", "args": {"mean": [0, 0, 0], "std": [0.5, 0.5, 0.5]}},
        {"step": "to_channels_first", "args": {}},
    ],
    "numeric": "int8",
    "input_shape": [3, int8_network.SIDE, int8_network.SIDE],
}


def noise(seed: int) -> bytes:
    """A PNG of coarse coloured noise."""
    cells = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(cells).resize((48, 48)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A package whose int8 network saturates where pairs are added in 16 bits."""
    return packed(tmp_path_factory.mktemp("mixed"), [noise(seed) for seed in range(60)])


@pytest.fixture(scope="module")
def grey(tmp_path_factory):
    """The same of data in which all photos are grey."""
    samples = [without_colour(noise(seed)) for seed in range(60)]
    return packed(tmp_path_factory.mktemp("grey"), samples)


def without_colour(picture: bytes) -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("L").save(out, "PNG")
    return out.getvalue()


def packed(folder, samples):
    """A package whose golden samples are chosen from `samples`, and some made-up ones."""
    int8_network.make(folder)
    _balance(folder / "network.onnx", samples)
    predictor = Predictor(MIXED, folder / "network.onnx")
    values = predictor.answers(samples)
    candidates = [
        GoldenCandidate(lambda data=data: data, value)
        for data, value in zip(samples, values, strict=True)
    ]
    selector = GoldenSelector(predictor, MODALITIES["pictures"](), TOLERANCE)
    beside = generated(selector.modality, predictor, BESIDE_OF)
    chosen = selector.chosen(candidates) + selector.chosen(beside, BESIDE)
    golden = {f"golden/{number:03}.jpg": data for number, data in enumerate(chosen)}
    network = {"model.onnx": (folder / "network.onnx").read_bytes()}
    content = Content("mixed", MIXED, network, golden)
    answers = expected(predictor, golden, TOLERANCE)
    files = {**DeviceSdk().files(content), GOLDEN: spelled(answers)}
    write_folder(folder / "package", {**files, SEAL: seal(files)})
    return folder / "package"


def _balance(network, samples):
    """Let each label be the likeliest one of some samples: its logit about 0, with deviation 2."""
    with Predictor(MIXED, network) as predictor:
        prepared = np.concatenate([predictor.prepare(data).windows for data in samples])
        (logits,) = predictor.forward(prepared)
    model = onnx.load(str(network))
    constants = {"mean": logits.mean(axis=0), "deviation": logits.std(axis=0) / 2}
    model.graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in constants.items())
    model.graph.node.append(helper.make_node("Sub", ["logits", "mean"], ["about_zero"]))
    model.graph.node.append(helper.make_node("Div", ["about_zero", "deviation"], ["balanced"]))
    model.graph.output[0].name = "balanced"
    onnx.save(model, str(network))


@pytest.fixture
def engine():
    """Plants another engine in this process for as long as the test lasts."""
    usual = BACKENDS.places["onnxruntime"]

    def plant(name: str) -> None:
        BACKENDS.places["onnxruntime"] = f"tests.deploy.simulated:{name}"

    yield plant
    BACKENDS.places["onnxruntime"] = usual


def answers_of(folder):
    return [case["expected"] for case in json.loads((folder / GOLDEN).read_text())["cases"]]


def test_golden_samples_lie_near_the_border_but_outside_the_tolerance(mixed):
    ahead = [sorted(scores)[-1] - sorted(scores)[-2] for scores in answers_of(mixed)]

    assert min(ahead) >= 2 * TOLERANCE
    assert np.median(ahead) < 0.5


def test_an_exact_engine_passes(mixed, engine):
    engine("Exact")

    result = selftest(mixed)

    assert result.agreeing == result.samples


def test_an_engine_whose_sums_saturate_fails_by_its_agreement(mixed, engine):
    engine("Saturating")

    with pytest.raises(AgreementNotMet) as caught:
        selftest(mixed)

    agreeing, _, samples = caught.value.problem.partition(": ")[2].split(" ")[:3]
    assert int(agreeing) < int(samples)
    assert "install the versions in requirements.txt" in caught.value.remedy


@pytest.mark.parametrize("name", marked(["openvino"]))
def test_an_engine_of_another_name_is_held_to_the_same_golden_samples(name, mixed, monkeypatch):
    """OpenVINO reads the same file; its sums saturate on x86-64 without VNNI, in earnest."""
    saturates = lost_share(ENGINES[name]) > 0.05
    place = BACKENDS.places[ENGINES[name].backend].replace(".", f"{BACKENDS.home}.", 1)
    monkeypatch.setitem(BACKENDS.places, "onnxruntime", place)

    if not saturates:
        assert selftest(mixed).agreeing == selftest(mixed).samples
        return
    with pytest.raises(AgreementNotMet, match="keep their answer"):
        selftest(mixed)


def test_small_noise_as_between_processors_passes(mixed, monkeypatch):
    forward = Predictor.forward
    rng = np.random.default_rng(0)

    def noisy(self, batch):
        return tuple(out + rng.normal(0, 0.01, out.shape) for out in forward(self, batch))

    monkeypatch.setattr(Predictor, "forward", noisy)

    assert selftest(mixed).passed


@pytest.mark.parametrize(
    ("place", "old", "new"),
    [
        ("steps.py", "BILINEAR", "NEAREST"),
        ("pixels.py", '.convert("RGB"))', '.convert("RGB"))[:, :, ::-1]'),
        ("steps.py", "np.float32(255) *", "np.float32(230) *"),
    ],
    ids=["another filter", "red and blue swapped", "another scale"],
)
def test_a_step_that_computes_otherwise_fails(mixed, place, old, new, tmp_path):
    done = selftest_with(mixed, place, old, new, tmp_path)

    assert done.returncode == 5, done.stderr
    assert "Selftest failed" in done.stderr


def test_swapped_colours_fail_though_all_photos_of_the_data_are_grey(grey, tmp_path):
    swapped = '.convert("RGB"))[:, :, ::-1]'

    done = selftest_with(grey, "pixels.py", '.convert("RGB"))', swapped, tmp_path)

    assert done.returncode == 5, done.stderr
    assert "Selftest failed" in done.stderr


def selftest_with(folder, place, old, new, to):
    """What the package in `folder` says of itself when `old` is `new` in a module of it."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != SEAL and "__pycache__" not in path.parts
    }
    source = files[f"mixed_sdk/{place}"].decode()
    assert old in source
    files[f"mixed_sdk/{place}"] = source.replace(old, new).encode()
    write_folder(to, {**files, SEAL: seal(files)})
    return subprocess.run(
        [sys.executable, "-m", "mixed_sdk", "selftest"],
        cwd=to,
        capture_output=True,
        text=True,
    )


def test_a_package_carries_small_test_samples_of_every_label(package, deployable, tmp_path):
    folder = unpack(package, deployable.store, tmp_path / "package")

    samples = sorted((folder / "golden").glob("test_*.jpg"))
    generated_samples = sorted((folder / "golden").glob("made_up_*.jpg"))
    result = selftest(folder)

    assert result.labels == result.of == len(deployable.dataset.labels)
    assert (len(samples), len(generated_samples)) == (24, BESIDE)
    assert sum(path.stat().st_size for path in samples) <= MOST_BYTES
    readme = " ".join((folder / "README.md").read_text().split())
    assert f"copies of 24 of your test photos and {BESIDE} generated photos" in readme
    assert f"cover {result.labels} of {result.of} labels" in readme


def test_none_of_a_persons_samples_leave_if_the_pipeline_says_so(deployable, tmp_path):
    package = deployable.deploy(golden_samples="generated", ladder=("float32",))

    folder = unpack(package, deployable.store, tmp_path / "package")

    assert "None of your own photos is in this package" in (folder / "README.md").read_text()
    assert not list((folder / "golden").glob("test_*"))
    assert selftest(folder).samples > 4


@pytest.mark.slow
@pytest.mark.skipif(haswell() is None, reason="no qemu-x86_64 here: apt install qemu-user")
@pytest.mark.parametrize("precise", [True, False])
def test_on_a_processor_without_vnni_it_passes_only_where_sums_are_exact(mixed, precise, tmp_path):
    files = {
        path.relative_to(mixed).as_posix(): path.read_bytes()
        for path in mixed.rglob("*")
        if path.is_file() and path.name != SEAL and "__pycache__" not in path.parts
    }
    if not precise:
        name = "mixed_sdk/backends/onnxruntime.py"
        files[name] = files[name].replace(b"session.x64quantprecision", b"session.not.so.precise")
    write_folder(tmp_path, {**files, SEAL: seal(files)})

    command = haswell().command(tmp_path, "mixed_sdk", ["selftest"])
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600)

    assert "on x86-64, as int8:" in done.stdout + done.stderr
    assert done.returncode == (0 if precise else 5), done.stderr
