"""Every further engine computes on emulated processors what it computes here: floats to rounding,
and 8 bits unless it states that its sums may saturate there."""

import json
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from stages.deploy.compressors.ncnn_weights import NcnnInt8
from stages.deploy.conformance import probe
from stages.deploy.conformance.instruction_set_runs import answers_on
from stages.deploy.packed import write_folder
from stages.parts import ENGINES
from stages.runtime.backends.sums import Sums
from stages.runtime.processor import instruction_set
from stages.runtime.sealed import SEAL, seal
from tests.deploy.test_golden import mixed  # noqa: F401 - a fixture
from tests.emulation import cortex_a72, cortex_a76, haswell, here

ROOT = Path(__file__).parents[2]
LIBRARIES = {"openvino": "openvino", "mnn": "MNN", "ncnn": "ncnn"}
PROCESSORS = {"haswell": haswell, "cortex_a72": cortex_a72, "cortex_a76": cortex_a76}
SETS = {"haswell": "x86-64", "cortex_a72": "arm64", "cortex_a76": "arm64-dotprod"}
PATIENCE = 900  # seconds; an emulator compiles the whole library while it runs
PATH = tuple(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))
PARAM = """7767517
2 2
Input            x        0 1 x
Convolution      conv     1 1 x y 0={outputs} 1={kernel} 5=0 6={count}
"""

pytestmark = pytest.mark.slow


def emulated(name: str, library: str):
    """The processor, with the library of an engine. Skips, with the reason, without."""
    if find_spec(library) is None:
        pytest.skip(f"needs {library} here, too, to compare with")
    processor = PROCESSORS[name]()
    if processor is None:
        pytest.skip(
            "needs qemu-user; for arm64 python -m tests.emulation FOLDER, AIWF_ARM64=FOLDER"
        )
    if processor.path and not (Path(processor.path[0]) / library).is_dir():
        pytest.skip(f"{library} has no wheel for arm64")
    return processor if processor.path else processor._replace(path=PATH)


def probe_network(engine: str, numeric: str, folder: Path):
    """The probe in the format of `engine`."""
    record, windows = ENGINES[engine], probe._windows()
    if engine == "ncnn":  # its converter is too large for a test
        float_ncnn(folder)
        if numeric != "float32":
            (folder / "int8").mkdir()
            NcnnInt8().compress(folder / "model.param", [windows], folder / "int8" / "model.param")
            folder = folder / "int8"
        return {file: (folder / file).read_bytes() for file in record.files}
    (folder / "graph.onnx").write_bytes(probe._graph())
    return record.compress(record.convert(folder, windows), numeric, [windows])


def float_ncnn(folder: Path) -> None:
    weights = np.ones((probe.OUTPUTS, probe.CHANNELS, probe.KERNEL, probe.KERNEL), np.float32)
    sizes = {"outputs": probe.OUTPUTS, "kernel": probe.KERNEL, "count": weights.size}
    (folder / "model.param").write_text(PARAM.format(**sizes))
    (folder / "model.bin").write_bytes(np.uint32(0).tobytes() + weights.tobytes())
    side = probe.SIDE - probe.KERNEL + 1
    output = {"name": "y", "blob": "y", "shape": [probe.OUTPUTS, side, side]}
    window = [probe.CHANNELS, probe.SIDE, probe.SIDE]
    ends = {"input": {"name": "x", "blob": "x"}, "window": window, "outputs": [output]}
    (folder / "model.json").write_text(json.dumps(ends))


@pytest.mark.parametrize("name", PROCESSORS)
@pytest.mark.parametrize("engine", LIBRARIES)
@pytest.mark.parametrize("numeric", ["float32", "int8"])
def test_it_computes_there_what_it_states(engine, name, numeric, tmp_path):
    processor, record = emulated(name, LIBRARIES[engine]), ENGINES[engine]
    network, windows = probe_network(engine, numeric, tmp_path), probe._windows()

    [there] = answers_on(processor, record, network, numeric, windows, SETS[name]).values()

    if numeric == "float32":
        [ours] = answers_on(here(), record, network, numeric, windows, instruction_set()).values()
        np.testing.assert_allclose(there, ours, rtol=1e-5)
        return
    stated = record.sums(numeric, SETS[name])
    print(f"{engine} {numeric} on {name}: {probe.lost(there):.1%} lost; it states: {stated}")
    assert probe.lost(there) <= probe.LARGEST or stated == Sums.SATURATING_PAIRS


def test_a_package_whose_engine_saturates_there_fails_its_selftest(mixed, tmp_path):  # noqa: F811
    """OpenVINO, planted as the engine of an int8 package: exact here, not on AVX2 alone."""
    processor = emulated("haswell", "openvino")
    files = {
        path.relative_to(mixed).as_posix(): path.read_bytes()
        for path in mixed.rglob("*")
        if path.is_file() and path.name != SEAL and "__pycache__" not in path.parts
    }
    source = (ROOT / "stages/runtime/backends/openvino.py").read_bytes()
    files["mixed_sdk/backends/onnxruntime.py"] = source.replace(b"OpenVino", b"OnnxRuntime")
    write_folder(tmp_path, {**files, SEAL: seal(files)})

    command = processor.command(tmp_path, "mixed_sdk", ["selftest"])
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)

    assert done.returncode == 5, done.stderr
    assert "Selftest failed on x86-64, as int8" in done.stderr
