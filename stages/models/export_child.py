"""Exports a network in a process of its own: `python -m stages.models.export_child SPEC.json`.

An operator that ONNX lacks ends the process that exports, and names of parameters count up within a
process: so every export has a new one. The parent's side and the format of SPEC are in
`export.py`."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from stages.models.family import Family
from stages.models.onnx_file import convert, stray_padding

SIDE = 64  # of windows for the comparison, where the graph takes any size
INPUTS = {"pictures": "image", "sounds": "sound"}
LIMIT = 1e-3  # largest difference between two engines, as a share of the largest output


def main(spec: dict[str, Any]) -> None:
    """Write graph.json, graph.pdiparams and, if asked for, graph.onnx into the folder `out`."""
    warnings.simplefilter("ignore")
    import paddle

    from stages.models.arrays import unpack_arrays
    from stages.models.backbone_split import frozen_stem
    from stages.models.network import assemble, with_feature_maps
    from stages.parts import FAMILIES

    family = FAMILIES[spec["family"]]
    arrays = unpack_arrays(Path(spec["weights"]).read_bytes())
    if split_point := spec["split_point"]:
        network = frozen_stem(family, _backbone(arrays), split_point)
    elif spec["feature_maps"]:
        network = with_feature_maps(family, arrays)
    else:
        network = assemble(family.name, arrays)
    network.eval()
    prefix = Path(spec["out"]) / "graph"
    probe = _probe(family)
    expected = _answers(network, probe)
    input_spec = paddle.static.InputSpec([None, *family.shape], "float32", INPUTS[family.takes])
    paddle.jit.save(network, str(prefix), input_spec=[input_spec])
    if "onnx" in spec["formats"]:
        convert(prefix.with_suffix(".json"), prefix.with_suffix(".onnx"))
        _compare(prefix.with_suffix(".onnx"), probe, expected)


def _backbone(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("backbone."): array for name, array in arrays.items()}


def _probe(family: Family) -> Any:
    least = max(SIDE, family.multiple)
    whole = -(-least // family.segments) * family.segments
    shape = [2, *(side or whole for side in family.shape)]
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def _answers(network: Any, probe: Any) -> list[Any]:
    import paddle

    with paddle.no_grad():
        outputs = network(paddle.to_tensor(probe))
    several = outputs if isinstance(outputs, list | tuple) else [outputs]
    return [output.numpy() for output in several]


def _compare(path: Path, probe: Any, expected: list[Any]) -> None:
    """End the process unless the ONNX file pads with zeros only and gives the same outputs as
    Paddle."""
    import onnx
    import onnxruntime

    onnx.checker.check_model(str(path))
    if stray := stray_padding(path):
        sys.exit(f"ONNX pads in {stray[0]} with a value that is not zero")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    answers = session.run(None, {session.get_inputs()[0].name: probe})
    for place, (answer, wanted) in enumerate(zip(answers, expected, strict=True)):
        difference = float(np.abs(answer - wanted).max() / max(np.abs(wanted).max(), 1e-6))
        if answer.shape != wanted.shape or not difference <= LIMIT:
            sys.exit(
                f"ONNX Runtime's output {place} differs from Paddle's by {difference:.2g}, "
                f"at most {LIMIT}"
            )


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
