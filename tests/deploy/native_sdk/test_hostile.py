"""The C library under sanitizers: it refuses damaged packages, samples and plug-ins with a message,
and neither reads nor writes a byte outside of its own memory."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import zlib

import pytest

from stages.deploy.pack import unpack
from stages.runtime.sealed import seal
from tests.deploy.conftest import sealed_again
from tests.deploy.native_sdk import samples
from tests.deploy.native_sdk.building import SANITIZERS, SOURCES, build, built, needs_tools

pytestmark = [pytest.mark.slow, needs_tools]
BAD_ARGUMENT, BAD_SAMPLE, DAMAGED, UNSUPPORTED, ENGINE_MISSING = 1, 2, 3, 4, 5
SECONDS = 60
NO_LEAKS = {"ASAN_OPTIONS": "detect_leaks=0"}  # ONNX Runtime frees not all at its end


@pytest.fixture(scope="session")
def sanitized():
    return built(SANITIZERS)


@pytest.fixture(scope="session")
def original(deployable, tmp_path_factory):
    package = deployable.deploy(ladder=("float32",))
    return unpack(package, deployable.store, tmp_path_factory.mktemp("native") / "package")


@pytest.fixture(scope="session")
def listening(hearing, tmp_path_factory):
    package = hearing.deploy(ladder=("float32",))
    return unpack(package, hearing.store, tmp_path_factory.mktemp("native") / "listening")


@pytest.fixture
def packed(original, tmp_path):
    """A copy of the package, to be damaged."""
    return shutil.copytree(original, tmp_path / "package")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, value in NO_LEAKS.items():
        monkeypatch.setenv(name, value)


def refused(program, *arguments, codes=(DAMAGED,)):
    done = program.run(*arguments)
    assert done.returncode in codes, (done.returncode, done.stderr[-2000:])
    assert "Sanitizer" not in done.stderr
    assert "runtime error" not in done.stderr
    return done.stdout + done.stderr


def test_it_answers_under_sanitizers(sanitized, packed, tmp_path):
    photos = list(samples.photos(tmp_path, rounds=1))
    assert len(sanitized.answers(packed, photos)) == len(photos)
    assert sanitized.run("--selftest", packed).returncode == 0


def test_sounds_and_boxes_under_sanitizers(sanitized, listening, detecting, tmp_path):
    package = detecting.deploy(ladder=("float32",))
    boxes = unpack(package, detecting.store, tmp_path / "boxes")
    for folder in (listening, boxes):
        done = sanitized.run("--selftest", folder)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["model.onnx", "package.json", "SHA256SUMS", "labels.txt"])
def test_a_flipped_byte_is_noticed(name, sanitized, packed):
    data = bytearray((packed / name).read_bytes())
    data[len(data) // 2] ^= 1
    (packed / name).write_bytes(data)

    assert name in refused(sanitized, "--selftest", packed)


@pytest.mark.parametrize("name", ["model.onnx", "package.json", "SHA256SUMS"])
def test_a_truncated_or_missing_file_is_noticed(name, sanitized, packed):
    data = (packed / name).read_bytes()
    for length in (0, 1, len(data) // 2, len(data) - 1):
        (packed / name).write_bytes(data[:length])
        assert name in refused(sanitized, "--selftest", packed)
    (packed / name).unlink()
    assert name in refused(sanitized, "--selftest", packed)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b", "a\\b", ".", "a//b"])
def test_names_that_lead_out_of_the_package_are_refused(name, sanitized, packed):
    (packed / "SHA256SUMS").write_bytes(seal({"package.json": b"{}", name: b""}))

    assert "no plain name" in refused(sanitized, "--selftest", packed)


def test_links_and_pipes_are_refused_without_waiting(sanitized, packed, tmp_path):
    (tmp_path / "labels.txt").write_bytes((packed / "labels.txt").read_bytes())
    (packed / "labels.txt").unlink()
    (packed / "labels.txt").symlink_to(tmp_path / "labels.txt")
    assert "labels.txt" in refused(sanitized, "--selftest", packed)
    (packed / "labels.txt").unlink()
    os.mkfifo(packed / "labels.txt")
    assert "not a plain file" in refused(sanitized, "--selftest", packed)


CHANGES = {
    "backend": "../../tmp/evil",
    "model": "../model.onnx",
    "labels": ["a"] * 3 + [4],
    "before": [{"step": "decode_picture"}],
    "after": [{"step": "unheard_of"}],
    "package_format": 2,
    "answers": "boxes",
    "classify": {},
    "by_processor": [{"numeric": "float32", "model": "model.onnx", "instruction_sets": []}] * 9,
}


@pytest.mark.parametrize("key", CHANGES)
def test_a_description_that_contradicts_itself_is_refused(key, sanitized, packed):
    description = json.loads((packed / "package.json").read_text())
    (packed / "package.json").write_text(json.dumps({**description, key: CHANGES[key]}))
    sealed_again(packed)

    refused(sanitized, "--selftest", packed, codes=(DAMAGED, UNSUPPORTED))


def test_what_the_library_cannot_run_is_said_with_what_can(sanitized, packed):
    description = json.loads((packed / "package.json").read_text())
    for changes, message in (
        ({"classify": {}}, "python -m shapes_sdk FILE"),
        ({"labels": ["a", "\x1b[2J", "c"]}, "a label is no line of text"),
        ({"by_processor": [{"numeric": "../x", "model": "m", "instruction_sets": []}] * 2}, "own"),
    ):
        (packed / "package.json").write_text(json.dumps({**description, **changes}))
        sealed_again(packed)
        text = refused(sanitized, "--selftest", packed, codes=(DAMAGED, UNSUPPORTED))
        assert message in text


def test_arguments_of_steps_are_bounded(sanitized, packed):
    description = json.loads((packed / "package.json").read_text())
    for args in ({"size": 10**9}, {"size": [8, 0]}, {"size": "8"}, {"size": 8, "fit": "x"}, []):
        description["before"][1]["args"] = args
        (packed / "package.json").write_text(json.dumps(description))
        sealed_again(packed)
        refused(sanitized, "--selftest", packed)


def test_truncated_and_changed_samples_are_refused_or_answered(
    sanitized, packed, hearing, tmp_path
):
    package = hearing.deploy(ladder=("float32",))
    listening = unpack(package, hearing.store, tmp_path / "listening")
    for folder, kind in ((packed, samples.photos), (listening, samples.sounds)):
        chance = random.Random(5)
        broken = []
        for path in kind(tmp_path):
            data = path.read_bytes()
            shorter = tmp_path / f"shorter-{path.name}"
            shorter.write_bytes(data[: chance.randrange(len(data) // 2)])
            changed = bytearray(data)
            for _ in range(20):
                changed[chance.randrange(len(data))] = chance.randrange(256)
            other = tmp_path / f"changed-{path.name}"
            other.write_bytes(changed)
            broken += [shorter, other]
        done = sanitized.run("--json", folder, *broken)
        assert done.returncode in (0, BAD_SAMPLE), done.stderr[-2000:]
        assert len(done.stdout.splitlines()) == len(broken)
        problems = [json.loads(line) for line in done.stdout.splitlines()][::2]
        assert all("problem" in line for line in problems), problems


def test_pictures_of_too_many_pixels_are_refused_before_decoding(sanitized, packed, tmp_path):
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (30000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(header + zlib.crc32(header[12:]).to_bytes(4, "big") + b"\0\0\0\0IDAT")

    text = refused(sanitized, packed, bomb, codes=(BAD_SAMPLE,))
    assert "too large: 30000 x 30000 pixels" in text


PLUGIN = """
#include "aiwf_engine.h"
const aiwf_engine *aiwf_engine_onnxruntime(void);
AIWF_API const aiwf_engine *aiwf_engine_onnxruntime(void) {
    static const aiwf_engine engine = {.abi = AIWF_ENGINE_ABI + 1, .name = "onnxruntime"};
    return &engine;
}
"""


def test_a_plugin_of_another_abi_or_without_its_function_is_refused(sanitized, packed, tmp_path):
    source, plugin = tmp_path / "plugin.c", tmp_path / "libaiwf_engine_onnxruntime.so"
    for text, message in (
        (PLUGIN, "is of ABI 2, and this library needs 1"),
        ("", "has no function"),
    ):
        source.write_text(text or "int nothing;")
        include = f"-I{SOURCES / 'include'}"
        subprocess.run(["gcc", "-shared", "-fPIC", include, source, "-o", plugin], check=True)
        arguments = ("--engines", tmp_path, "--selftest", packed)
        assert message in refused(sanitized, *arguments, codes=(ENGINE_MISSING,))
    plugin.unlink()
    text = refused(sanitized, *arguments, codes=(ENGINE_MISSING,))
    assert "no plug-in for the engine" in text


def test_the_digest_is_that_of_sha256(sanitized, packed):
    """Of lengths around a block's, where padding differs."""
    for length in (0, 1, 55, 56, 63, 64, 65, 119, 120, 128):
        (packed / "labels.txt").write_bytes(b"x" * length)
        sealed_again(packed)
        assert hashlib.sha256(b"x" * length).hexdigest() in (packed / "SHA256SUMS").read_text()
        assert sanitized.run("--selftest", packed).returncode == 0


@pytest.mark.chaos  # a minute, and other inputs each time
@pytest.mark.skipif(not shutil.which("clang"), reason="libFuzzer needs clang")
def test_the_fuzzer_finds_nothing_in_a_minute(tmp_path, packed):
    options = ("-DAIWF_FUZZ=ON", "-DAIWF_PROGRAM=OFF", "-DAIWF_ONNXRUNTIME=OFF")
    folder = build(tmp_path / "build", "", [*options, "-DCMAKE_C_COMPILER=clang"])
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    seeds = [(b"\0", packed / "package.json"), (b"\1", packed / "SHA256SUMS")]
    seeds += [(b"\2", path) for path in samples.photos(tmp_path, rounds=1)]
    seeds += [(b"\3", path) for path in samples.sounds(tmp_path)]
    for place, (reader, path) in enumerate(seeds):
        (corpus / str(place)).write_bytes(reader + path.read_bytes()[:60_000])

    limits = [f"-max_total_time={SECONDS}", "-max_len=70000", "-rss_limit_mb=2000", "-timeout=60"]
    command = [folder / "aiwf_fuzz", *limits, f"-artifact_prefix={tmp_path}/", corpus]
    environment = {key: value for key, value in os.environ.items() if key not in NO_LEAKS}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
