"""Libraries for Android and iOS: what can be run here is run, and what was not run is said."""

import io
import json
import zipfile

import pytest

from stages.deploy.c_program.aar import answers_on_jvm
from stages.deploy.pack import unpack
from stages.runtime.errors import AgreementNotMet
from stages.runtime.predictor import Predictor
from tests.compilers import cannot_compile_for_java
from tests.deploy.conftest import NAME
from tests.deploy.native_sdk import samples

needs_java = pytest.mark.skipif(bool(cannot_compile_for_java()), reason=cannot_compile_for_java())
CLOSE = 1e-3


@pytest.fixture(scope="module")
def for_android(deployable, tmp_path_factory):
    package = deployable.deploy("android", ladder=("float32",))
    return unpack(package, deployable.store, tmp_path_factory.mktemp("android") / "package")


@pytest.mark.slow
@needs_java
def test_the_classes_of_the_aar_answer_on_the_jvm_as_the_package(for_android, tmp_path):
    place, photos = for_android / "android", list(samples.photos(tmp_path, rounds=1))

    found = answers_on_jvm(place / f"{NAME}.aar", place / "jni", "pictures", photos)

    with Predictor.open(for_android) as predictor:
        for path, scores in zip(photos, found, strict=True):
            for entry in predictor.predict(path.read_bytes(), top=0)["labels"]:
                assert abs(scores[entry["label"]] - entry["score"]) <= CLOSE, path.name


@pytest.mark.slow
@needs_java
def test_what_java_cannot_answer_is_an_exception_with_the_reason(for_android, tmp_path):
    place = for_android / "android"
    (tmp_path / "empty.png").write_bytes(b"")
    empty = [tmp_path / "empty.png"]

    with pytest.raises(AgreementNotMet, match="The file is empty"):
        answers_on_jvm(place / f"{NAME}.aar", place / "jni", "pictures", empty)


@pytest.mark.slow
@needs_java
def test_the_aar_has_the_layout_of_one_and_says_what_was_not_run(for_android):
    data = (for_android / "android" / f"{NAME}.aar").read_bytes()

    with zipfile.ZipFile(io.BytesIO(data)) as aar:
        names = set(aar.namelist())
        classes = zipfile.ZipFile(io.BytesIO(aar.read("classes.jar"))).namelist()
        description = json.loads(aar.read("assets/model/package.json"))
    assert {"AndroidManifest.xml", "R.txt", "proguard.txt", "assets/model/SHA256SUMS"} <= names
    assert "org/aiworkflow/sdk/Predictor.class" in classes
    assert description["backend"] == "compiled"
    assert "nothing ran on Android" in (for_android / "README.md").read_text()
    assert (for_android / "android/build_android.sh").is_file()


@pytest.mark.slow
def test_the_swift_package_is_marked_as_not_run(deployable, tmp_path):
    package = deployable.deploy("ios", ladder=("float32",))

    folder = unpack(package, deployable.store, tmp_path / "package")

    assert (folder / "ios/Package.swift").is_file()
    assert (folder / "ios/Sources/Aiwf/model/package.json").is_file()
    stated = json.loads((folder / "verified_parts.json").read_text())
    assert stated[0].startswith("Not run: the Swift package")
    assert "not run" in (folder / "README.md").read_text()
