"""One small check for each component; `aiwf doctor` runs each in a process of its own."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from stages.databases import mlflow_address_of


def paddlepaddle() -> None:
    import paddle

    total = paddle.to_tensor([2.0, 3.0]).sum()
    _require(float(total) == 5, "Paddle adds wrongly")
    _require(paddle.distributed.is_available(), "this Paddle cannot train on several workers")


def onnxruntime() -> None:
    import numpy as np
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answer = session.run(None, {"x": np.array([-1], np.float32)})[0]
    _require(answer[0] == 0, "ONNX Runtime computes wrongly")


def paddle2onnx() -> None:
    from importlib.metadata import version

    import paddle2onnx

    _require(
        version("paddle2onnx") == "2.0.1", "another version than 2.0.1 installs things as it runs"
    )
    _require(callable(paddle2onnx.export), "paddle2onnx has no export")


def ray() -> None:
    from ray import cloudpickle
    from ray.train import ScalingConfig

    _require(ScalingConfig(num_workers=2).total_resources["CPU"] == 2, "Ray Train counts wrongly")
    _require(cloudpickle.loads(cloudpickle.dumps(abs))(-1) == 1, "Ray sends other functions")


def optuna() -> None:
    import optuna

    study = optuna.create_study()
    share = optuna.distributions.FloatDistribution(0, 1)
    study.tell(study.ask({"x": share}), 0.5)
    _require(study.best_value == 0.5, "Optuna forgets")


def great_expectations() -> None:
    import great_expectations as gx
    import pandas as pd

    source = gx.get_context(mode="ephemeral").data_sources.add_pandas("probe")
    whole = source.add_dataframe_asset("table").add_batch_definition_whole_dataframe("all")
    batch = whole.get_batch({"dataframe": pd.DataFrame({"x": [1, None]})})
    result = batch.validate(gx.expectations.ExpectColumnValuesToNotBeNull(column="x"))
    _require(not result.success, "Great Expectations does not see a missing value")


def dvc() -> None:
    from dvc.repo import Repo

    folder = tempfile.mkdtemp()
    file = Path(folder, "x")
    file.write_text("x")
    with Repo.init(folder, no_scm=True) as repo:
        repo.add(str(file))
    _require(Path(f"{file}.dvc").is_file(), "DVC adds nothing")


def mlflow() -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(mlflow_address_of(Path(tempfile.mkdtemp(), "probe.db")))
    _require(client.create_experiment("probe") != "", "MLflow keeps nothing")


def minio() -> None:
    from minio import Minio

    Minio("127.0.0.1:1", "key", "secret", secure=False)


def airflow() -> None:
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp()
    from airflow.sdk import DAG, BaseOperator

    with DAG("probe", schedule=None) as dag:
        BaseOperator(task_id="task")
    _require(dag.task_ids == ["task"], "Airflow builds no DAG")


def pillow() -> None:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    _require(Image.open(file).size == (8, 8), "Pillow reads wrongly")


def fastapi() -> None:
    import fastapi
    import uvicorn

    _require("openapi" in fastapi.FastAPI().openapi(), "FastAPI describes nothing")
    uvicorn.Config(None)


def pretrained_weights() -> None:
    from stages.models.weights import Published
    from stages.parts import FAMILIES

    for name in FAMILIES:
        if type(FAMILIES[name].weights) is Published:  # others are fetched when they are named
            FAMILIES[name].load()


PROBES: dict[str, Callable[[], None]] = {
    probe.__name__: probe
    for probe in (
        paddlepaddle, onnxruntime, paddle2onnx, ray, optuna, great_expectations, dvc, mlflow,
        minio, airflow, pillow, fastapi, pretrained_weights,
    )
}  # fmt: skip


def _require(fine: bool, otherwise: str) -> None:
    if not fine:
        raise RuntimeError(otherwise)


if __name__ == "__main__":
    PROBES[sys.argv[1]]()
