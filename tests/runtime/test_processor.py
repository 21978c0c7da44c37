"""Which instruction set a machine has; in doubt, the weakest of its architecture."""

import pytest

from stages.runtime.backends.onnxruntime import OnnxRuntime
from stages.runtime.backends.paddle_inference import PaddleInference
from stages.runtime.backends.sums import Sums
from stages.runtime.errors import BackendMissing
from stages.runtime.processor import INSTRUCTION_SETS, X86_VNNI, instruction_set, named
from tests.runtime.conftest import colour_network

OLD = "processor: 0\nflags\t\t: fpu avx avx2 fma\n"
ICE_LAKE = "processor: 0\nflags\t\t: fpu avx2 avx512f avx512_vnni\n"
ALDER_LAKE = "processor: 0\nflags\t\t: fpu avx2 avx_vnni\n"
ZEN_5 = "processor: 0\nflags\t\t: fpu avx2 avx_vnni avx512f avx512_vnni\n"
NEOVERSE = "processor\t: 0\nFeatures\t: fp asimd asimddp\n"
CORTEX_A72 = "processor\t: 0\nFeatures\t: fp asimd crc32\n"


@pytest.mark.parametrize(
    ("machine", "cpuinfo", "features", "expected"),
    [
        ("x86_64", OLD, {"AVX512VNNI": False}, "x86-64"),
        ("x86_64", ICE_LAKE, {"AVX512VNNI": True}, "x86-64-vnni"),
        ("x86_64", ICE_LAKE, {}, "x86-64-vnni"),  # a numpy that tells nothing
        ("x86_64", ICE_LAKE, {"AVX512VNNI": False}, "x86-64"),  # emulated: the host's cpuinfo
        ("x86_64", ICE_LAKE + OLD, {}, "x86-64"),  # cores of two kinds
        ("x86_64", ALDER_LAKE, {"AVX512VNNI": False}, "x86-64-vnni"),
        ("x86_64", ZEN_5, {"AVX512F": True, "AVX512VNNI": True}, "x86-64-vnni"),
        ("x86_64", ZEN_5, {"AVX512F": False, "AVX512VNNI": False}, "x86-64"),  # emulated on one
        ("AMD64", "", {"AVX512VNNI": True}, "x86-64-vnni"),  # Windows
        ("AMD64", "", {"AVX512VNNI": False}, "x86-64"),
        ("x86_64", "", {}, "x86-64"),
        ("aarch64", NEOVERSE, {"ASIMDDP": True}, "arm64-dotprod"),
        ("aarch64", CORTEX_A72, {"ASIMDDP": False}, "arm64"),
        ("arm64", "", {"ASIMDDP": True}, "arm64-dotprod"),  # macOS
        ("ARM64", "", {}, "arm64"),
        ("aarch64", ICE_LAKE, {}, "arm64"),  # emulated without a cpuinfo of its own
        ("riscv64", "", {}, "riscv64"),
        ("", "", {}, "unknown"),
    ],
)
def test_a_feature_counts_if_a_source_affirms_it_and_none_denies_it(
    machine, cpuinfo, features, expected
):
    assert named(machine, cpuinfo, features) == expected


def test_this_machine_has_one():
    assert instruction_set() in INSTRUCTION_SETS


def test_floats_are_added_as_floats_everywhere():
    for backend in (OnnxRuntime, PaddleInference):
        for name in (*INSTRUCTION_SETS, "riscv64"):
            assert backend.sums("float32", name) == backend.sums("float16", name) == Sums.FLOAT


def test_of_a_processor_that_nobody_looked_at_nothing_good_is_said():
    assert OnnxRuntime.sums("int8", "riscv64") == Sums.SATURATING_PAIRS
    assert OnnxRuntime.sums("int8", "x86-64") == Sums.INT32


@pytest.mark.parametrize("on", ["x86-64", "riscv64"])
def test_an_engine_that_may_ignore_the_option_is_refused_where_it_is_needed(
    on, tmp_path, monkeypatch
):
    network = tmp_path / "model.onnx"
    network.write_bytes(colour_network())
    monkeypatch.setattr("onnxruntime.__version__", "1.14.1")
    monkeypatch.setattr("stages.runtime.backends.onnxruntime.instruction_set", lambda: X86_VNNI)

    with pytest.raises(BackendMissing, match=r"needs ONNX Runtime 1\.15 or newer") as caught:
        OnnxRuntime(network, numeric="int8", on=on)

    assert "pip install 'onnxruntime>=1.15'" in caught.value.remedy
    for numeric, other in (("int8", "x86-64-vnni"), ("int8", "arm64"), ("float32", on)):
        OnnxRuntime(network, numeric=numeric, on=other)


@pytest.mark.parametrize("here", ["x86-64", "riscv64"])
@pytest.mark.parametrize("on", [None, *INSTRUCTION_SETS])
def test_options_of_another_set_do_not_turn_off_what_this_machine_needs(
    here, on, tmp_path, monkeypatch
):
    network = tmp_path / "model.onnx"
    network.write_bytes(colour_network())
    monkeypatch.setattr("onnxruntime.__version__", "1.14.1")
    monkeypatch.setattr("stages.runtime.backends.onnxruntime.instruction_set", lambda: here)

    with pytest.raises(BackendMissing, match="its sums may saturate"):
        OnnxRuntime(network, numeric="int8", on=on)
