"""A device behind a real sshd, and a small package."""

import subprocess
import sys

import pytest

from stages.deploy.remote.connection import RemoteDevice
from tests.deploy.remote import sshd
from tests.runtime.conftest import package, sealed_files  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def _server(tmp_path_factory):
    if sshd.MISSING:
        pytest.skip(f"needs {', '.join(sshd.MISSING)}: apt install openssh-server")
    server = sshd.start(tmp_path_factory.mktemp("sshd"))
    yield server
    server.process.terminate()
    server.process.wait(10)


@pytest.fixture
def server(_server, monkeypatch):
    """The sshd, whose host key is trusted, and with `ssh` on the path."""
    _server.trust()
    monkeypatch.setenv("PATH", _server.path)
    return _server


@pytest.fixture
def device(server):
    return RemoteDevice("board", server.address, server.port, sys.executable)


@pytest.fixture
def aiwf(server, tmp_path, monkeypatch):
    """The command, in a workspace of its own."""
    monkeypatch.setenv("AIWF_WORKSPACE", str(tmp_path / "workspace"))

    def run(*arguments):
        command = [sys.executable, "-c", "from stages.cli import main; main()"]
        typed = [*command, "device", *map(str, arguments)]
        return subprocess.run(typed, capture_output=True, text=True, timeout=120)

    return run


@pytest.fixture
def added(aiwf, server):
    """The command, with a device called board."""
    result = aiwf("add", "board", server.address, "--port", server.port, "--python", sys.executable)
    assert result.returncode == 0, result.stderr
    return aiwf
