"""The devices that a person has added: a JSON file in the workspace, without any key."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from stages.deploy.remote.connection import RemoteDevice
from stages.runtime.errors import ConfigError, Damaged
from stages.runtime.files import alone, write
from stages.runtime.registry import nearest
from stages.runtime.rules import ANYTHING, check_fields, choice, either, several, text, whole
from stages.runtime.rules import parsed as parsed_json

FILE = "devices.json"
MOST_DEVICES = 1000
FIELDS = {"name": text(60), "address": text(400)}
OPTIONAL = {
    "port": whole(0, 65535),
    "python": text(400),
    "profile": either(choice(""), text(200)),
}
REMEDY = "Correct or delete the file, and add the devices again."


def read_devices(path: Path) -> dict[str, RemoteDevice]:
    """The devices in the file at `path`, by name; none if there is no file. Raises ConfigError."""
    if not path.is_file():
        return {}
    try:
        records = parsed_json(path.read_bytes()[: 10**6], path.name)
        if not several(ANYTHING, 0, MOST_DEVICES).fits(records):
            raise Damaged(f"{path.name} holds no list of devices.")
        for record in records:
            check_fields(record, FIELDS, OPTIONAL, path.name)
        devices = [RemoteDevice(**record) for record in records]
    except (Damaged, TypeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", REMEDY) from error
    return {device.name: device for device in devices}


def find_device(name: str, path: Path) -> RemoteDevice:
    """The device called `name`. Raises ConfigError, with the nearest name."""
    devices = read_devices(path)
    if name not in devices:
        raise ConfigError(
            f"No device is called '{name[:60]}'.",
            f"{nearest(name, list(devices))}There are: {', '.join(devices) or 'none'}. Add one: "
            "aiwf device add NAME user@host.",
        )
    return devices[name]


def add_device(device: RemoteDevice, path: Path) -> None:
    """Add `device` to the file at `path`, in place of an earlier one of its name."""
    with alone(path.with_suffix(".lock")):
        devices = read_devices(path) | {device.name: device}
        _write(devices.values(), path)


def remove_device(name: str, path: Path) -> None:
    """Take the device called `name` out of the file at `path`. Raises ConfigError."""
    with alone(path.with_suffix(".lock")):
        find_device(name, path)
        devices = read_devices(path)
        del devices[name]
        _write(devices.values(), path)


def _write(devices: Iterable[RemoteDevice], path: Path) -> None:
    write(path, json.dumps([asdict(device) for device in devices], indent=1) + "\n")
