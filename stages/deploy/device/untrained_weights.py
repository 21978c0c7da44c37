"""The weights of an untrained network.

A layer whose weights have to be built is built in a process of its own, `python -m
stages.deploy.device.untrained_weights SPEC.json OUT.npz`. The process that plans a run may
never need Paddle, and importing Paddle changes the logging of a whole process."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stages.models.arrays import pack_arrays, unpack_arrays
from stages.models.export import child_environment
from stages.models.family import LAST
from stages.models.genotype import EVERY_OPERATION
from stages.models.weights import Array
from stages.resources import Resources
from stages.runtime.errors import InfrastructureError
from stages.train.search.search_space import Input


@dataclass(frozen=True)
class NetworkSpec:
    """What determines the size of a network besides its family: the number of labels; the units of
    the largest head that the search may choose (`hidden`, 0: no hidden layer), which is the mean of
    `folds` heads; the largest side of a kernel and the largest width that it may choose, where a
    family allows that; the choices of `feature_maps` whose features its head may take; the
    `engine` that runs it; and the `genotype` of a searched family, empty: one with every operation
    that a search may choose."""

    task: str
    labels: int
    hidden: int
    folds: int
    ladder: tuple[str, ...]
    engine: str
    kernel: int = 3
    feature_maps: tuple[str, ...] = (LAST,)
    width: float = 1.0
    genotype: str = ""


def arrays_of(model_input: Input, spec: NetworkSpec, resources: Resources) -> dict[str, Array]:
    """The weights of the network of `model_input`: its backbone's initial weights, and random ones
    for its head."""
    if model_input.initialised_family.whole or model_input.initialised_family.weights is None:
        return _built_in_child(model_input, spec)
    return _with_head(model_input, spec, model_input.initialised_family.load(resources))


def _built_in_child(model_input: Input, spec: NetworkSpec) -> dict[str, Array]:
    with TemporaryDirectory() as name:
        spec_file, out = Path(name) / "spec.json", Path(name) / "out.npz"
        spec_file.write_text(json.dumps({"input": asdict(model_input), "spec": asdict(spec)}))
        command = [sys.executable, "-m", __name__, str(spec_file), str(out)]
        done = subprocess.run(command, env=child_environment(), capture_output=True, text=True)
        if done.returncode:
            message = done.stderr.strip().splitlines()[-1:]
            raise InfrastructureError(
                f"{model_input.family} cannot be built to be measured: {' '.join(message)}",
                "Try again.",
            )
        return unpack_arrays(out.read_bytes())


def built(model_input: Input, spec: NetworkSpec) -> dict[str, Array]:
    """As `arrays_of`, for a network without initial weights; always the same numbers."""
    arrays, rng = _initialised(model_input, spec), np.random.default_rng(0)
    return {name: _drawn(name, arrays[name], rng) for name in sorted(arrays)}


def _initialised(model_input: Input, spec: NetworkSpec) -> dict[str, Array]:
    import paddle

    paddle.seed(0)
    family = model_input.initialised_family
    if family.whole:
        return _numbers(family.new(spec.labels))
    if not family.layers:
        return _fold_networks(model_input, spec)
    return _with_head(model_input, spec, family.load())


def _fold_networks(model_input: Input, spec: NetworkSpec) -> dict[str, Array]:
    """The weights of all folds' networks, each of which learns features of its own."""
    family = model_input.initialised_family
    sides = [model_input.size if side is None else side for side in family.shape]
    chosen = {name: getattr(spec, name) for name in ("kernel", "width") if getattr(family, name)}
    if family.searched:
        chosen["genotype"] = spec.genotype or EVERY_OPERATION
    layer = family.fold_networks(spec.folds, sides, bool(spec.hidden), **chosen)
    backbone = {f"backbone.{name}": each for name, each in _numbers(layer).items()}
    return backbone | _out(spec.folds * layer.features, spec.labels)


def _with_head(
    model_input: Input, spec: NetworkSpec, weights: dict[str, Array]
) -> dict[str, Array]:
    backbone = {f"backbone.{name}": array for name, array in weights.items()}
    counts, wide = model_input.initialised_family.feature_counts, spec.hidden * spec.folds
    features = max(
        counts[feature_maps] for feature_maps in {LAST, *spec.feature_maps} & set(counts)
    )
    if not wide:
        return {**backbone, **_out(features, spec.labels)}
    hidden = {"head.hidden.weight": _random(features, wide), "head.hidden.bias": _random(wide)}
    return {**backbone, **hidden, **_out(wide, spec.labels)}


def _out(features: int, labels: int) -> dict[str, Array]:
    return {"head.out.weight": _random(features, labels), "head.out.bias": _random(labels)}


def _random(*shape: int) -> Array:
    drawn: Array = np.random.default_rng(0).normal(0, 0.05, shape).astype(np.float32)
    return drawn


def _drawn(name: str, array: Array, rng: np.random.Generator) -> Array:
    """Random numbers in place of `array`, which keep the size of what flows through the layer
    (K. He et al. 2015, arXiv 1502.01852); statistics of batch normalization near 0 and 1. With a
    layer's default weights the input would not matter at the output of a deep network, and an
    engine that computes it wrongly would not be noticed."""
    kind = name.rpartition(".")[2]
    if kind == "_mean":
        values = rng.normal(0, 0.1, array.shape)
    elif kind == "_variance":
        values = rng.uniform(0.7, 1.4, array.shape)
    elif kind == "weight" and array.ndim >= 2:
        inputs = np.prod(array.shape[1:]) if array.ndim > 2 else array.shape[0]
        values = rng.normal(0, np.sqrt(2 / inputs), array.shape)
    else:
        return array
    return values.astype(np.float32)


def _numbers(layer: Any) -> dict[str, Array]:
    return {name: value.numpy() for name, value in layer.state_dict().items()}


def main(spec: Path, out: Path) -> None:
    """Write the weights that the file `spec` describes to `out`."""
    content = json.loads(spec.read_text())
    out.write_bytes(pack_arrays(built(Input(**content["input"]), NetworkSpec(**content["spec"]))))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
