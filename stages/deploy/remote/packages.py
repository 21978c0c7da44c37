"""A package on a device: its self-test, and what its network costs there."""

from pathlib import Path

from stages.deploy.bench import cost_program
from stages.deploy.bench.costs import Costs
from stages.deploy.packed import START
from stages.deploy.remote.connection import (
    DeviceLost,
    Finished,
    RemoteDevice,
    figures_of,
    run_there,
)
from stages.deploy.remote.reports import MOST_BYTES, DeviceReport, read_report
from stages.runtime.description import description_of, networks_of
from stages.runtime.errors import AgreementNotMet, ConfigError
from stages.runtime.sealed import SEAL, check, read

REPORT_SECONDS = 600
MOST_FIGURES = 10_000  # bytes that the cost program may print
MOST_PACKAGE = 1_000_000_000  # bytes of a file


def files_of(folder: Path) -> dict[str, bytes]:
    """Every sealed file of the package in `folder`. Raises Damaged if one was changed."""
    return {name: read(folder, name, MOST_PACKAGE) for name in [SEAL, *check(folder)]}


def report_of(device: RemoteDevice, folder: Path) -> DeviceReport:
    """Let the package in `folder` test itself on `device`, and return its checked report, also if
    it failed.

    Raises DeviceLost if the device vanishes, ConfigError with the package's own message if it does
    not run there."""
    arguments = ["-c", START, "{folder}/package", _sdk(folder), "selftest", "--report"]
    files = {f"package/{name}": data for name, data in files_of(folder).items()}
    done = run_there(device, files, arguments, REPORT_SECONDS, MOST_BYTES)
    if done.why or done.code not in (0, AgreementNotMet.exit_code) or not done.out.strip():
        raise _does_not_run(device, done)
    return read_report(done.out.encode(), folder)


def costs_on(
    device: RemoteDevice, folder: Path, numeric: str, threads: int, seconds: float
) -> Costs:
    """What the network of the package in `folder` in `numeric` costs on `device`. Raises as
    `report_of` does."""
    description = description_of(folder)
    networks = networks_of(description)
    [model] = [network["model"] for network in networks if network["numeric"] == numeric]
    arguments: list[object] = ["{folder}/cost_program.py", "{folder}/package", _sdk(folder)]
    arguments += [description["backend"], f"{{folder}}/package/{model}", numeric]
    arguments += [threads, seconds, *description["input_shape"]]
    files = {f"package/{name}": data for name, data in files_of(folder).items()}
    files["cost_program.py"] = Path(cost_program.__file__).read_bytes()
    most = REPORT_SECONDS + seconds
    done = run_there(device, files, [str(text) for text in arguments], most, MOST_FIGURES)
    if done.why or done.code:
        raise _does_not_run(device, done)
    return Costs(**figures_of(device, done, tuple(Costs.__dataclass_fields__)))


def _sdk(folder: Path) -> str:
    """The Python package inside. Raises ConfigError for a package that has none."""
    name = f"{description_of(folder)['name']}_sdk"
    if not (folder / name).is_dir():
        raise ConfigError(
            f"This package has no {name}, which a device would run.",
            "Take the package of the target device_sdk or cloud_api.",
        )
    return name


def _does_not_run(device: RemoteDevice, done: Finished) -> Exception:
    if done.code < 0 and not done.why:
        return DeviceLost(
            f"Device {device.name}: the package was ended there by signal {-done.code}.",
            "It may lack memory, or an instruction that its engine uses.",
        )
    return ConfigError(
        f"Device {device.name}: the package does not run there: {done.message}.",
        f"Install what its requirements.txt lists for {device.python} there, or name another "
        "interpreter with --python.",
    )
