"""A package carries samples on which a processor, an engine or a step that is wrong shows first."""

import io
import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
import soundfile
from onnx import helper, numpy_helper
from PIL import Image

from stages.deploy.content import Content, spelled
from stages.deploy.golden import (
    BESIDE,
    BESIDE_OF,
    MOST_BYTES,
    TRIES,
    GoldenCandidate,
    GoldenSelector,
    _turns,
    generated,
)
from stages.deploy.pack import unpack
from stages.deploy.packed import write_folder
from stages.deploy.targets.device_sdk import DeviceSdk
from stages.parts import COMPRESSORS, MODALITIES
from stages.runtime.answers import of as answers_kind
from stages.runtime.backends import BACKENDS
from stages.runtime.errors import AgreementNotMet
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, expected, selftest
from stages.runtime.sounds import decode_sound
from tests.deploy import int8_network
from tests.emulation import haswell
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


class FirstSample:
    """Names one of 50 labels by a clip's first sample, and counts what it answers."""

    labels = tuple(f"label {number}" for number in range(50))
    description = {**DESCRIPTION, "labels": list(labels), "after": []}
    kind = answers_kind(description)

    def __init__(self) -> None:
        self.answered = 0

    def answers(self, samples):
        self.answered += len(samples)
        return [self.value(round((decode_sound(clip, 16000)[0] + 0.5) * 50)) for clip in samples]

    def value(self, label):
        scores = np.full(len(self.labels), 0.2 / len(self.labels))
        scores[label] += 0.8
        return scores.tolist()


def test_large_clips_of_many_labels_are_cut_so_that_every_label_has_one_and_few_are_looked_at():
    predictor, modality = FirstSample(), MODALITIES["sounds"]()
    labels, rng = range(len(predictor.labels)), np.random.default_rng(0)
    clips = [rng.uniform(-1, 1, 4 * 16000) for _ in labels]
    for label, clip in zip(labels, clips, strict=True):
        clip[0] = label / 50 - 0.5
    files = [wav(clip) for clip in clips]
    candidates = [
        GoldenCandidate(lambda label=label: files[label], predictor.value(label))
        for label in [*labels] * 100
    ]

    chosen = GoldenSelector(predictor, modality, TOLERANCE).chosen(candidates)

    assert predictor.answered <= 4 * len(labels)
    assert sum(map(len, chosen)) <= MOST_BYTES
    answered = [np.argmax(scores) for scores in predictor.answers(chosen)]
    assert sorted(answered) == list(labels)


def wav(clip):
    out = io.BytesIO()
    soundfile.write(out, clip, 16000, format="WAV", subtype="PCM_16")
    return out.getvalue()


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

    assert "on x86-64:" in done.stdout + done.stderr
    assert done.returncode == (0 if precise else 5), done.stderr


class Scores:
    """A predictor whose samples are their own answers: JSON with a score of each label."""

    def __init__(self, labels: int = 3) -> None:
        self.labels = tuple("abcdefgh"[:labels])
        self.description = {**DESCRIPTION, "labels": list(self.labels), "after": []}
        self.kind = answers_kind(self.description)

    def answers(self, samples):
        return [json.loads(data) for data in samples]


class AsItIs:
    """A modality whose samples stay as they are when they are made small, up to a length."""

    def small(self, data: bytes, most_bytes: int = 10**6) -> bytes:
        return data if len(data) <= most_bytes else SMALLER.get(data, data)


SMALLER: dict[bytes, bytes] = {}  # samples that answer otherwise when they are made small


def candidate(*scores: float) -> GoldenCandidate:
    data = json.dumps(scores).encode()
    return GoldenCandidate(lambda: data, list(scores))


def choice(labels: int = 3) -> GoldenSelector:
    return GoldenSelector(Scores(labels), AsItIs(), TOLERANCE)


def named(chosen):
    return [json.loads(data) for data in chosen]


def test_the_nearest_sample_outside_the_tolerance_of_each_label_comes_first():
    far, near, inside = (0.9, 0.1, 0), (0.6, 0.4, 0), (0.52, 0.48, 0)
    samples = [candidate(*scores) for scores in (far, inside, near, (0, 0.8, 0.2), (0, 0.7, 0.3))]

    chosen = named(choice().chosen(samples, most=3))

    assert chosen == [[0.6, 0.4, 0], [0, 0.7, 0.3], [0.9, 0.1, 0]]
    assert [0.52, 0.48, 0] not in named(choice().chosen(samples))


