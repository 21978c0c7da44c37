"""Code, links and pipes in a package's folder that are not the package's: found before they run."""

import importlib.util
import os
import py_compile
import shutil
import socket
import subprocess
import sys

import pytest

from stages.runtime.errors import Damaged
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, check, seal
from stages.runtime.unsealed import DEEPEST, is_code
from tests.runtime.painting import plain, saved

PATIENCE = 120  # seconds; a guard against waiting for ever
EVIL = "import sys; sys.stderr.write('EVIL RAN'); sys.stderr.flush()\n"
SDK = "colours_sdk"


def started(folder, *arguments, options=()):
    """The package's command, started as its README says: in its folder."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, *options, "-m", SDK, *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_a_package_that_python_has_kept_bytecode_of_is_whole(package):
    first, again = started(package, "selftest"), started(package, "selftest")

    assert (package / SDK / "__pycache__").is_dir()
    for result in (first, again):
        assert result.stdout.startswith("Selftest passed"), result.stderr
    assert started(package, "selftest", options=["-O"]).returncode == 0
    assert started(package, "selftest", options=["-O"]).returncode == 0


@pytest.mark.parametrize("mode", list(py_compile.PycInvalidationMode), ids=lambda mode: mode.name)
@pytest.mark.parametrize("module", ["steps", "answers/label_answers", "sealed"])
def test_bytecode_of_another_source_is_refused(package, tmp_path, module, mode):
    source = package / SDK / f"{module}.py"
    changed = tmp_path / "changed.py"
    changed.write_text(source.read_text() + EVIL)
    cached = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    py_compile.compile(str(changed), str(cached), str(source), invalidation_mode=mode, doraise=True)
    bytecode = bytearray(cached.read_bytes())
    if mode is py_compile.PycInvalidationMode.TIMESTAMP:  # made to look as if it was of the source
        found = source.stat()
        bytecode[8:12] = int(found.st_mtime).to_bytes(4, "little")
        bytecode[12:16] = found.st_size.to_bytes(4, "little")
    if mode is py_compile.PycInvalidationMode.CHECKED_HASH:
        bytecode[8:16] = importlib.util.source_hash(source.read_bytes())
    cached.write_bytes(bytes(bytecode))

    with pytest.raises(Damaged, match=rf"{cached.name} is not what Python makes of"):
        Predictor.open(package)

    result = started(package, "selftest")
    assert "passed" not in result.stdout
    assert result.returncode == 7
    assert "Traceback" not in result.stderr


def test_bytecode_that_is_cut_off_is_refused(package):
    started(package, "selftest")
    cached = next((package / SDK / "__pycache__").glob("priors*.pyc"), None) or next(
        (package / SDK / "__pycache__").glob("steps*.pyc")
    )
    cached.write_bytes(cached.read_bytes()[:200])

    with pytest.raises(Damaged, match=cached.name):
        check(package)


@pytest.mark.parametrize(
    "damage", [b"", b"\x00", b"s\xff\xff\xff\x7f", b"[\x02\x00\x00\x00N0", b"("]
)
def test_damaged_bytecode_is_refused_with_its_remedy_whatever_reading_it_raises(package, damage):
    assert started(package, "selftest").returncode == 0
    cached = next((package / SDK / "__pycache__").glob("steps*.pyc"))
    cached.write_bytes(cached.read_bytes()[:16] + damage)

    with pytest.raises(Damaged, match=cached.name) as caught:
        check(package)
    assert caught.value.remedy.startswith("Delete it")


@pytest.mark.parametrize("error", [SystemError, MemoryError, RecursionError, ValueError])
def test_no_error_of_the_reader_of_bytecode_is_let_through(package, monkeypatch, error):
    def fails(data):
        raise error("bad marshal data")

    assert started(package, "selftest").returncode == 0
    monkeypatch.setattr("stages.runtime.bytecode.marshal.loads", fails)

    with pytest.raises(Damaged, match="is not what Python makes of") as caught:
        check(package)
    assert caught.value.remedy.startswith("Delete it")


def test_a_package_starts_where_the_system_has_no_flag_for_pipes(package):
    without = (
        "import os, runpy, sys; del os.O_NONBLOCK, os.O_NOFOLLOW; sys.path.insert(0, ''); "
        f"sys.argv[1:] = ['selftest']; runpy.run_module('{SDK}', run_name='__main__')"
    )
    result = subprocess.run(
        [sys.executable, "-c", without], cwd=package, capture_output=True, text=True
    )

    assert result.stdout.startswith("Selftest passed"), result.stderr


def test_bytecode_of_an_older_source_is_no_harm_as_python_makes_it_anew(package):
    started(package, "selftest")
    for path in (package / SDK).rglob("*.py"):
        os.utime(path, (1_000_000_000, 1_000_000_000))

    assert started(package, "selftest").returncode == 0


@pytest.mark.parametrize("name", ["numpy", "PIL", "onnxruntime", "soundfile", "PIL/Image"])
@pytest.mark.parametrize("command", ["selftest", "info"])
def test_a_module_beside_the_package_with_a_librarys_name_does_not_run(package, name, command):
    path = package / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(EVIL)
    if "/" in name:
        (path.parent / "__init__.py").write_text(EVIL)

    result = started(package, command)

    assert "EVIL" not in result.stderr
    assert "is code that does not belong to the package" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.returncode == 7


def test_nor_does_it_run_where_the_package_is_imported(package):
    (package / "numpy.py").write_text(EVIL)
    program = f"import {SDK}.predictor"

    result = subprocess.run(
        [sys.executable, "-c", program], cwd=package, capture_output=True, text=True
    )

    assert "EVIL" not in result.stderr
    assert "Damaged: numpy.py is code that does not belong" in result.stderr


@pytest.mark.parametrize(
    "name",
    [
        "x.PY",
        "numpy.Pyc",
        "libonnx.so.1",
        "a/b/libz.so.1.2.3",
        "numpy.cpython-311-x86_64-linux-gnu.so",
        "numpy.pyd",
        "evil.dll",
        "evil.pth",
        "golden/evil.py",
        f"{SDK}/evil.py",
        f"{SDK}/steps.pyc",
        f"{SDK}/__pycache__/evil.py",
        f"{SDK}/__pycache__/evil.so",
        f"{SDK}/__pycache__/deeper/evil.pyc",
    ],
)
def test_code_under_any_name_is_refused(package, name):
    (package / name).parent.mkdir(parents=True, exist_ok=True)
    (package / name).write_text(EVIL)

    with pytest.raises(Damaged, match="is code that does not belong to the package") as caught:
        Predictor.open(package)

    assert name in caught.value.problem


@pytest.mark.parametrize("name", ["photo.so.jpg", "so", "python.txt", "clip.py.wav", "a.pyx.png"])
def test_what_only_looks_like_code_is_a_persons_own(package, name):
    (package / name).write_text("anything")

    assert check(package)
    assert not is_code(name)


def test_a_linked_folder_is_refused(package, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (package / "numpy").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Damaged, match="numpy in the package is a link"):
        Predictor.open(package)


@pytest.mark.parametrize("name", ["model.onnx", "package.json", SEAL, f"{SDK}/steps.py"])
def test_a_sealed_file_that_is_a_link_is_refused(package, tmp_path, name):
    shutil.move(package / name, tmp_path / "moved")
    (package / name).symlink_to(tmp_path / "moved")

    with pytest.raises(Damaged, match=rf"{name.rpartition('/')[2]}"):
        check(package)


def test_a_sealed_folder_that_is_a_link_is_refused(package, tmp_path):
    shutil.move(package / "golden", tmp_path / "golden")
    (package / "golden").symlink_to(tmp_path / "golden")

    with pytest.raises(Damaged, match="golden"):
        check(package)


def test_a_link_to_a_persons_own_photo_is_no_harm(package, tmp_path):
    (tmp_path / "photo.png").write_bytes(saved(plain()))
    (package / "photo.png").symlink_to(tmp_path / "photo.png")
    (package / "gone.png").symlink_to(tmp_path / "not there")

    assert check(package)


@pytest.mark.parametrize("name", ["queue", "labels.txt", "model.onnx", SEAL, "golden/0.png"])
def test_a_pipe_is_refused_and_not_waited_for(package, name):
    (package / name).unlink(missing_ok=True)
    os.mkfifo(package / name)

    result = started(package, "selftest")

    assert result.returncode == 7
    assert name in result.stderr
    assert "Traceback" not in result.stderr


def test_a_socket_is_refused(package, monkeypatch):
    monkeypatch.chdir(package)  # its name may be short only
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("socket")

        with pytest.raises(Damaged, match="socket in the package is neither a file nor a folder"):
            check(package)


def test_folders_nested_without_end_are_refused(package):
    (package / "/".join(["a"] * (DEEPEST + 3))).mkdir(parents=True)

    with pytest.raises(Damaged, match="nested deeper"):
        check(package)


@pytest.mark.parametrize(
    "body",
    [
        b"no digest\n",
        b"0" * 64 + b" one space\n",
        b"0" * 64 + b"  \n",
        b"g" * 64 + b"  a.txt\n",
        b"0" * 63 + b"  a.txt\n",
        b"0" * 64 + b"  a.txt\n" + b"1" * 64 + b"  a.txt\n",
        b"0" * 64 + b"  ./a.txt\n",
        b"0" * 64 + b"  a//b\n",
        b"0" * 64 + b"  a\x1b[2Jb\n",
        b"0" * 64 + b"  \xff\n",
        b"\n",
        b"0" * 64 + b"  a.txt\n" * 3,
        (b"0" * 64 + b"  a.txt\n") * 20_000,
    ],
    ids=range(13),
)
def test_lines_of_the_seal_that_are_none_are_told(package, body):
    import hashlib

    last = f"# {hashlib.sha256(body).hexdigest()}\n".encode()
    (package / SEAL).write_bytes(body + last)

    with pytest.raises(Damaged, match=SEAL) as caught:
        check(package)

    assert caught.value.problem.isprintable()


@pytest.mark.slow
def test_a_large_file_is_checked_without_being_held_in_memory(package, sealed_files, tmp_path):
    large = package / "large.bin"
    with large.open("wb") as file:
        file.truncate(400_000_000)
    program = (
        "import sys; from pathlib import Path; from stages.runtime.sealed import check\n"
        "try: check(Path(sys.argv[1]))\n"
        "except ValueError as error: print(error)\n"
        # not ru_maxrss: a child begins with that of the tests' own process
        "print(*(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    files = {name: data for name, data in sealed_files.items() if name != SEAL}
    (package / SEAL).write_bytes(seal({**files, "large.bin": b"other"}))

    result = subprocess.run(
        [sys.executable, "-c", program, str(package)], capture_output=True, text=True, check=True
    )

    problem, _, peak = result.stdout.strip().splitlines()
    assert problem == "large.bin in the package is not what was packed."
    assert int(peak.split()[1]) < 250_000  # kB
