"""A real sshd on loopback, with a host key and a user key of its own."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

SSHD = "/usr/sbin/sshd"
MISSING = [name for name in (SSHD, "ssh", "ssh-keygen") if not shutil.which(name)]
CLIENT = '#!/bin/sh\nexec {ssh} -F {config} "$@"\n'
USER = getpass.getuser()


class Server(NamedTuple):
    """`folder`: with keys, known hosts and, below `cache`, what the device stores. `path`: a PATH
    on which `ssh` uses the configuration of this folder."""

    folder: Path
    port: int
    process: subprocess.Popen
    path: str

    @property
    def address(self) -> str:
        return f"{USER}@127.0.0.1"

    @property
    def stored(self) -> Path:
        return self.folder / "cache" / "aiwf-device"

    @property
    def hosts_file(self) -> Path:
        return self.folder / "known_hosts"

    def trust(self) -> None:
        """Accept the host key, as a person does who compared its fingerprint."""
        key = (self.folder / "host_key.pub").read_text().split()
        self.hosts_file.write_text(f"[127.0.0.1]:{self.port} {key[0]} {key[1]}\n")

    def end_connections(self) -> int:
        """Kill the processes that serve connections, as pulling the plug does; how many."""
        children = _children(self.process.pid)
        for child in children:
            os.kill(child, 9)
        return len(children)


def start(folder: Path) -> Server:
    for name in ("host_key", "user_key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    port = _free_port()
    config = folder / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nPidFile none\nStrictModes no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n"
        f"SetEnv XDG_CACHE_HOME={folder}/cache\n"
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    log = (folder / "sshd.log").open("wb")
    process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stdout=log, stderr=log)
    _await(port, process, folder / "sshd.log")
    return Server(folder, port, process, _client(folder))


def _client(folder: Path) -> str:
    config, tools = folder / "ssh_config", folder / "bin"
    config.write_text(
        f"IdentityFile {folder}/user_key\nIdentitiesOnly yes\n"
        f"UserKnownHostsFile {folder}/known_hosts\nGlobalKnownHostsFile /dev/null\n"
    )
    tools.mkdir()
    (tools / "ssh").write_text(CLIENT.format(ssh=shutil.which("ssh"), config=config))
    (tools / "ssh").chmod(0o755)
    return f"{tools}:{os.environ['PATH']}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(port: int, process: subprocess.Popen, log: Path) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"sshd does not listen: {log.read_text()}")


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, rest = int(stat.parent.name), stat.read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if int(rest[1]) == pid:
            found.append(number)
    return found
