"""The C library and its program take hostile names, labels, pictures, sounds and files of samples
without undefined behaviour."""

import re
import struct
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from stages.deploy.c_source import builds
from stages.deploy.c_source.builds import SAMPLE, WINDOW, GoldenSample, samples_file
from stages.deploy.c_source.graph import read_graph
from stages.deploy.c_source.integer_operators import fit_32_bits
from stages.deploy.c_source.library import c_library, prefix_of
from stages.deploy.c_source.lowering import lowered
from stages.deploy.c_source.prefix import prefixed
from stages.deploy.c_source.writer import filled
from stages.deploy.packed import write_folder
from tests.deploy.c_source.compiling import needs_compiler
from tests.deploy.c_source.networks import CHANNELS, SIDE, integer_network
from tests.deploy.c_source.test_c_steps import flattening
from tests.runtime.conftest import DESCRIPTION
from tests.runtime.networks import TONES, tones_network

SANITIZED = (
    "-O0",
    "-Werror",
    "-pedantic",
    "-trigraphs",
    "-Wconversion",
    "-fsanitize=address,undefined,float-cast-overflow",
    "-fno-sanitize-recover",
)
HOSTILE = ['a"; exit(1); //\\\n猫', "*/ int x; /*", "??/", "%s%n" + "x" * 900]
BEFORE = [
    {"step": "decode_picture", "args": {}},
    {"step": "resize", "args": {"size": [2, 2], "fit": "letterbox", "fill": 77}},
    {"step": "normalise", "args": {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.25]}},
    {"step": "to_channels_first", "args": {}},
]
COUNT, LARGEST = 12, 640  # numbers of a window; pixels of a side


def library_of(name, labels):
    description = {**DESCRIPTION, "name": name, "labels": labels, "before": BEFORE, "after": []}
    network = {"model.onnx": flattening(COUNT, (3, 2, 2))}
    return c_library({**description, "input_shape": [3, 2, 2]}, network).files


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The program of a library with hostile names, built with all checks."""
    folder = tmp_path_factory.mktemp("c")
    labels = [*HOSTILE, *map(str, range(COUNT - len(HOSTILE)))]
    write_folder(folder, library_of("??/ */ é \\\n", labels))
    return builds.host_build(folder, folder, SANITIZED)[0]


def outcome(program, data, folder):
    """The code with which the program ends, and its last line."""
    (folder / "samples.bin").write_bytes(data)
    done = subprocess.run(
        [program], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert "ERROR" not in done.stderr, done.stderr[:2000]
    return done.returncode, done.stdout.splitlines()[-1]


def window(first=0.0):
    numbers = np.arange(COUNT, dtype=np.float32)
    numbers[0] = first
    return GoldenSample(WINDOW, numbers, np.arange(COUNT, dtype=np.float32))


@needs_compiler
def test_pictures_of_extreme_sizes_are_answered_and_larger_ones_refused(program, tmp_path):
    sizes = [(1, 1), (1, LARGEST), (LARGEST, 1), (LARGEST, LARGEST), (LARGEST - 1, 3)]
    pictures = [np.full((*size, 3), 255, np.uint8) for size in sizes]
    expected = np.zeros(COUNT, np.float32)
    good = [GoldenSample(SAMPLE, picture, expected) for picture in pictures]
    large = GoldenSample(SAMPLE, np.zeros((1, 5000, 3), np.uint8), expected)

    assert outcome(program, samples_file(good, 10.0), tmp_path) == (
        0,
        "5 of 5 samples agree within 10",
    )
    assert outcome(program, samples_file([*good, large], 10.0), tmp_path)[0] == 1


@needs_compiler
def test_a_file_of_samples_that_is_cut_short_or_lies_is_no_success(program, tmp_path):
    good = samples_file([window(), window()], 0.1)
    assert outcome(program, good, tmp_path) == (0, "2 of 2 samples agree within 0.1")
    lying = [
        good[:8] + struct.pack("<4i", kind, first, second, size) + good[24:]
        for kind, first, second, size in (
            *((0, COUNT, 0, 4), (0, COUNT, 0, -1), (0, COUNT, 0, 2**31 - 1)),
            *(
                (1, 99, 99, 48),
                (1, -4, -4, 48),
                (1, -(2**31), -(2**31), 48),
                (1, 2**31 - 1, 2**31 - 1, 48),
            ),
        )
    ]
    shortened = [good[:length] for length in (0, 3, 7, 20, 40, 90, len(good) - 1)]
    counts = [struct.pack("<i", count) + good[4:] for count in (0, -1, 3, 2**31 - 1)]

    for data in (*shortened, *counts, *lying):
        code, last = outcome(program, data, tmp_path)
        assert code in (1, 2), last


@needs_compiler
def test_what_is_no_number_fails_wherever_it_stands(program, tmp_path):
    """A later label's difference did not replace it."""
    assert outcome(program, samples_file([window(np.nan)], 0.1), tmp_path)[0] == 1


