"""Processors shown by qemu-user: Haswell (AVX2, no VNNI) and Cortex-A72 (no dot product).

The interpreter itself is run by the emulator. For arm64 that needs one of that architecture with
its libraries: `python -m tests.emulation FOLDER` makes it of Debian's packages and PyPI's wheels
(150 MB, a minute); AIWF_ARM64=FOLDER then lets the slow tests use it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

HASWELL = ("qemu-x86_64", "-cpu", "Haswell")
CORTEX_A72 = ("qemu-aarch64", "-cpu", "cortex-a72")
DEBIAN = (
    *("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libc6", "zlib1g"),
    *("libexpat1", "libssl3", "libbz2-1.0", "liblzma5", "libffi8", "libuuid1", "libstdc++6"),
    *("libgcc-s1", "libcrypt1"),
    # what the C library's decoders need
    *("libjpeg62-turbo-dev", "libjpeg62-turbo", "libpng-dev", "libpng16-16", "zlib1g-dev"),
    *("libsndfile1-dev", "libsndfile1", "libflac12", "libvorbis0a", "libvorbisenc2", "libogg0"),
    *("libopus0", "libmpg123-0", "libmp3lame0"),
)
WHEELS = ("onnxruntime", "numpy", "pillow", "soundfile")
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in (28, 27, 17)] + ["manylinux2014_aarch64"]
# What ONNX Runtime reads there: an emulator shows the host's, on which it crashes.
CPUINFO = """processor\t: {}
BogoMIPS\t: 100.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
START = (
    "import runpy, sys; sys.path[:0] = sys.argv[1].split('|'); del sys.argv[1]; sys.argv[0] = ''"
)
MODULE = "; name = sys.argv.pop(1); runpy.run_module(name, run_name='__main__', alter_sys=True)"


class Processor(NamedTuple):
    """`interpreter` start an interpreter on it, which finds libraries in `path`."""

    name: str
    interpreter: tuple[str, ...]
    path: tuple[str, ...] = ()

    def command(self, folder: Path, module: str, arguments: Sequence[str]) -> list[str]:
        """The command that runs `module`, which lies in `folder`, with `arguments`."""
        paths = "|".join([str(folder), *self.path])
        return [*self.interpreter, "-I", "-B", "-c", START + MODULE, paths, module, *arguments]


def here() -> Processor:
    return Processor("here", (sys.executable,))


def haswell() -> Processor | None:
    """None if the emulator is not here."""
    return Processor("Haswell", (*HASWELL, sys.executable)) if shutil.which(HASWELL[0]) else None


def cortex_a72(folder: Path | None = None) -> Processor | None:
    """None without emulator, or without an interpreter in `folder` or AIWF_ARM64."""
    home = folder or Path(os.environ.get("AIWF_ARM64", "/nowhere"))
    python = home / "root" / "usr" / "bin" / "python3.11"
    if not shutil.which(CORTEX_A72[0]) or not python.is_file():
        return None
    command = (*CORTEX_A72, "-L", str(home / "root"), str(python))
    return Processor("Cortex-A72", command, (str(home / "site"),))


def make(folder: Path) -> None:
    """Make an arm64 interpreter with the libraries of a package in `folder`."""
    debs, root = folder / "debs", folder / "root"
    for part in ("state/lists/partial", "cache/archives/partial", "debs", "root/proc"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "state" / "status").touch()
    apt = folder / "apt.conf"
    apt.write_text(
        f'Dir::State "{folder}/state"; Dir::State::status "{folder}/state/status";\n'
        f'Dir::Cache "{folder}/cache"; APT::Architecture "arm64";\n'
        'APT::Architectures { "arm64"; };\n'
    )
    environment = {**os.environ, "APT_CONFIG": str(apt)}
    subprocess.run(["apt-get", "-q", "update"], env=environment, check=True)
    subprocess.run(["apt-get", "-q", "download", *DEBIAN], env=environment, cwd=debs, check=True)
    for deb in sorted(debs.glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(deb), str(root)], check=True)
    (root / "proc" / "cpuinfo").write_text("".join(CPUINFO.format(core) for core in (0, 1)))
    wanted = [f"{name}=={version(name)}" for name in WHEELS]
    platforms = [argument for platform in PLATFORMS for argument in ("--platform", platform)]
    options = ["--python-version", "3.11", "--implementation", "cp", "--only-binary", ":all:"]
    target = ["--target", str(folder / "site"), "--upgrade"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", *target, *platforms, *options, *wanted],
        check=True,
    )


if __name__ == "__main__":
    make(Path(sys.argv[1]).resolve())
