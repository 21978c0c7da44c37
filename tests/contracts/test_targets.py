"""What every target promises. A new one is tested here the day it is on the board."""

import re

import numpy as np
import pytest

from stages.deploy.content import Content, spelled
from stages.deploy.packed import write_folder
from stages.media.golden_pictures import golden_pictures
from stages.parts import TARGETS
from stages.runtime.errors import AgreementNotMet
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, expected
from tests.runtime.conftest import DESCRIPTION, colour_network
from tests.runtime.painting import plain, saved


@pytest.fixture
def content():
    return Content("colours", DESCRIPTION, {"model.onnx": colour_network()}, golden_pictures())


@pytest.mark.parametrize("name", list(TARGETS))
def test_it_lays_out_a_package_that_answers(name, content, tmp_path):
    files = TARGETS[name]().files(content)
    write_folder(tmp_path, {**files, SEAL: seal(files)})

    with Predictor.open(tmp_path) as predictor:
        answer = predictor.predict(saved(plain((0, 255, 0))))

    assert answer["labels"][0]["label"] == "green"


@pytest.mark.parametrize("name", list(TARGETS))
def test_it_answers_samples_and_verifies_itself(name, content, tmp_path):
    target = TARGETS[name]()
    files = target.files(content)
    write_folder(tmp_path, {**files, SEAL: seal(files)})

    answers = target.answers(tmp_path, content, [saved(plain((0, 255, 0)))])

    assert content.description["labels"][int(np.argmax(answers.values[0]))] == "green"
    with pytest.raises(AgreementNotMet):  # it has no golden answers yet
        target.verify(tmp_path, content)
    with Predictor.open(tmp_path) as predictor:
        files[GOLDEN] = spelled(expected(predictor, content.golden, 1e-3))
    write_folder(tmp_path, {**files, SEAL: seal(files)})
    target.verify(tmp_path, content)


@pytest.mark.parametrize("name", list(TARGETS))
def test_equal_content_makes_equal_files(name, content):
    assert TARGETS[name]().files(content) == TARGETS[name]().files(content)


@pytest.mark.parametrize("name", list(TARGETS))
def test_it_carries_what_a_person_needs(name, content):
    files = TARGETS[name]().files(content)

    assert {"README.md", "requirements.txt", "labels.txt", "package.json", "model.onnx"} <= set(
        files
    )
    assert files["package.json"] == spelled(DESCRIPTION)
    assert files["labels.txt"].decode().split() == DESCRIPTION["labels"]
    *required, optional = files["requirements.txt"].decode().splitlines()
    assert all(re.fullmatch(r"[\w-]+==[^ ]+", line) for line in required)
    assert optional == "# To read HEIC photos: pip install pillow-heif"
    assert "HEIC photos are read where `pillow-heif` is installed" in files["README.md"].decode()


def test_only_the_service_carries_a_server(content):
    device, cloud = TARGETS["device_sdk"]().files(content), TARGETS["cloud_api"]().files(content)

    assert "colours_sdk/server.py" not in device
    assert "fastapi" not in device["requirements.txt"].decode()
    assert "colours_sdk/server.py" in cloud
    assert "USER 10001" in cloud["Dockerfile"].decode()
    assert "HEALTHCHECK" in cloud["Dockerfile"].decode()
