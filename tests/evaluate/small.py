"""A small real model: a Paddle network on the picture's shrunken pixels, fitted in closed form."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from stages.artifacts import Dataset, Model, Step
from stages.blobs.folder import FolderBlobs
from stages.config import EvaluateConfig, EvaluateSlice
from stages.etl.manifest import samples_of
from stages.resources import Resources
from stages.runtime import steps
from stages.store import Store
from stages.tracking import QuietRun
from tests import makers

SIDE = 12
BEFORE = (
    Step(step="decode_picture"),
    Step(step="resize", args={"size": SIDE}),
    Step(step="normalise", args={"mean": [0.4] * 3, "std": [0.3] * 3}),
    Step(step="to_channels_first"),
)


def model(store: Store, dataset: Dataset) -> Model:
    """A saved Model of `dataset`: ridge regression of its training pixels, as a native graph."""
    samples = samples_of(dataset, store, "train")
    described = [step.model_dump() for step in BEFORE]
    pixels = np.stack(
        [steps.run(described, store.get(sample.digest)).ravel() for sample in samples]
    )
    wanted = np.eye(len(dataset.labels))[[dataset.labels.index(sample.label) for sample in samples]]
    weights = np.linalg.solve(pixels.T @ pixels + 30 * np.eye(pixels.shape[1]), pixels.T @ wanted)
    files = _graph(6 * weights.astype(np.float32))
    saved = Model(
        task=dataset.task,
        labels=dataset.labels,
        family="efficientnet_lite0",
        input_shape=(3, SIDE, SIDE),
        before=BEFORE,
        after=(Step(step="softmax"),),
        hyperparameters={"learning_rate": 0.01, "head": "linear"},
        selection={"rule": "highest balanced accuracy", "trials": 7},
        files={name: store.add(data) for name, data in files.items()},
        parents=(dataset.ref,),
    )
    store.save(saved)
    return saved


def _graph(weights: np.ndarray) -> dict[str, bytes]:
    import paddle

    network = paddle.nn.Sequential(paddle.nn.Flatten(), paddle.nn.Linear(*weights.shape))
    network[1].weight.set_value(weights)
    network.eval()
    spec = [paddle.static.InputSpec([None, 3, SIDE, SIDE], "float32", "image")]
    with TemporaryDirectory() as folder:
        paddle.jit.save(network, f"{folder}/graph", input_spec=spec)
        return {name: Path(folder, name).read_bytes() for name in ("graph.json", "graph.pdiparams")}


def main(folder: str, threads: str) -> None:
    """Evaluate the only model in the store of `folder`, as another process would; print the id."""
    from stages.evaluate import evaluate

    store = Store(FolderBlobs(Path(folder) / "store"), Path(folder) / "cache")
    (ref,) = store.refs("model")
    model: Model = store.load(ref)
    resources = Resources(cores=int(threads), scratch=Path(folder) / "cache")
    config = EvaluateSlice(evaluate=EvaluateConfig())
    dataset = store.load(model.parents[0])
    report = evaluate(model, dataset, config, store=store, run=QuietRun(), resources=resources)
    print(report.ref.id)


def stored_shapes(folder: Path, each: int = 20) -> tuple[Store, Dataset, Model]:
    """A store on disk with a dataset of shapes and a model of it."""
    store = Store(FolderBlobs(folder / "store"), folder / "cache")
    dataset = makers.dataset(store, each)
    return store, dataset, model(store, dataset)


if __name__ == "__main__":
    main(*sys.argv[1:])
