"""aiwf doctor: exercises every component and says what is wrong and how to mend it."""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryDirectory
from typing import NamedTuple

import typer

from stages.settings import Settings

# Each line runs in a process of its own: a broken library must not take the others down.
PROBES = {
    "paddlepaddle": "import paddle; assert float(paddle.to_tensor([2.0]).sum()) == 2; "
    "assert paddle.distributed.is_available()",
    "onnxruntime": "import numpy as np, onnx, onnxruntime as ort; from onnx import helper as h, TensorProto as t; "
    "i=[h.make_tensor_value_info(n,t.FLOAT,[1]) for n in 'xy']; "
    "g=h.make_graph([h.make_node('Relu',['x'],['y'])],'g',i[:1],i[1:]); "
    "m=h.make_model(g,opset_imports=[h.make_opsetid('',17)],ir_version=8); onnx.checker.check_model(m); "
    "s=ort.InferenceSession(m.SerializeToString(),providers=['CPUExecutionProvider']); "
    "assert s.run(None,{'x':np.array([-1],np.float32)})[0][0]==0",
    "paddle2onnx": "import importlib.metadata as m; assert m.version('paddle2onnx')=='2.0.1'; "
    "import importlib.util as u; assert u.find_spec('paddle2onnx.paddle2onnx_cpp2py_export')",
    "ray": "import ray; from ray import tune; assert ray.__version__; tune.uniform(0, 1).sample()",
    "optuna": "import optuna; optuna.logging.disable_default_handler(); s=optuna.create_study(); "
    "s.tell(s.ask({'x': optuna.distributions.FloatDistribution(0,1)}), 0.5); assert s.best_value == 0.5",
    "great-expectations": "import great_expectations as gx, pandas as pd; "
    "c=gx.get_context(mode='ephemeral'); b=c.data_sources.add_pandas('p').add_dataframe_asset('a')"
    ".add_batch_definition_whole_dataframe('b').get_batch({'dataframe': pd.DataFrame({'x':[1]})}); "
    "assert b.validate(gx.expectations.ExpectColumnValuesToNotBeNull(column='x')).success",
    "dvc": "import tempfile, pathlib; from dvc.repo import Repo; d=tempfile.mkdtemp(); "
    "r=Repo.init(d, no_scm=True); f=pathlib.Path(d,'x'); f.write_text('x'); r.add(str(f)); r.close()",
    "mlflow": "import mlflow, tempfile; from mlflow.tracking import MlflowClient; "
    "MlflowClient('sqlite:///'+tempfile.mkdtemp()+'/m.db').create_experiment('x')",
    "minio": "from minio import Minio; Minio('127.0.0.1:1', 'a', 'b', secure=False)",
    "apache-airflow": "import tempfile, os; os.environ['AIRFLOW_HOME']=tempfile.mkdtemp(); "
    "from airflow.sdk import DAG, BaseOperator\n"
    "with DAG('x', schedule=None) as d: BaseOperator(task_id='t')\nassert d.task_ids == ['t']",
    "pillow": "import io; from PIL import Image, features; b=io.BytesIO(); Image.new('RGB',(8,8)).save(b,'JPEG'); "
    "assert Image.open(io.BytesIO(b.getvalue())).size==(8,8)",
    "fastapi": "import fastapi, uvicorn; fastapi.FastAPI().openapi()",
    "efficientnet weights": "from stages.parts import FAMILIES\n"
    "for n in FAMILIES:\n f=FAMILIES[n]; f.check()",
}
REINSTALL = "Make the environment again: make clean-env && make env"


class Told(NamedTuple):
    """One line of the doctor's report."""

    name: str
    fine: bool
    text: str


def doctor() -> None:
    """Exercise every component and say what is wrong and how to mend it."""
    settings = Settings()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, workspace {settings.root}")
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        told = [_python(), _workspace(settings), _bytecode()] + list(pool.map(_probe, PROBES))
    for one in told:
        print(f"  {'ok ' if one.fine else 'BAD'} {one.name:<22} {one.text}")
    bad = [one.name for one in told if not one.fine]
    print(f"{len(told)} looked at, all well." if not bad else f"Not well: {', '.join(bad)}.")
    raise typer.Exit(7 if bad else 0)


def _probe(name: str) -> Told:
    with TemporaryDirectory() as scratch:  # what a probe leaves behind goes with it
        return _answer(name, scratch)


def _answer(name: str, scratch: str) -> Told:
    quiet = {"TMPDIR": scratch, "PYTHONWARNINGS": "ignore", "DVC_NO_ANALYTICS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    started = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROBES[name]],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, **quiet},
        )
    except subprocess.TimeoutExpired:
        return Told(name, False, "did not answer within 120 s. Is the machine overloaded?")
    if done.returncode == 0:
        return Told(name, True, f"{time.monotonic() - started:.1f} s")
    last = (done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"])[-1]
    return Told(name, False, f"{last}. {REINSTALL}")


def _python() -> Told:
    fine = sys.version_info[:2] == (3, 11)
    return Told("python", fine, "3.11" if fine else "Use Python 3.11: Paddle and Airflow agree there.")


def _workspace(settings: Settings) -> Told:
    try:
        settings.root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(settings.root).free / 1e9
    except OSError as error:
        return Told("workspace", False, f"{error.strerror}. Set AIWF_WORKSPACE to a folder of yours.")
    writable = os.access(settings.root, os.W_OK)
    fine = writable and free > 2
    say = f"{free:.0f} GB free" if writable else "read-only: set AIWF_WORKSPACE"
    return Told("workspace", fine, say if fine else f"{say}. Free some disk space: 2 GB are needed.")


def _bytecode() -> Told:
    import pydantic

    fine = os.path.isdir(os.path.join(os.path.dirname(pydantic.__file__), "__pycache__"))
    return Told(
        "byte-code", fine, "compiled" if fine else "missing: every start is slow. Run: make env"
    )