def test_a_margin_equal_to_the_tolerance_is_outside_it():
    assert named(choice().chosen([candidate(0.75, 0.25, 0)])) == [[0.75, 0.25, 0]]
    exactly = GoldenSelector(Scores(), AsItIs(), 0.25)

    assert named(exactly.chosen([candidate(0.75, 0.25, 0)])) == [[0.75, 0.25, 0]]
    assert exactly.chosen([candidate(0.74, 0.26, 0)]) == []


def test_a_label_that_no_sample_names_has_those_with_its_highest_scores():
    samples = [candidate(0.8, 0.2, 0), candidate(0.6, 0.3, 0.1), candidate(0.7, 0.1, 0.2)]

    queue = choice()._queue(samples, 2)

    assert [each.value for each in queue] == [[0.7, 0.1, 0.2], [0.6, 0.3, 0.1]]
    many = [candidate(0.9 - k / 100, 0, k / 100) for k in range(9)]
    assert len(choice()._queue(many, 2)) == TRIES == 4


def test_of_samples_inside_the_tolerance_the_furthest_comes_first():
    samples = [candidate(0.51, 0.49, 0), candidate(0.54, 0.46, 0), candidate(0.53, 0.47, 0)]

    queue = choice()._queue(samples, 0)

    assert [each.value[0] for each in queue] == [0.54, 0.53, 0.51]


def test_a_sample_that_answers_otherwise_when_made_small_is_passed_over():
    whole, other = candidate(0.6, 0.4, 0), candidate(0.8, 0.2, 0)
    large = GoldenCandidate(lambda: whole.read() + b" " * 100, whole.value)

    try:
        SMALLER[large.read()] = json.dumps([0.2, 0.8, 0]).encode()  # another label
        assert named(choice().chosen([large, other], room=24 * 50)) == [[0.8, 0.2, 0]]
        SMALLER[large.read()] = json.dumps([0.51, 0.49, 0]).encode()  # too near
        assert named(choice().chosen([large, other], room=24 * 50)) == [[0.8, 0.2, 0]]
        SMALLER[large.read()] = json.dumps([0.7, 0.3, 0]).encode()
        assert named(choice().chosen([large, other], room=24 * 50)) == [
            [0.7, 0.3, 0],
            [0.8, 0.2, 0],
        ]
    finally:
        SMALLER.clear()


def test_what_is_left_of_the_room_is_shared_by_those_that_are_still_to_come():
    sizes = []

    class Noting(AsItIs):
        def small(self, data: bytes, most_bytes: int = 0) -> bytes:
            sizes.append(most_bytes)
            return data

    samples = [candidate(0.9, 0.1, 0), candidate(0, 0.9, 0.1), candidate(0.1, 0, 0.9)]
    size = len(samples[0].read())

    chosen = GoldenSelector(Scores(), Noting(), TOLERANCE).chosen(samples, most=3, room=300)

    assert len(chosen) == 3
    assert sizes == [100, (300 - size) // 2, 300 - 2 * size]


def test_a_sample_that_does_not_fit_ends_the_choice():
    samples = [candidate(0.9, 0.1, 0), candidate(0, 0.9, 0.1)]
    size = len(samples[0].read())

    assert len(choice().chosen(samples, room=2 * size)) == 2
    assert len(choice().chosen(samples, room=2 * size - 1)) == 1


@pytest.mark.parametrize(("labels", "usual"), [(3, 24), (24, 24), (40, 40), (300, 200)])
def test_as_many_are_chosen_as_is_usual(labels, usual):
    class Many(Scores):
        def __init__(self) -> None:
            super().__init__()
            self.labels = tuple(map(str, range(labels)))
            self.description = {**self.description, "labels": list(self.labels)}

    rows = np.full((max(90, labels), labels), 0.1 / labels)
    rows[np.arange(len(rows)), np.arange(len(rows)) % labels] = 0.9
    rows[:, 0] += np.arange(len(rows)) * 1e-7  # no two are equal
    samples = [candidate(*row.round(7).tolist()) for row in rows]

    assert len(GoldenSelector(Many(), AsItIs(), TOLERANCE).chosen(samples, room=10**8)) == usual


def test_labels_take_turns_until_tries_are_used_up():
    queues = {0: [1, 2, 3], 1: [], 2: [4]}
    taken = []

    for label in _turns(queues, most=10):
        taken.append((label, queues[label].pop(0)))

    assert taken == [(0, 1), (2, 4), (0, 2), (0, 3)]
    assert list(_turns({0: [], 1: []}, 5)) == []


def test_no_more_than_four_candidates_are_looked_at_for_each_that_is_wanted():
    queues = {0: list(range(50)), 1: list(range(50))}
    looked = 0

    for label in _turns(queues, most=3):
        queues[label].pop(0)
        looked += 1

    assert looked == TRIES * 3
