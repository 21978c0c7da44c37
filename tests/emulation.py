"""The emulated processors of stages/deploy/emulated_processors.py for tests.

For arm64 they need an interpreter of that architecture with its libraries: `python -m
tests.emulation FOLDER` makes it of Debian's packages and PyPI's wheels (1 GB with all engines, some
minutes); AIWF_ARM64=FOLDER then lets the slow tests use it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from stages.deploy import emulated_processors
from stages.deploy.emulated_processors import (
    CORTEX_A72,
    DOT_ROOT,
    ROOT,
    SITE,
    EmulatedProcessor,
    haswell,
    here,
)
from stages.runtime.libraries import LEAST, installed

__all__ = ["CORTEX_A72", "EmulatedProcessor", "cortex_a72", "cortex_a76", "haswell", "here", "make"]

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
ENGINES = (
    "openvino",
    "ncnn",
    "MNN",
    "ai-edge-litert",
)  # one that has no wheel for arm64 is left out
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in (35, 34, 31, 28, 27, 17)] + [
    "manylinux2014_aarch64"
]
PIP = (sys.executable, "-m", "pip", "install", "-q")
# What ONNX Runtime reads there: an emulator shows the host's, on which it crashes.
CPUINFO = """processor\t: {core}
BogoMIPS\t: 100.00
Features\t: {features}
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: {part}
CPU revision\t: 3

"""
A72 = {"features": "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid", "part": "0xd08"}
A76 = {
    "features": "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm "
    "lrcpc dcpop asimddp",
    "part": "0xd0b",
}


def cortex_a72(folder: Path | None = None) -> EmulatedProcessor | None:
    """None without emulator, or without an interpreter in `folder` or AIWF_ARM64."""
    return emulated_processors.cortex_a72(folder or _home())


def cortex_a76(folder: Path | None = None) -> EmulatedProcessor | None:
    """As `cortex_a72`, with the dot product."""
    return emulated_processors.cortex_a76(folder or _home())


def _home() -> Path:
    return Path(os.environ.get("AIWF_ARM64", "/nowhere"))


def make(folder: Path) -> None:
    """Make an arm64 interpreter with the libraries of a package in `folder`."""
    debs, root = folder / "debs", folder / ROOT
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
    _describe_processors(folder)
    _install(folder, WHEELS)
    for engine in ENGINES:
        try:
            _install(folder, [engine], "--no-deps")
        except subprocess.CalledProcessError:
            print(f"{engine}: no wheel for arm64, its tests there will be skipped")


def _describe_processors(folder: Path) -> None:
    """Write /proc/cpuinfo of both processors, each in a root of its own."""
    dot = folder / DOT_ROOT
    (dot / "proc").mkdir(parents=True, exist_ok=True)
    for part in (folder / ROOT).iterdir():
        if part.name != "proc" and not (dot / part.name).is_symlink():
            (dot / part.name).symlink_to(Path("..") / ROOT / part.name)
    for home, processor in ((folder / ROOT, A72), (dot, A76)):
        lines = [CPUINFO.format(core=core, **processor) for core in (0, 1)]
        (home / "proc" / "cpuinfo").write_text("".join(lines))


def _install(folder: Path, names: Sequence[str], *further: str) -> None:
    """Install the versions that are installed here, or that the runtime needs."""
    wanted = [f"{name}=={installed(name) or LEAST[name]}" for name in names]
    platforms = [argument for platform in PLATFORMS for argument in ("--platform", platform)]
    options = ["--python-version", "3.11", "--implementation", "cp", "--only-binary", ":all:"]
    target = ["--target", str(folder / SITE), "--upgrade"]
    subprocess.run(
        [*PIP, *target, *platforms, *options, *further, *wanted],
        check=True,
    )


if __name__ == "__main__":
    make(Path(sys.argv[1]).resolve())
