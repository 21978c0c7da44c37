"""aiwf device: devices that are reached over ssh, and what packages do on them."""

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stages.settings import Settings

if TYPE_CHECKING:
    from stages.deploy.bench.costs import Costs
    from stages.deploy.remote.reports import DeviceReport

app = typer.Typer(no_args_is_help=True)
Device = Annotated[str, typer.Argument(metavar="NAME", help="A device that was added.")]
Package = Annotated[
    str, typer.Argument(metavar="PACKAGE", help="A package's folder or zip, or package@id.")
]

MOST_NAME = 60  # letters of a device's name


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    address: Annotated[
        str, typer.Argument(metavar="USER@HOST", help="Its address, or a Host of ~/.ssh/config.")
    ],
    port: Annotated[int, typer.Option(help="Its port; 0: what ssh's configuration says.")] = 0,
    python: Annotated[
        str, typer.Option(help="The Python there that has the engine's library.")
    ] = "python3",
    profile: Annotated[
        str, typer.Option(help="The profile that describes it; `aiwf devices` lists them.")
    ] = "",
) -> None:
    """Add a device that ssh reaches without a password, and try the connection."""
    from stages.config.device_profiles import find_profile, profile_names, unknown_profile
    from stages.deploy.remote.connection import RemoteDevice, probe
    from stages.deploy.remote.devices import add_device
    from stages.runtime.errors import ConfigError

    settings = Settings()
    if profile and find_profile(profile, settings.device_profiles) is None:
        raise unknown_profile(profile, settings.device_profiles)
    if name in profile_names(settings.device_profiles):
        raise ConfigError(
            f"A profile is called {name}.", f"Choose another name, and say --profile {name}."
        )
    device = RemoteDevice(name, address, port, python, profile)
    found = probe(device)
    add_device(device, settings.devices_file)
    print(
        f"Added {name}: {found['processor'] or found['machine']}, {found['cores']} cores, "
        f"{found['system']}, Python {found['python']}, {found['free_mb']} MB free."
    )


@app.command("list")
def list_devices() -> None:
    """List the devices that were added. It connects to none."""
    from stages.deploy.remote.devices import read_devices

    devices = read_devices(Settings().devices_file)
    for device in devices.values():
        port = f":{device.port}" if device.port else ""
        profile = f", {device.profile}" if device.profile else ""
        print(f"{device.name:<20} {device.address}{port}, {device.python}{profile}")
    if not devices:
        print("No device was added. Add one: aiwf device add NAME user@host")


@app.command()
def remove(name: Device) -> None:
    """Forget a device, and remove what was sent there if it can be reached."""
    from stages.deploy.remote.connection import clear
    from stages.deploy.remote.devices import find_device, remove_device
    from stages.runtime.errors import InfrastructureError

    path = Settings().devices_file
    device = find_device(name, path)
    remove_device(name, path)
    try:
        clear(device)
        print(f"Removed {name}, and what was sent there.")
    except InfrastructureError as error:
        print(f"Removed {name}. What was sent there may still be in ~/.cache/aiwf-device:")
        print(f"  {error.problem}")


@app.command()
def bench(
    name: Device,
    package: Package,
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="So long for a figure.")] = 2.0,
    threads: Annotated[int, typer.Option(min=1, max=256)] = 1,
) -> None:
    """Measure on a device what a package's network costs there."""
    from stages.deploy.remote.devices import find_device
    from stages.deploy.remote.packages import costs_on
    from stages.evaluate.packaged import opened_package
    from stages.opening import open_store
    from stages.runtime.description import description_of, networks_of
    from stages.runtime.errors import ConfigError

    settings = Settings()
    device = find_device(name, settings.devices_file)
    with opened_package(package, open_store(settings)) as folder:
        description = description_of(folder)
        if "classify" in description:
            raise ConfigError(
                f"{description['name']} is a chain of two networks, and one is measured at a time.",
                "Measure the packages that it was made of. `aiwf device report` tests the chain.",
            )
        for numeric in [network["numeric"] for network in networks_of(description)]:
            costs = costs_on(device, folder, numeric, threads, seconds)
            _print_costs(f"{description['backend']} {numeric}", name, costs)


def _print_costs(network: str, device: str, costs: "Costs") -> None:
    print(
        f"{network} on {device}: loads in {costs.load_ms:.0f} ms, p50 {costs.p50_ms:.3g} ms, "
        f"p95 {costs.p95_ms:.3g} ms, {costs.cpu_ms:.3g} ms of a core, {costs.per_second:.3g}/s, "
        f"{costs.memory_mb:.0f} MB of memory"
    )


@app.command()
def report(
    names: Annotated[
        list[str], typer.Argument(metavar="[NAME] PACKAGE", help="A device, and a package.")
    ],
    file: Annotated[
        Path | None,
        typer.Option(help="A report that the package wrote on a device without ssh."),
    ] = None,
    name: Annotated[str, typer.Option("--as", help="With --file: what to call the device.")] = "",
) -> None:
    """Let a package test itself on a device, and keep the verdict beside the package."""
    from stages.deploy.remote.devices import find_device
    from stages.deploy.remote.packages import report_of
    from stages.deploy.remote.reports import bring_home, file_report
    from stages.evaluate.packaged import opened_package
    from stages.opening import open_store
    from stages.runtime import neutral
    from stages.runtime.errors import AgreementNotMet, ConfigError

    if len(names) != (1 if file else 2):
        raise ConfigError(
            "It needs a device and a package.",
            "aiwf device report NAME PACKAGE, or aiwf device report --file report.json PACKAGE.",
        )
    settings = Settings()
    store = open_store(settings)
    with opened_package(names[-1], store) as folder:
        if file:
            found = file_report(file, folder)
            device = neutral.line(name or file.stem)[:MOST_NAME]
        else:
            device = names[0]
            found = report_of(find_device(device, settings.devices_file), folder)
    bring_home(found, device, date.today().isoformat(), store)
    _print_report(found, device)
    if found.verdict == "failed":
        sys.exit(AgreementNotMet.exit_code)


def _print_report(found: "DeviceReport", device: str) -> None:
    libraries = ", ".join(f"{name} {version}" for name, version in found.libraries.items())
    print(f"{device}: {found.processor or found.machine}, {found.system}; {libraries}")
    print(f"  {found.line}")
    if found.selftest and not found.selftest.verified:
        print("  The package states nothing for processors of this kind.")
