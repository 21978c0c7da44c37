"""How far every engine that is installed here is from the reference, on all model families.

`python -m tests.benchmarks.engines [FAMILY ...]`: each family with random weights at its own size,
in float32; `aiwf conformance ENGINE` runs all checks of an engine. A line for each family, with the
largest difference as a share of the largest number of an output, or why there is none."""

import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.deploy.conformance.checks import difference
from stages.deploy.conformance.networks import reference_network
from stages.deploy.conformance.references import ReferenceNetwork, with_answers
from stages.deploy.engines import Engine, missing_libraries
from stages.parts import ENGINES, FAMILIES
from stages.runtime.backends import BACKENDS
from stages.runtime.errors import WorkflowError
from tests import makers

WINDOWS = 2  # of each network


def main(families: list[str]) -> None:
    missing = {name: missing_libraries(ENGINES[name]) for name in ENGINES}
    names = [name for name in ENGINES if not missing[name]]
    for name in sorted(set(missing) - set(names)):
        print(f"not installed: {name}, which needs {', '.join(missing[name])}")
    print("| network |", " | ".join(names), "|", flush=True)
    furthest = dict.fromkeys(names, 0.0)
    with TemporaryDirectory() as folder:
        store = makers.store(Path(folder))
        for family in families:
            with reference_network(family, store, makers.resources(store.cache)) as graphs:
                (whole,) = with_answers(family, graphs, [FAMILIES[family].size])
                reference = _first(whole)
                found = {name: away(ENGINES[name], reference) for name in names}
            shares = {name: share for name, share in found.items() if isinstance(share, float)}
            furthest |= {name: max(furthest[name], share) for name, share in shares.items()}
            cells = [f"{shares[name]:.1e}" if name in shares else found[name] for name in names]
            print(f"| {reference.name} |", " | ".join(map(str, cells)), "|", flush=True)
    print("| largest |", " | ".join(f"{furthest[name]:.1e}" for name in names), "|")


def _first(whole: ReferenceNetwork) -> ReferenceNetwork:
    """The first WINDOWS windows, and what the reference answers to them."""
    answers = {name: values[:WINDOWS] for name, values in whole.answers.items()}
    return replace(whole, windows=whole.windows[:WINDOWS], answers=answers)


def away(engine: Engine, reference: ReferenceNetwork) -> float | str:
    """The largest difference of `engine`, or why it does not run the network."""
    with TemporaryDirectory() as folder:
        try:
            network = engine.convert(reference.graphs, reference.windows)
            backend = BACKENDS[engine.backend](engine.place(network, Path(folder)))
            return difference(backend.run({backend.inputs[0]: reference.windows}), reference)
        except WorkflowError as error:
            return error.problem


if __name__ == "__main__":
    main(sys.argv[1:] or list(FAMILIES))
