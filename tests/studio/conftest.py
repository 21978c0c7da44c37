"""A studio in an empty workspace, and a browser that has its token."""

import warnings
from dataclasses import dataclass
from typing import Any

import pytest

from stages.artifacts import Measure, Package, Ref, Report
from stages.opening import open_store
from stages.runner.lock import Lock, keep, run_folder
from stages.runtime.files import write
from stages.settings import Settings
from stages.studio.access import StudioAccess
from stages.studio.app import studio
from tests.runtime.conftest import DESCRIPTION, colour_network, whole
from tests.runtime.networks import SPOTS, spots_network

with warnings.catch_warnings():  # it prefers another HTTP library, which is in no lock yet
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

ACCESS = StudioAccess("a-token-of-some-forty-letters-0123456789")
ADDRESS = "http://127.0.0.1:8600"
MEASURE = Measure(value=0.9, low=0.8, high=0.95, n=60)


@dataclass
class Browser:
    """A browser with the cookie; `post` sends what the studio's own pages would."""

    client: TestClient

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, **options)

    def post(self, path: str, form: dict[str, str] | None = None, **options: Any) -> Any:
        headers = {"origin": ADDRESS, **options.pop("headers", {})}
        if "content" in options or "json" in options:
            headers["x-aiwf-token"] = ACCESS.form_token
            return self.client.post(path, headers=headers, **options)
        data = {"token": ACCESS.form_token, **(form or {})}
        return self.client.post(path, data=data, headers=headers, **options)


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(workspace=tmp_path / "workspace", pipelines=tmp_path / "pipelines", threads=1)


@pytest.fixture
def outsider(settings):
    """A browser without the token."""
    with TestClient(studio(settings, ACCESS), base_url=ADDRESS) as client:
        yield client


@pytest.fixture
def browser(outsider) -> Browser:
    outsider.get(f"/?token={ACCESS.token}")
    return Browser(outsider)


@pytest.fixture(scope="session")
def package_files(tmp_path_factory) -> dict[str, dict[str, bytes]]:
    """The files of a package of each kind of answer."""
    return {
        "colours": whole(DESCRIPTION, colour_network(), tmp_path_factory.mktemp("colours")),
        "spots": whole(SPOTS, spots_network(), tmp_path_factory.mktemp("spots")),
    }


def saved_package(
    name: str,
    files: dict[str, bytes],
    settings: Settings,
    measured: Measure = MEASURE,
    **facts: Any,
) -> Package:
    """A package in the store, of a cloud_api. `facts`: its other fields."""
    store = open_store(settings)
    plain = {
        "name": name,
        "target": "cloud_api",
        "backend": "onnxruntime",
        "format": "onnx",
        "numeric": "float32",
        "size_bytes": sum(map(len, files.values())),
        "overall": {"accuracy": measured, "ap50": measured},
        "labels_measured": {},
        "agreement": MEASURE,
        "gate": {"accuracy": 0.8},
        "verdict": "ship",
        "files": {name: store.add(data) for name, data in files.items()},
    }
    package = Package(**{**plain, **facts})
    store.save(package)
    return package


def saved_run(
    run: str, settings: Settings, package: Package, task: str, files: dict[str, str] | None = None
) -> Lock:
    """A finished run with a report that has `files`, and `package`; with pages in its folder."""
    store = open_store(settings)
    report = Report(
        task=task,
        labels=("a", "b"),
        threshold=0.5,
        overall={"accuracy": MEASURE, "ap50": MEASURE},
        labels_measured={},
        gate={"accuracy": 0.8},
        verdict="ship",
        reasons=("accuracy reaches the gate.",),
        files=files or {},
    )
    store.save(report)
    ended = {"etl": Ref("dataset", "0" * 64), "train": Ref("model", "0" * 64)}
    lock = Lock(
        run=run,
        pipeline=package.name,
        began="2026-11-30T07:00:00+00:00",
        data={"name": package.name, "revision": "0" * 32 + ".dir"},
        config={"task": task, "deploy": {"targets": ["cloud_api"]}},
        seeds={},
        requirements="",
        machine={},
        artifacts={**ended, "evaluate": report.ref, "deploy_cloud_api": package.ref},
    )
    keep(lock, store, settings)
    for name in ("report.html", "data.html", "package_cloud_api.html"):
        write(run_folder(run, settings) / name, f"<!doctype html><p>{name}</p>")
    return lock
