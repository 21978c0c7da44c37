"""The files of a .mlpackage, as coremltools writes them, without what differs between two writings
of the same network: the day and random identifiers."""

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.deploy.c_source.graph import read_graph
from stages.deploy.coreml.coreml_lowering import INPUT, lacking
from stages.deploy.coreml.coreml_operators import program_of
from stages.deploy.engines import Network

SPECIFICATION = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"
MANIFEST = "Manifest.json"
DAY = "com.github.apple.coremltools.conversion_date"


def packaged(network: Network, description: Mapping[str, Any]) -> dict[str, bytes]:
    """The files of the .mlpackage of `network`, of the package with `description`, by their paths
    in it: a classifier of one window, with weights in float32 if those of the network are, else
    in float16.

    Raises ConfigError, naming it, for what is not written."""
    labels = list(description["labels"])
    if len(set(labels)) < len(labels):
        raise lacking("two labels of one name")
    graph = read_graph(network, description["input_shape"])
    program = program_of(graph, softmax=description["after"][-1]["step"] == "softmax")
    about = {"name": description["name"], "steps": json.dumps(description["before"])}
    return written(program, description["numeric"] == "float32", labels, about)


def written(
    program: Any,
    is_float32: bool,
    labels: Sequence[str] | None = None,
    about: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """The files of a .mlpackage of `program`, which computes in float32 or in float16; with
    `labels` a classifier. `about`: further metadata."""
    import coremltools

    precision = coremltools.precision
    model = coremltools.convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=coremltools.target.iOS15,
        compute_precision=precision.FLOAT32 if is_float32 else precision.FLOAT16,
        classifier_config=coremltools.ClassifierConfig(list(labels)) if labels else None,
        skip_model_load=True,
    )
    model.input_description[INPUT] = "One window, prepared as the steps in the metadata say."
    model.user_defined_metadata.update(about or {})
    with TemporaryDirectory() as name:
        place = Path(name) / "model.mlpackage"
        model.save(str(place))
        return _stable(place)


def _stable(place: Path) -> dict[str, bytes]:
    """The files in `place`, equal for equal networks."""
    from coremltools.models.utils import load_spec

    specification = load_spec(str(place))
    specification.description.metadata.userDefined.pop(DAY, None)
    files = {
        SPECIFICATION: specification.SerializeToString(deterministic=True),
        WEIGHTS: (place / WEIGHTS).read_bytes(),
    }
    manifest = json.loads((place / MANIFEST).read_text("utf-8"))
    entries = manifest["itemInfoEntries"]
    names = {old: str(uuid.uuid5(uuid.NAMESPACE_OID, entries[old]["path"])) for old in entries}
    manifest["rootModelIdentifier"] = names[manifest["rootModelIdentifier"]]
    manifest["itemInfoEntries"] = {names[old]: entries[old] for old in entries}
    text = json.dumps(manifest, indent=4, sort_keys=True)
    return {**files, MANIFEST: f"{text}\n".encode()}
