"""The identity of this device."""

import os
import platform
from pathlib import Path

from stages.config.device import HERE
from stages.deploy.remote.connection import RemoteDevice
from stages.deploy.remote.devices import read_devices
from stages.resources import Resources


def processor() -> str:
    """The number and the name of this machine's processors."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{os.cpu_count()} x {platform.processor()}"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


def name_of(profile: str, resources: Resources) -> str:
    """The name under which measurements of `profile` are cached."""
    if profile == HERE:
        return processor()
    device = remote_device(profile, resources)
    return f"{profile}: {device.address} {device.port} {device.python}" if device else profile


def remote_device(profile: str, resources: Resources) -> RemoteDevice | None:
    """The device that a person has added under the name `profile`; None if there is none."""
    if resources.devices is None or is_here(profile, resources):
        return None
    return read_devices(resources.devices).get(profile)


def is_here(profile: str, resources: Resources) -> bool:
    """Whether this machine may measure for `profile`."""
    return profile in (HERE, resources.device)
