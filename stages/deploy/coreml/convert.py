"""The converting child process: `python -m stages.deploy.coreml.convert FOLDER`.

Reads description.json, windows.npy and the folder network in FOLDER. Writes the files of the
.mlpackage below model, and to scores.npy what they answer to the windows when they are read back;
or, to refused.txt, why the network is not converted."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from stages.deploy.coreml.coreml_lowering import NotConverted
from stages.deploy.coreml.mlpackage import SPECIFICATION, WEIGHTS, packaged
from stages.deploy.coreml.reading import computed
from stages.deploy.packed import write_folder


def main(folder: Path) -> None:
    """Convert the network, read it back and compute the windows."""
    description = json.loads((folder / "description.json").read_text("utf-8"))
    root = folder / "network"
    network = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
    try:
        files = packaged(network, description)
    except NotConverted as error:
        (folder / "refused.txt").write_text(error.problem, "utf-8")
        return
    write_folder(folder / "model", files)
    np.save(folder / "scores.npy", _scores(files, np.load(folder / "windows.npy")))


def _scores(files: dict[str, bytes], windows: Any) -> Any:
    from coremltools.proto.Model_pb2 import Model

    specification = Model.FromString(files[SPECIFICATION])
    rows = [computed(specification, files[WEIGHTS], window[None]) for window in windows]
    return np.stack(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
