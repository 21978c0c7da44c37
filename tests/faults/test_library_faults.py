"""What libraries and the system raise, provoked for real: each reads as what it is, with what to
do, and never as a fault of ours."""

import os
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from stages.artifacts import Ref
from stages.blobs.s3 import S3Blobs
from stages.cli.failing import errors_reported
from stages.config import DataConfig, parse_pipeline
from stages.etl import source
from stages.local.health import free_port
from stages.opening import open_store
from stages.runtime.files import write
from stages.settings import Settings
from stages.store import Work
from stages.tracking.server import connect
from tests import makers
from tests.faults.disks import small_disk


@dataclass(frozen=True)
class Case:
    """A fault, the exit code it has, and a word of what to do."""

    name: str
    provoke: Callable[[Path], object]
    code: int
    remedy: str


def s3(endpoint: str, bucket: str = "bucket") -> S3Blobs:
    return S3Blobs(endpoint, bucket, "", "key", "any")


def closed_port(folder: Path) -> object:
    return s3(f"http://127.0.0.1:{free_port(30_000)}")


def web_server(folder: Path) -> object:
    """An address at which something else than an object store answers."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        do_HEAD = do_PUT = do_GET

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            return list(s3(f"http://127.0.0.1:{server.server_port}").keys(""))
        finally:
            server.shutdown()


def plain_for_tls(folder: Path) -> object:
    """An https address at which nobody speaks TLS."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    link, _ = server.accept()
                    link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    link.close()

        threading.Thread(target=answer, daemon=True).start()
        return s3(f"https://127.0.0.1:{server.getsockname()[1]}")


def data_at_a_remote(folder: Path) -> object:
    """Raw data added with a remote whose server is not there."""
    settings = makers.settings(folder).model_copy(
        update={
            "dvc_remote": "s3://bucket/data",
            "s3_endpoint": f"http://127.0.0.1:{free_port(30_000)}",
        }
    )
    return source.add("shapes", makers.folder_of_pictures(folder / "pictures", each=2), settings)


def on_a_read_only_disk(folder: Path) -> object:
    with small_disk(folder / "disk", "1m", "ro") as disk:
        return source.add(
            "shapes",
            makers.folder_of_pictures(folder / "p", each=2),
            Settings(workspace=disk / "w"),
        )


def on_a_full_disk(folder: Path) -> object:
    with small_disk(folder / "disk", "40k") as disk:
        return source.add(
            "shapes",
            makers.folder_of_pictures(folder / "p", each=9),
            Settings(workspace=disk / "w"),
        )


def blob_on_a_full_disk(folder: Path) -> object:
    with small_disk(folder / "disk", "40k") as disk:
        return open_store(Settings(workspace=disk / "w")).add(os.urandom(200_000))


def without_inodes(folder: Path) -> object:
    """A disk with room for bytes and none for files."""
    with small_disk(folder / "disk", "5m", "nr_inodes=9") as disk:
        for number in range(20):
            write(disk / str(number), "x")
    return None


def file_in_the_way(folder: Path) -> object:
    (folder / "w").write_text("no folder")
    return connect(Settings(workspace=folder / "w"))


def corrupt_database(folder: Path) -> object:
    path = folder / "w" / "mlflow" / "mlflow.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"SQLite format 3\x00" + os.urandom(5000))
    return connect(Settings(workspace=folder / "w"))


def not_a_database(folder: Path) -> object:
    path = folder / "w" / "mlflow" / "mlflow.db"
    path.parent.mkdir(parents=True)
    path.write_text("records " * 200)
    return connect(Settings(workspace=folder / "w"))


def mlflow_that_is_not_there(folder: Path) -> object:
    return connect(Settings(workspace=folder / "w", mlflow=f"http://127.0.0.1:{free_port(30_000)}"))


def changed_blob(folder: Path) -> object:
    """A parquet file in the store that somebody cut."""
    store = open_store(Settings(workspace=folder / "w"))
    digest = store.add(b"PAR1" + bytes(100) + b"PAR1")
    (folder / "w" / "store" / "blobs" / digest[:2] / digest).write_bytes(b"PAR1")
    return store.get(digest)


def changed_note(folder: Path) -> object:
    store = open_store(Settings(workspace=folder / "w"))
    store.note("runs/first", {})
    (folder / "w" / "store" / "notes" / "runs" / "first.json").write_bytes(b'{"torn": ')
    return store.noted("runs/first")


def corrupt_zip(folder: Path) -> object:
    path = makers.zipped(folder / "a.zip", {"cat/1.png": makers.picture()})
    data = bytearray(path.read_bytes())
    data[60:90] = bytes(30)
    path.write_bytes(data)
    return source.add("shapes", path, makers.settings(folder))


def truncated_zip(folder: Path) -> object:
    path = makers.zipped(folder / "a.zip", {"cat/1.png": makers.picture()})
    path.write_bytes(path.read_bytes()[:-30])
    return source.add("shapes", path, makers.settings(folder))


