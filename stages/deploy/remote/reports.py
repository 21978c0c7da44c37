"""Reports of devices: checked, since a device or a person may send anything, and kept as a note
beside the package, whose id they do not change."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stages.artifacts import Measure
from stages.metrics.intervals import proportion
from stages.runtime import neutral
from stages.runtime.description import description_of, networks_of
from stages.runtime.device_report import FORMAT, seal_digest
from stages.runtime.errors import ConfigError, Damaged, DataError
from stages.runtime.rules import parsed
from stages.runtime.selftest import golden_answers, golden_file
from stages.store import Store

MOST_BYTES = 100_000
MOST_REPORTS = 100  # of a package: one for each device, those of devices added first go first
NOTES = "device_reports"
Line = Annotated[str, Field(max_length=200)]
Count = Annotated[int, Field(ge=0, le=10_000, strict=True)]
Figure = Annotated[float, Field(ge=0, le=1e9, strict=True)]


class _Checked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GoldenFigures(_Checked):
    """What the self-test found; see `SelfTest` in stages/runtime/selftest.py."""

    instruction_set: Line
    numeric: Line
    verified: Annotated[bool, Field(strict=True)]
    samples: Annotated[int, Field(ge=1, le=10_000, strict=True)]
    agreeing: Count
    near: Count
    near_agreeing: Count
    labels: Annotated[int, Field(ge=0, le=100_000, strict=True)]
    of_labels: Annotated[int, Field(ge=1, le=100_000, strict=True)]
    furthest: Figure
    tolerance: Annotated[float, Field(ge=0, le=1, strict=True)]
    median_ms: Figure
    p95_ms: Figure

    @model_validator(mode="after")
    def add_up(self) -> "GoldenFigures":
        """Refuse counts that cannot be true at once."""
        if not self.near_agreeing <= min(self.near, self.agreeing) <= self.samples:
            raise ValueError("more samples agree than there are")
        if self.agreeing > self.samples or self.near > self.samples:
            raise ValueError("more samples agree than there are")
        if self.labels > self.of_labels:
            raise ValueError("more labels are covered than there are")
        return self

    @property
    def agreement(self) -> Measure:
        """The share of golden samples that keep their answer, with its interval."""
        return proportion(self.agreeing, self.samples)


class DeviceReport(_Checked):
    """The report of one device about one package, which `package` names by the digest of its
    seal."""

    report: Annotated[int, Field(ge=FORMAT, le=FORMAT, strict=True)]
    package: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    name: Line
    machine: Line
    system: Line
    processor: Line
    libraries: Annotated[dict[Line, Line], Field(max_length=50)]
    verdict: Literal["passed", "failed"]
    problem: Annotated[str, Field(max_length=500)] = ""
    selftest: GoldenFigures | None = None

    @model_validator(mode="after")
    def follow_from_figures(self) -> "DeviceReport":
        """Refuse a verdict that does not follow from the figures."""
        found = self.selftest
        passed = bool(
            found and found.agreeing == found.samples and found.furthest <= found.tolerance
        )
        if passed != (self.verdict == "passed"):
            raise ValueError(f"the verdict '{self.verdict}' does not follow from its figures")
        return self

    @property
    def line(self) -> str:
        """The verdict in a line."""
        found = self.selftest
        if found is None:
            return f"{self.verdict}: {self.problem}"
        share = found.agreement
        near = f", {found.near_agreeing} of {found.near} near the decision boundary"
        return (
            f"{self.verdict} on {found.instruction_set} as {found.numeric}: {found.agreeing} of "
            f"{found.samples} golden samples keep their answer ({share.low:.1%} to "
            f"{share.high:.1%}){near if found.near else ''}; the furthest number is "
            f"{found.furthest:.5f} away, {found.tolerance:g} is allowed; median "
            f"{found.median_ms:.3g} ms"
        )


def read_report(data: bytes, folder: Path) -> DeviceReport:
    """The report in `data`, which anybody may have written, about the package in `folder`.

    Raises DataError, saying what is wrong, if it is none, or about another package."""
    if len(data) > MOST_BYTES:
        raise DataError(f"A device's report has at most {MOST_BYTES} bytes.", AGAIN)
    try:
        found = DeviceReport.model_validate(_with_plain_texts(parsed(data, "the report")))
    except Damaged as error:
        raise DataError(f"This is no report of a device: {error.problem}", AGAIN) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        why = neutral.line(first["msg"].removeprefix("Value error, "))[:200]
        raise DataError(
            f"This is no report of a device: {neutral.line(place)[:80]}: {why}.", AGAIN
        ) from None
    _check_package(found, folder)
    return found


def file_report(path: Path, folder: Path) -> DeviceReport:
    """The report in the file at `path`, about the package in `folder`. Raises ConfigError if there
    is no such file, DataError as `read_report` does."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.", AGAIN) from error
    return read_report(data, folder)


def _check_package(report: DeviceReport, folder: Path) -> None:
    """Raise DataError unless `report` is about the package in `folder` and its golden samples."""
    digest = seal_digest(folder)
    if report.package != digest:
        raise DataError(
            f"The report is about another package: {report.package[:12]}, not {digest[:12]}.",
            "Copy this package to the device, and run `python -m NAME_sdk --report` there.",
        )
    if (found := report.selftest) is None:
        return
    description = description_of(folder)
    if found.numeric not in [network["numeric"] for network in networks_of(description)]:
        raise DataError(f"The package has no network in {found.numeric[:40]}.", AGAIN)
    golden = golden_answers(folder, golden_file({**description, "numeric": found.numeric}))
    if (found.samples, found.tolerance) != (len(golden["cases"]), golden["tolerance"]):
        raise DataError("The report's golden samples are not those of the package.", AGAIN)


AGAIN = "Run `python -m NAME_sdk --report > report.json` on the device again."


def _with_plain_texts(value: Any) -> Any:
    """`value` without control characters in its texts and names."""
    if isinstance(value, str):
        return neutral.line(value)
    if isinstance(value, Mapping):
        return {neutral.line(name): _with_plain_texts(found) for name, found in value.items()}
    return value


def bring_home(report: DeviceReport, device: str, date: str, store: Store) -> None:
    """Keep the `report` of `device`, which came on `date`, beside its package, in place of an
    earlier one."""
    record = {"device": device, "date": date, **json.loads(report.model_dump_json())}
    earlier = [row for row in _noted(report.package, store) if row.get("device") != device]
    store.note(f"{NOTES}/{report.package}", [*earlier, record][-MOST_REPORTS:])


class HomeReport(_Checked):
    """A report that was brought home, of which `device`, and when."""

    device: Line
    date: Line
    found: DeviceReport


def reports_of(package: str, store: Store) -> list[HomeReport]:
    """The reports about the package whose seal has the digest `package`; what cannot be read any
    more is left out."""
    rows = []
    for record in _noted(package, store):
        try:
            record = dict(record)
            device, date = record.pop("device"), record.pop("date")
            found = DeviceReport.model_validate(record)
            rows.append(HomeReport(device=device, date=date, found=found))
        except (ValidationError, KeyError, TypeError, ValueError):
            continue
    return rows


def _noted(package: str, store: Store) -> list[Any]:
    found = store.noted(f"{NOTES}/{package}")
    return found if isinstance(found, list) else []
