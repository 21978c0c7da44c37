"""The processors on which a package can be tested under emulation, by qemu-user."""

import platform
import shutil

from stages.config import DeployConfig
from stages.deploy.emulated_processors import HASWELL
from stages.deploy.engines import Engine
from stages.parts import ENGINES
from stages.runtime.backends.sums import Sums
from stages.runtime.errors import ConfigError
from stages.runtime.processor import X86, X86_MACHINES, instruction_set

# The emulator runs the Python interpreter; child processes of that would run on the real processor.
PROCESSORS = {X86: HASWELL}  # AVX2, no VNNI; numpy needs more than SSE4


def emulator(instruction_set: str) -> tuple[str, ...]:
    """The command prefix that runs a program on an emulated processor of `instruction_set`; empty
    if this machine cannot emulate it.

    Raises ConfigError if the emulator is not installed."""
    command = PROCESSORS.get(instruction_set, ())
    if not command or platform.system() != "Linux" or platform.machine() not in X86_MACHINES:
        return ()
    if shutil.which(command[0]) is None:
        raise ConfigError(
            f"deploy.emulated_samples: {command[0]} is not installed here.",
            "Install it (on Debian and Ubuntu: apt install qemu-user), or set it to 0; then it is "
            "computed instead whether sums can saturate.",
        )
    return command


def check_emulators(deploy: DeployConfig) -> None:
    """Raise ConfigError if an emulator that deploying will need is not installed. It is checked
    when a run is planned, so that the error does not come after an hour of training."""
    other_sets = [name for name in deploy.instruction_sets if name != instruction_set()]
    if not deploy.emulated_samples or not other_sets:
        return
    engines: list[Engine] = [ENGINES[name] for name in deploy.engines]
    for name in other_sets:
        if any(_adds_integers(engine, name, deploy) for engine in engines):
            emulator(name)


def _adds_integers(engine: Engine, instruction_set: str, deploy: DeployConfig) -> bool:
    """Whether `engine` adds whole numbers there in a number format that it may ship."""
    allowed = engine.compressors if deploy.compress == "auto" else deploy.ladder
    numerics = [numeric for numeric in allowed if numeric in engine.compressors]
    return any(engine.sums(numeric, instruction_set) != Sums.FLOAT for numeric in numerics)
