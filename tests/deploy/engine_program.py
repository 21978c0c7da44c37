"""`python -m tests.deploy.engine_program FOLDER BACKEND GRAPH NUMERIC` runs GRAPH in FOLDER on
inputs.npz and writes outputs.npz there: a program of its own, as an emulator has to run the
interpreter itself. It knows numpy and the runtime alone."""

import sys
from pathlib import Path

import numpy as np

from stages.runtime.backends import BACKENDS
from stages.runtime.processor import instruction_set


def main(folder: Path, backend: str, graph: str, numeric: str) -> None:
    engine = BACKENDS[backend](folder / graph, 1, numeric)
    with np.load(folder / "inputs.npz") as arrays:
        found = engine.run({engine.inputs[0]: arrays["windows"]})
    np.savez(folder / "outputs.npz", answer=found[engine.outputs[0]])
    (folder / "processor.txt").write_text(instruction_set())


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:5])