@needs_compiler
def test_sounds_of_extreme_lengths_and_numbers(tmp_path):
    write_folder(tmp_path, c_library(TONES, {"model.onnx": tones_network()}).files)
    prefix = prefix_of(TONES["name"])
    program = b"""\
#include <math.h>
#include "kernels.h"
#include "steps.h"
int main(void) {
    static float scores[MODEL_OUTPUTS];
    const float sound[3] = {INFINITY, NAN, -INFINITY};
    uint8_t found[3];
    quantize_u8(sound, found, 3, 0.5f, 7);
    return !(classify_sound(sound, INT32_MAX, scores) == STEPS_TOO_LARGE &&
             classify_sound(sound, INT32_MIN, scores) == STEPS_EMPTY &&
             classify_sound(sound, 3, scores) == 0 && found[0] == 255 && found[1] == 0 &&
             found[2] == 0);
}
"""
    further = {"host/main.c": program, "src/kernels_u8.c": filled("kernels_u8.c", {})}
    write_folder(tmp_path, prefixed(further, prefix))

    command = builds.host_build(tmp_path, tmp_path, SANITIZED)

    assert subprocess.run(command, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("name", ["int", "é */ // \\\n", "9lives", "_x", "a" * 190, "??/"])
def test_names_are_safe_in_comments_and_as_a_name_of_arduino(name):
    files = library_of(name, [*map(str, range(COUNT))])
    again = library_of(name, [*map(str, range(COUNT))])

    assert files == again
    (sketch,) = [path for path in files if path.endswith(".ino")]
    _, folder, file = sketch.split("/")
    assert file == f"{folder}.ino"
    assert re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,62}", folder)
    assert f"name={folder}\n".encode() in files["library.properties"]
    first = files["src/model.c"].decode().splitlines()[0]
    assert first.startswith("/* ")
    assert first.endswith(" labels, C99 */")
    assert not re.search(r"[\\?]|\*/.|//", first)
    assert "\\" not in files["Makefile"].decode().splitlines()[0]


def test_sums_that_may_leave_32_bits_are_computed_in_float(tmp_path):
    """The weights of a dead channel have a tiny scale, and its bias a huge number in it."""
    model = integer_network(tmp_path, np.random.default_rng(1))
    graph = read_graph({"model.onnx": model}, (CHANNELS, SIDE, SIDE))
    tiny = {
        name: stored._replace(scale=np.full_like(stored.scale, 1e-12))
        for name, stored in graph.quantized.items()
    }

    before, after = (
        [operation.kernel for operation in lowered(each).operations]
        for each in (graph, replace(graph, quantized=tiny))
    )

    assert "conv_u8" in before
    assert "conv_u8" not in after
    assert after.count("conv_f32") == before.count("conv_u8")


@pytest.mark.parametrize(
    ("taps", "bias", "zero", "fits"),
    [(66_000, 0, 0, True), (67_000, 0, 0, False), (132_000, 0, 128, True), (9, 2.2e9, 0, False)],
)
def test_the_largest_sum_of_a_convolution(taps, bias, zero, fits):
    assert fit_32_bits(np.full((1, taps), -127, np.int8), np.array([bias]), zero) == fits
