"""aiwf device: from adding a device to its verdict beside the package."""

import json
import subprocess
import sys
import threading
import time

import pytest

from stages.deploy.packed import write_folder
from stages.deploy.remote.reports import read_report, reports_of
from stages.opening import open_store
from stages.runtime.device_report import seal_digest
from stages.runtime.errors import DataError
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN
from tests import makers

slow = pytest.mark.slow  # each command is a process of its own


def device_reports(package, tmp_path):
    return reports_of(seal_digest(package), open_store(makers.settings(tmp_path)))


def own_report(package):
    """What the package itself writes on a device without ssh."""
    command = [sys.executable, "-m", "colours_sdk", "--report"]
    return subprocess.run(command, cwd=package, capture_output=True).stdout


def with_other_answers(package, sealed_files):
    """The package, whose golden answers are not what this machine answers."""
    golden = json.loads(sealed_files[GOLDEN])
    golden["cases"][0]["expected"].reverse()
    files = {**sealed_files, GOLDEN: json.dumps(golden).encode()}
    del files[SEAL]
    write_folder(package, {**files, SEAL: seal(files)})


@slow
def test_a_device_is_added_listed_and_removed(added, server):
    listed = added("list")
    removed = added("remove", "board")

    assert server.address in listed.stdout
    assert "Removed board, and what was sent there." in removed.stdout
    assert "No device was added" in added("list").stdout


def test_a_device_that_cannot_be_reached_is_not_added(aiwf, server):
    refused = aiwf("add", "board", server.address, "--port", "1")

    assert refused.returncode == 7
    assert "the connection is lost" in refused.stderr
    assert "No device was added" in aiwf("list").stdout


@slow
def test_a_device_that_is_gone_can_be_removed(added, server):
    server.hosts_file.write_text("")

    removed = added("remove", "board")

    assert removed.returncode == 0
    assert "may still be in" in removed.stdout


def test_the_verdict_of_a_device_is_brought_home(added, package, tmp_path):
    result = added("report", "board", package)

    assert result.returncode == 0, result.stderr
    assert "passed on" in result.stdout
    [row] = device_reports(package, tmp_path)
    assert (row.device, row.found.verdict) == ("board", "passed")
    assert row.found.selftest.agreeing == row.found.selftest.samples


@slow
def test_a_later_report_replaces_the_earlier(added, package, tmp_path):
    added("report", "board", package)
    added("report", "board", package)

    assert len(device_reports(package, tmp_path)) == 1


@slow
def test_a_device_that_answers_otherwise_fails_and_its_report_is_kept(
    added, package, sealed_files, tmp_path
):
    with_other_answers(package, sealed_files)

    result = added("report", "board", package)

    assert result.returncode == 5, result.stderr
    [row] = device_reports(package, tmp_path)
    assert row.found.verdict == "failed"


@slow
def test_what_a_network_costs_on_a_device(added, package):
    result = added("bench", "board", package, "--seconds", "0.1")

    assert result.returncode == 0, result.stderr
    assert "onnxruntime float32 on board: loads in" in result.stdout


@slow
def test_a_library_that_the_device_lacks_is_named(aiwf, server, package):
    aiwf("add", "board", server.address, "--port", server.port, "--python", "/usr/bin/python3")

    result = aiwf("report", "board", package)

    assert result.returncode in (2, 7)
    assert "board" in result.stderr
    assert "Traceback" not in result.stderr


@slow
def test_a_device_that_vanishes_leaves_no_report(added, server, package, tmp_path):
    def pull_the_plug():
        while not list((server.stored / "runs").glob("*")):
            time.sleep(0.01)
        server.end_connections()

    plug = threading.Thread(target=pull_the_plug)
    plug.start()
    result = added("report", "board", package)
    plug.join()

    assert result.returncode == 7
    assert "the connection is lost" in result.stderr
    assert device_reports(package, tmp_path) == []
    assert added("report", "board", package).returncode == 0


def test_a_report_comes_as_a_file_from_a_device_without_ssh(aiwf, package, tmp_path):
    report = tmp_path / "report.json"
    report.write_bytes(own_report(package))

    result = aiwf("report", "--file", report, "--as", "drone", package)

    assert result.returncode == 0, result.stderr
    assert [row.device for row in device_reports(package, tmp_path)] == ["drone"]


WRONG = {
    "another package": (lambda report: report.update(package="0" * 64), "about another package"),
    "too many agree": (lambda report: report["selftest"].update(agreeing=9999), "add|agree"),
    "other samples": (
        lambda report: report["selftest"].update(samples=7000, agreeing=7000),
        "not those of the package",
    ),
    "a verdict of its own": (
        lambda report: report["selftest"].update(agreeing=0, near_agreeing=0),
        "does not follow from its figures",
    ),
    "a text for a number": (
        lambda report: report["selftest"].update(furthest="0"),
        "furthest|number",
    ),
    "an unknown key": (lambda report: report.update(html="<script>"), "html"),
    "a long text": (lambda report: report.update(processor="x" * 5000), "processor"),
    "another numeric": (lambda report: report["selftest"].update(numeric="int4"), "int4"),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_report_that_cannot_be_is_refused(how, package):
    report = json.loads(own_report(package))
    change, why = WRONG[how]
    change(report)

    with pytest.raises(DataError, match=why):
        read_report(json.dumps(report).encode(), package)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"[" * 90_000, b'{"report": NaN}', b"x" * 200_000], ids=range(5)
)
def test_what_is_no_report_is_refused(data, package):
    with pytest.raises(DataError, match="report"):
        read_report(data, package)


def test_texts_of_a_report_cannot_command_a_terminal(package):
    report = {**json.loads(own_report(package)), "processor": "\x1b]0;owned\x07"}

    found = read_report(json.dumps(report).encode(), package)

    assert "\x1b" not in found.processor
