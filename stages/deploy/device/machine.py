"""The identity of this device."""

import os
import platform
from pathlib import Path

from stages.config.device import HERE
from stages.resources import Resources


def processor() -> str:
    """The number and the name of this machine's processors."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{os.cpu_count()} x {platform.processor()}"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


def name_of(profile: str) -> str:
    """The name under which measurements of `profile` are cached."""
    return processor() if profile == HERE else profile


def is_here(profile: str, resources: Resources) -> bool:
    """Whether this machine may measure for `profile`."""
    return profile in (HERE, resources.device)
