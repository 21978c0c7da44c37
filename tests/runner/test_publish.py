"""What a run made lies where people look, whole."""

import pytest

from stages.artifacts import Dataset, Measure, Package
from stages.runner.lock import Lock, keep, run_folder
from stages.runner.publish import unpack_package
from stages.runner.report_view import show_pages
from stages.runner.watch import LogWatch
from stages.runtime.sealed import SEAL, check, seal
from tests import makers

FILES = {"package.json": b"{}", "labels.txt": b"a\nb\n"}


def package(store) -> Package:
    files = {**FILES, SEAL: seal(FILES)}
    some = Measure(value=1, low=0.9, high=1, n=30)
    return Package(
        name="shapes",
        target="device_sdk",
        backend="onnxruntime",
        format="onnx",
        numeric="int8",
        size_bytes=6,
        overall={"accuracy": some},
        labels_measured={},
        agreement=some,
        files={name: store.add(data) for name, data in files.items()},
    )


def test_a_package_that_somebody_changed_is_unpacked_anew_and_kept_beside(tmp_path):
    store, settings = makers.store(tmp_path), makers.settings(tmp_path)
    folder = unpack_package(package(store), store, settings)
    (folder / "labels.txt").write_text("a\nc\n")

    again = unpack_package(package(store), store, settings)

    assert again == folder
    check(folder)
    [beside] = folder.parent.glob("*-changed-*")
    assert (beside / "labels.txt").read_text() == "a\nc\n"


@pytest.mark.parametrize(
    ("rows", "names"),
    [(b"", ["data.html"]), (b"a.jpg,cat\n", ["data.html", "quarantine.csv"])],
)
def test_the_table_that_the_data_page_names_lies_beside_it(tmp_path, rows, names):
    store, settings = makers.store(tmp_path), makers.settings(tmp_path)
    files = {"page.html": b"<p>page", "quarantine.csv": b"file,label\n" + rows}
    stored = {name: store.add(data) for name, data in files.items()}
    dataset = Dataset(task="t", labels=("cat",), revision="0", counts={}, files=stored)
    config = {"task": "t", "deploy": {"targets": []}}
    facts = {"pipeline": "p", "data": {}, "seeds": {}, "requirements": "", "machine": {}}
    lock = Lock(run="one", config=config, artifacts={"etl": store.save(dataset)}, **facts)
    keep(lock, store, settings)

    show_pages("one", store, settings, LogWatch(), worked=True)

    assert sorted(path.name for path in run_folder("one", settings).iterdir()) == [
        *names,
        "run.lock.json",
        "zh",
    ]
