"""Finds the instruction set with which this machine multiplies 8-bit numbers.

Only features that change how an engine adds up products are distinguished: VNNI on x86-64 and the
dot product on arm64. Without them engines may add two products in 16 bits, which can overflow.

A feature counts only if no source denies it, because assuming too few features is always safe.
There are two sources: on Linux, the flags in /proc/cpuinfo (where an emulator shows those of the
host); on every system, numpy, which asks the processor. AVX-VNNI alone (Intel from the 12th
generation on) is in /proc/cpuinfo only, as numpy does not know it. So it counts as missing on other
systems, and where numpy denies AVX-512 that /proc/cpuinfo lists, since that file then describes an
emulator's host. Under an emulator on a host with AVX-VNNI and without AVX-512 it counts as present:
there the instruction set has to be given with `--on`."""

import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal

InstructionSet = Literal["x86-64-vnni", "x86-64", "arm64-dotprod", "arm64"]
X86_VNNI: Final = "x86-64-vnni"
X86: Final = "x86-64"
ARM_DOT_PRODUCT: Final = "arm64-dotprod"
ARM: Final = "arm64"
INSTRUCTION_SETS: tuple[InstructionSet, ...] = (X86_VNNI, X86, ARM_DOT_PRODUCT, ARM)

X86_MACHINES = {"x86_64", "amd64", "x64"}
ARM_MACHINES = {"aarch64", "arm64"}
CPUINFO = Path("/proc/cpuinfo")


@cache
def instruction_set() -> str:
    """This machine's: one of INSTRUCTION_SETS, or what it calls itself, such as riscv64."""
    return named(platform.machine(), _cpuinfo(), _numpy_features())


def processor_name() -> str:
    """What this machine's processor calls itself; "" if the system does not say it."""
    lines = [line.partition(":") for line in _cpuinfo().splitlines()]
    names = {key.strip(): value.strip() for key, _, value in lines}
    return names.get("model name") or names.get("Model") or platform.processor()


def named(machine: str, cpuinfo: str, features: Mapping[str, bool]) -> str:
    """The instruction set of a `machine` (as platform.machine() gives it), by the text of its
    /proc/cpuinfo ("" if it has none) and numpy's `features`."""
    kind = machine.lower()
    if kind in X86_MACHINES:
        flags = _common(cpuinfo, "flags")
        vnni = _has("avx512_vnni", flags, "AVX512VNNI", features) or _has_avx_vnni(flags, features)
        return X86_VNNI if vnni else X86
    if kind in ARM_MACHINES:
        flags = _common(cpuinfo, "Features")
        return ARM_DOT_PRODUCT if _has("asimddp", flags, "ASIMDDP", features) else ARM
    return kind or "unknown"


def _has_avx_vnni(flags: set[str] | None, features: Mapping[str, bool]) -> bool:
    """Whether /proc/cpuinfo lists AVX-VNNI, and numpy denies no AVX-512 that it lists beside it."""
    hosts = "avx512f" in (flags or ()) and features.get("AVX512F") is False
    return "avx_vnni" in (flags or ()) and not hosts


def _has(flag: str, flags: set[str] | None, feature: str, features: Mapping[str, bool]) -> bool:
    """Whether some source affirms a feature and none denies it."""
    sources = [None if flags is None else flag in flags, features.get(feature)]
    statements = [statement for statement in sources if statement is not None]
    return bool(statements) and all(statements)


def _common(cpuinfo: str, key: str) -> set[str] | None:
    """The flags that all processors list under `key`; None if no line has that key."""
    lines = [line.partition(":") for line in cpuinfo.splitlines()]
    listed = [set(value.split()) for name, _, value in lines if name.strip() == key]
    return set.intersection(*listed) if listed else None


def _cpuinfo() -> str:
    try:
        return CPUINFO.read_text("utf-8", "replace")
    except OSError:  # macOS and Windows have none
        return ""


def _numpy_features() -> Mapping[str, bool]:
    """The processor's features by numpy's names; empty for a numpy that does not have them."""
    from importlib import import_module

    for name in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):
        try:
            found: Mapping[str, bool] = import_module(name).__cpu_features__
            return found
        except (ImportError, AttributeError):
            continue
    return {}