def unknown_compression(folder: Path) -> object:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cat/1.png", makers.picture())
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[8:10] = data[at + 10 : at + 12] = b"\x63\x00"
    path.write_bytes(data)
    return source.add("shapes", path, makers.settings(folder))


def yaml(text: str) -> Callable[[Path], object]:
    return lambda folder: parse_pipeline(text)


def damaged_revision(folder: Path) -> object:
    """DVC's own list of a revision, cut by somebody."""
    settings = makers.settings(folder)
    source.add("shapes", makers.folder_of_pictures(folder / "pictures", each=2), settings)
    for listed in (settings.root / "data" / "cache").rglob("*.dir"):
        listed.chmod(0o600)
        listed.write_text("[{")
    with source.opened(DataConfig(name="shapes"), settings) as found:
        return found


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12)
)


CASES = [
    Case("S3: closed port", closed_port, 7, "AIWF_S3_ENDPOINT"),
    Case("S3: no TLS there", plain_for_tls, 7, "AIWF_S3_ENDPOINT"),
    Case("S3: a web server", web_server, 7, "AIWF_S3_ENDPOINT"),
    Case("S3: no address", lambda _: s3("http://"), 2, "http://host:port"),
    Case("S3: a path", lambda _: s3("http://host:1/path"), 2, "http://host:port"),
    Case("S3: no bucket's name", lambda _: s3("http://127.0.0.1:1", "B_"), 2, "s3://bucket"),
    Case("DVC: no remote there", data_at_a_remote, 7, "AIWF_DVC_REMOTE"),
    Case("DVC: its list is cut", damaged_revision, 7, "again"),
    Case("disk: read-only", on_a_read_only_disk, 7, "AIWF_WORKSPACE"),
    Case("disk: full, raw data", on_a_full_disk, 7, "Free some disk space"),
    Case("disk: full, a blob", blob_on_a_full_disk, 7, "Free some disk space"),
    Case("disk: no inodes", without_inodes, 7, "Free some disk space"),
    Case("disk: a file in the way", file_in_the_way, 7, "AIWF_WORKSPACE"),
    Case("MLflow: corrupt database", corrupt_database, 7, "Move it away"),
    Case("MLflow: no database", not_a_database, 7, "Move it away"),
    Case("MLflow: not there", mlflow_that_is_not_there, 7, "AIWF_MLFLOW"),
    Case("store: a blob was cut", changed_blob, 7, "delete that file"),
    Case("store: a note was cut", changed_note, 7, "delete that file"),
    Case("zip: corrupt", corrupt_zip, 3, "again"),
    Case("zip: cut", truncated_zip, 3, "again"),
    Case("zip: unknown compression", unknown_compression, 3, "again"),
    Case("YAML: a billion laughs", yaml(LAUGHS), 2, ""),
    Case("YAML: an endless loop", yaml("a: &a [*a]"), 2, ""),
    Case("YAML: nested deep", yaml("a: " + "[" * 5000), 2, ""),
    Case("YAML: a huge number", yaml("train: {trials: " + "9" * 100_000 + "}"), 2, ""),
    Case("YAML: no date", yaml("schedule: 2026-13-45"), 2, ""),
    Case("YAML: a key twice", yaml("name: a\nname: b"), 2, "Keep one"),
    Case("YAML: a list as key", yaml("? [a, b]\n: c"), 2, ""),
    Case("YAML: an object of Python", yaml("a: !!python/object/apply:os.system [x]"), 2, ""),
    Case("YAML: a tag without sense", yaml("a: !!int cat"), 2, ""),
    Case("YAML: NUL", yaml("a: \x00"), 2, ""),
]


LONG = ("S3: closed port", "S3: no TLS there", "MLflow: not there", "DVC: no remote there")


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=[pytest.mark.slow] * (case.name in LONG))
        for case in CASES
    ],
)
def test_it_reads_as_what_it_is(case, tmp_path, capsys):
    with pytest.raises(SystemExit) as exited, errors_reported():
        case.provoke(tmp_path)

    stderr = capsys.readouterr().err
    assert exited.value.code == case.code, stderr
    assert "fault of ours" not in stderr
    assert "Traceback" not in stderr
    assert case.remedy in stderr


def test_a_record_of_finished_work_that_was_cut_is_worked_anew(tmp_path):
    store = open_store(Settings(workspace=tmp_path))
    work = Work("etl", {}, {}, "code")
    store.record(work, Ref("dataset", "0" * 64))
    (tmp_path / "store" / "work" / work.key).write_bytes(b"{")

    assert store.finished(work) is None


LIMITED = """
import resource, sys
from pathlib import Path
from stages.cli.failing import errors_reported
from stages.settings import Settings
from stages.tracking.server import connect
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with errors_reported():
    connect(Settings(workspace=Path(sys.argv[1])))
"""


@pytest.mark.slow
def test_a_limit_on_the_size_of_files_reads_as_no_room_and_leaves_nothing_half(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "w")], capture_output=True, text=True
    )

    assert done.returncode == 7, done.stderr
    assert "fault of ours" not in done.stderr
    assert {path.name for path in (tmp_path / "w" / "mlflow").iterdir()} == {".tables.lock"}
