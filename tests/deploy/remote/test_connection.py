"""What runs on a device over ssh, and what becomes of it when the connection breaks."""

import os
import threading
import time
from pathlib import Path

import pytest

from stages.artifacts import digest_of
from stages.deploy.remote.connection import DeviceLost, RemoteDevice, clear, probe, run_there
from stages.runtime.errors import ConfigError

WRITE = "import sys, pathlib; print(pathlib.Path('in/a.txt').read_text(), *sys.argv[1:])"
SLEEP = (
    "import os, time; file = open(os.environ['XDG_CACHE_HOME'] + '/pid', 'w'); "
    "file.write(str(os.getpid())); file.close(); time.sleep(300)"
)


def runs(server):
    return list((server.stored / "runs").iterdir())


def test_a_device_says_what_it_is(device):
    found = probe(device)

    assert int(found["cores"]) >= 1
    assert found["system"] == os.uname().sysname


def test_a_program_finds_its_files_and_arguments(device, server):
    done = run_there(device, {"in/a.txt": b"content"}, ["-c", WRITE, "$HOME; `id`", "{folder}"], 30)

    content, first, second, folder = done.out.rstrip("\n").split(" ")
    assert (done.code, content, f"{first} {second}") == (0, "content", "$HOME; `id`")
    assert Path(folder).parent == server.stored / "runs"
    assert runs(server) == []


def test_what_was_sent_once_is_not_sent_again_and_damage_there_is_mended(device, server):
    data = b"x" * 1000
    stored = server.stored / "files" / digest_of(data)

    run_there(device, {"a": data}, ["-c", ""], 30)
    first = stored.stat().st_ino
    run_there(device, {"b": data}, ["-c", ""], 30)
    assert stored.stat().st_ino == first
    stored.write_bytes(b"damaged")
    done = run_there(device, {"c": data}, ["-c", "print(len(open('c').read()))"], 30)

    assert done.out == "1000\n"
    assert stored.read_bytes() == data


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import time; time.sleep(100)", "more than 1 seconds"),
        ("while 1: print('x' * 999)", "more than 5000 bytes"),
    ],
)
def test_a_program_without_end_is_ended_there(device, server, program, why):
    done = run_there(device, {}, ["-c", program], 1, most_output=5000)

    assert why in done.why
    assert len(done.out) <= 5000
    assert runs(server) == []


def test_a_connection_that_breaks_ends_the_program_and_leaves_no_folder(device, server):
    (server.folder / "cache").mkdir(exist_ok=True)
    pid = server.folder / "cache" / "pid"
    pid.unlink(missing_ok=True)

    def pull_the_plug():
        while not (pid.exists() and pid.read_text()):
            time.sleep(0.05)
        server.end_connections()

    plug = threading.Thread(target=pull_the_plug)
    plug.start()
    with pytest.raises(DeviceLost, match="the connection is lost") as caught:
        run_there(device, {"a": b"1"}, ["-c", SLEEP], 60)
    plug.join()

    assert "do it again" in caught.value.remedy
    for _ in range(200):
        if not Path(f"/proc/{pid.read_text()}").exists() and not runs(server):
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{pid.read_text()}").exists()
    assert runs(server) == []
    assert run_there(device, {"a": b"1"}, ["-c", "print(1)"], 30).out == "1\n"


def test_what_an_agent_that_was_killed_left_is_swept_by_the_next(device, server):
    probe(device)
    abandoned = server.stored / "runs" / "999999999-abc"
    abandoned.mkdir()
    (server.stored / "files" / f"{'0' * 64}.999999999").write_bytes(b"half")

    probe(device)

    assert not abandoned.exists()
    assert not list((server.stored / "files").glob("*.*"))


def test_a_host_key_that_is_not_trusted_is_never_accepted(device, server):
    server.hosts_file.write_text("")

    with pytest.raises(DeviceLost, match="does not trust its host key") as caught:
        probe(device)

    assert "compare the fingerprint" in caught.value.remedy
    assert server.hosts_file.read_text() == ""


def test_a_key_that_the_device_does_not_accept(device, server):
    allowed = server.folder / "authorized_keys"
    before = allowed.read_text()
    allowed.write_text("")
    try:
        with pytest.raises(DeviceLost, match="accepts none of ssh's keys"):
            probe(device)
    finally:
        allowed.write_text(before)


def test_nothing_listens_or_python_is_elsewhere(server):
    with pytest.raises(DeviceLost, match=r"connection is lost: .*refused"):
        probe(RemoteDevice("board", server.address, 1))
    with pytest.raises(DeviceLost, match="/no/python does not start there"):
        probe(RemoteDevice("board", server.address, server.port, "/no/python"))


def test_files_of_ours_can_be_removed(device, server):
    run_there(device, {"a": b"1"}, ["-c", ""], 30)

    clear(device)

    assert not server.stored.exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "../x"},
        {"address": "-oProxyCommand=touch x"},
        {"address": "host; touch x"},
        {"address": "a@b@c"},
        {"port": 70000},
        {"python": "python3; touch x"},
        {"python": "-c"},
        {"python": "$(touch x)"},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(changed):
    with pytest.raises(ConfigError):
        RemoteDevice(**{"name": "board", "address": "pi@board", **changed})
