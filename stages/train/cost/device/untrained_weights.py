"""The weights of a network that nobody has taught.

A layer that has to be built for them is built in a process of its own, `python -m
stages.train.cost.device.untrained_weights SPEC.json OUT.npz`. The process that plans a run may
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
from stages.models.weights import Array
from stages.runtime.errors import InfrastructureError
from stages.settings import Settings
from stages.train.search.search_space import Input


@dataclass(frozen=True)
class Asked:
    """What decides the size of a network beside its family: how many labels, and the units of the
    largest head that the search may choose (0: none hidden), which is the mean of `folds` heads,
    and the largest side of a kernel that it may choose, where a family lets it; the `engine` that
    will run it."""

    task: str
    labels: int
    hidden: int
    folds: int
    ladder: tuple[str, ...]
    engine: str
    kernel: int = 3


def arrays_of(one: Input, asked: Asked, settings: Settings) -> dict[str, Array]:
    """Weights of the network of `one`: those that its backbone begins with, and random ones."""
    if one.initialised_family.whole or one.initialised_family.weights is None:
        return _elsewhere(one, asked)
    return _with_head(one, asked, one.initialised_family.load(settings))


def _elsewhere(one: Input, asked: Asked) -> dict[str, Array]:
    with TemporaryDirectory() as name:
        spec, out = Path(name) / "spec.json", Path(name) / "out.npz"
        spec.write_text(json.dumps({"one": asdict(one), "asked": asdict(asked)}))
        command = [sys.executable, "-m", __name__, str(spec), str(out)]
        done = subprocess.run(command, env=child_environment(), capture_output=True, text=True)
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:]
            raise InfrastructureError(
                f"{one.family} cannot be built to be measured: {' '.join(said)}", "Try again."
            )
        return unpack_arrays(out.read_bytes())


def built(one: Input, asked: Asked) -> dict[str, Array]:
    """As `arrays_of`, of a network without weights; always the same numbers."""
    import paddle

    paddle.seed(0)
    family = one.initialised_family
    if family.whole:
        return _numbers(family.new(asked.labels))
    return _with_head(one, asked, family.load()) if family.layers else _side_by_side(one, asked)


def _side_by_side(one: Input, asked: Asked) -> dict[str, Array]:
    """Of the folds' networks, each of which learns its own features."""
    from stages.models.small_audio_layers import HIDDEN, STAGES, Backbone

    hidden = bool(asked.hidden)
    backbone = _numbers(Backbone(asked.folds, one.size, hidden, apart=False, kernel=asked.kernel))
    features = asked.folds * (HIDDEN if hidden else STAGES[-1].wide)
    return {f"backbone.{name}": each for name, each in backbone.items()} | _out(
        features, asked.labels
    )


def _with_head(one: Input, asked: Asked, begun: dict[str, Array]) -> dict[str, Array]:
    backbone = {f"backbone.{name}": array for name, array in begun.items()}
    features, wide = one.initialised_family.features, asked.hidden * asked.folds
    if not wide:
        return {**backbone, **_out(features, asked.labels)}
    hidden = {"head.hidden.weight": _random(features, wide), "head.hidden.bias": _random(wide)}
    return {**backbone, **hidden, **_out(wide, asked.labels)}


def _out(features: int, labels: int) -> dict[str, Array]:
    return {"head.out.weight": _random(features, labels), "head.out.bias": _random(labels)}


def _random(*shape: int) -> Array:
    drawn: Array = np.random.default_rng(0).normal(0, 0.05, shape).astype(np.float32)
    return drawn


def _numbers(layer: Any) -> dict[str, Array]:
    return {name: value.numpy() for name, value in layer.state_dict().items()}


def main(spec: Path, out: Path) -> None:
    """Write the weights that `spec` asks for to `out`."""
    given = json.loads(spec.read_text())
    out.write_bytes(pack_arrays(built(Input(**given["one"]), Asked(**given["asked"]))))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
