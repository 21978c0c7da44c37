"""A process of its own in which an engine answers, possibly on an emulated processor:
`python -I answer_program.py PATHS FOLDER BACKEND GRAPH NUMERIC`.

It imports nothing but numpy and the runtime, from PATHS, which are joined by |. The windows in
FOLDER/windows.npy are answered by GRAPH in FOLDER; the outputs are written to FOLDER/outputs.npz,
and the processor's instruction set is printed. Ends with code MISSING without the library."""

import sys
from pathlib import Path

MISSING = 4


def main(folder: Path, backend: str, graph: str, numeric: str) -> None:
    """Answer the windows, on one thread."""
    import numpy as np

    from stages.runtime.backends import BACKENDS
    from stages.runtime.errors import BackendMissing
    from stages.runtime.processor import instruction_set

    try:
        engine = BACKENDS[backend](folder / graph, 1, numeric)
    except BackendMissing:
        sys.exit(MISSING)
    found = engine.run({engine.inputs[0]: np.load(folder / "windows.npy")})
    np.savez(folder / "outputs.npz", **found)
    print(instruction_set())  # noqa: T201


if __name__ == "__main__":
    sys.path[:0] = sys.argv[1].split("|")
    main(Path(sys.argv[2]), *sys.argv[3:6])
