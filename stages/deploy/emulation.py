"""Processors that qemu-user can show a package, on a machine that has another."""

import platform
import shutil

from stages.config import DeployConfig
from stages.deploy.engines import Engine
from stages.parts import ENGINES
from stages.runtime.backends.sums import Sums
from stages.runtime.errors import ConfigError
from stages.runtime.processor import X86, X86_MACHINES, instruction_set

# The interpreter itself is run by the emulator: what it starts would run on the real processor.
PROCESSORS = {X86: ("qemu-x86_64", "-cpu", "Haswell")}  # AVX2 without VNNI; SSE4 alone stops numpy


def emulator(instruction_set: str) -> tuple[str, ...]:
    """The words before those of a command that run it on a processor of `instruction_set`; none if
    this machine cannot show one to its own programs.

    Raises ConfigError if the emulator is not installed."""
    words = PROCESSORS.get(instruction_set, ())
    if not words or platform.system() != "Linux" or platform.machine() not in X86_MACHINES:
        return ()
    if shutil.which(words[0]) is None:
        raise ConfigError(
            f"deploy.emulated_samples: {words[0]} is not installed here.",
            "Install it (on Debian and Ubuntu: apt install qemu-user), or set it to 0: then it is "
            "computed whether sums can saturate.",
        )
    return words


def check_emulators(deploy: DeployConfig) -> None:
    """Raise ConfigError if an emulator that a package will be tested under is not installed: who
    has trained for an hour should not hear of it only then."""
    others = [one for one in deploy.instruction_sets if one != instruction_set()]
    if not deploy.emulated_samples or not others:
        return
    engine: Engine = ENGINES[deploy.engine]
    numerics = [numeric for numeric in deploy.ladder if numeric in engine.compressors]
    for name in others:
        if any(engine.sums(numeric, name) != Sums.FLOAT for numeric in numerics):
            emulator(name)
