"""Which instruction set this machine multiplies 8-bit numbers with.

Only what changes how an engine adds up products is told apart: VNNI on x86-64 and the dot product
on arm64. Without them engines may add two products in 16 bits, which is not enough for them.

A feature counts only if no source denies it, as an answer that is too weak is always safe: on
Linux the processor's flags are read from /proc/cpuinfo (an emulator shows the host's there), and
numpy knows what the processor itself says, on every system. AVX-VNNI alone (Intel from the 12th
generation on) is in /proc/cpuinfo only: numpy does not tell it, so that nothing can deny it. On
other systems it counts as missing; under an emulator on such a host it counts as there though it
is not, so who emulates has to name the instruction set (`--on`)."""

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


def named(machine: str, cpuinfo: str, features: Mapping[str, bool]) -> str:
    """The instruction set of a `machine` whose /proc/cpuinfo reads `cpuinfo` (empty: it has none)
    and of which numpy says `features`."""
    kind = machine.lower()
    if kind in X86_MACHINES:
        flags = _common(cpuinfo, "flags")
        vnni = _has("avx512_vnni", flags, "AVX512VNNI", features) or "avx_vnni" in (flags or ())
        return X86_VNNI if vnni else X86
    if kind in ARM_MACHINES:
        flags = _common(cpuinfo, "Features")
        return ARM_DOT_PRODUCT if _has("asimddp", flags, "ASIMDDP", features) else ARM
    return kind or "unknown"


def _has(flag: str, flags: set[str] | None, feature: str, features: Mapping[str, bool]) -> bool:
    """Whether some source affirms a feature and none denies it."""
    sources = [None if flags is None else flag in flags, features.get(feature)]
    statements = [statement for statement in sources if statement is not None]
    return bool(statements) and all(statements)


def _common(cpuinfo: str, key: str) -> set[str] | None:
    """What all processors list under `key`; None if none has such a line."""
    lines = [line.partition(":") for line in cpuinfo.splitlines()]
    listed = [set(value.split()) for name, _, value in lines if name.strip() == key]
    return set.intersection(*listed) if listed else None


def _cpuinfo() -> str:
    try:
        return CPUINFO.read_text("utf-8", "replace")
    except OSError:  # macOS and Windows have none
        return ""


def _numpy_features() -> Mapping[str, bool]:
    """The processor's features by numpy's names; empty where numpy does not tell them."""
    from importlib import import_module

    for name in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):
        try:
            found: Mapping[str, bool] = import_module(name).__cpu_features__
            return found
        except (ImportError, AttributeError):
            continue
    return {}
