"""The support matrix: a row for each engine, as data (engines.json) and as a page (ENGINES.md)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from stages.deploy.conformance.instruction_set_runs import EMULATED, NATIVE, SetRun
from stages.deploy.conformance.results import CheckResult, Comparison
from stages.deploy.engines import Engine
from stages.parts import ENGINES, FAMILIES
from stages.runtime.errors import Damaged
from stages.runtime.files import write
from stages.runtime.libraries import installed
from stages.runtime.processor import INSTRUCTION_SETS, instruction_set

DATA, PAGE = "engines.json", "ENGINES.md"
# Engines that people ask for, and why there is no record of them.
NOT_THERE = {
    "paddle_lite": "Its wheels are for Python 3.7 to 3.10, read only graphs in the format before "
    "Paddle 3, and abort on relu6.",
    "coreml": "It predicts on macOS only, so nothing could be proved here.",
}
HEAD = """# Engines

Written by `aiwf conformance ENGINE --matrix FOLDER`, which replaces the row of the engine; do not
edit it. Each engine ran networks of the model families, with random weights, beside the numpy
engine, which is the reference; families that a row lacks are named at the end. Differences are
shares of the largest number of an output. Times and memory are those of one window of {network} on
one thread of the machine on which the row was measured ({processor}), whatever else it did then:
they say how an engine works, not which is faster, which `aiwf bench` measures for a package.
"""


def row(
    engine: Engine,
    comparisons: Sequence[Comparison],
    sums: CheckResult,
    runs: Mapping[str, SetRun],
) -> dict[str, Any]:
    """The row of `engine`, as JSON, from what was found on each network, of its `sums`, and in its
    `runs` on emulated processors by instruction set."""
    ran = [comparison for comparison in comparisons if not comparison.problem]
    failed = {c.network: c.failures for c in comparisons if not c.passed}
    checks = dict.fromkeys(result.check for comparison in ran for result in comparison.results)
    return {
        "versions": {name: installed(name) for name in engine.libraries if name != "setuptools"},
        "processor": instruction_set(),
        "runs": {instruction_set(): SetRun(NATIVE).record, **_records(runs)},
        "networks": len(comparisons),
        "passed": len(comparisons) - len(failed),
        "failed": failed,
        "checks": list(checks),
        "differences": {
            comparison.network: {n: _short(d) for n, d in comparison.differences.items()}
            for comparison in ran
        },
        "sums": _sums(engine),
        "probe": {"passed": sums.passed, "found": sums.found},
        "cannot": dict(engine.cannot),
        "costs": {c.network: dict(c.costs) for c in ran if c.costs},
    }


def _records(runs: Mapping[str, SetRun]) -> dict[str, dict[str, Any]]:
    return {
        name: replace(run, difference=_short(run.difference), lost=_short(run.lost)).record
        for name, run in runs.items()
    }


def update(folder: Path, name: str, record: Mapping[str, Any]) -> Path:
    """Put the row of the engine `name` into the matrix in `folder`, and write its page anew.
    Returns the page. Raises Damaged if the data there cannot be read."""
    rows = {**read(folder), name: record}
    ordered = {engine: rows[engine] for engine in sorted(rows)}
    write(folder / DATA, (json.dumps(ordered, indent=1, sort_keys=True) + "\n").encode())
    write(folder / PAGE, page(ordered).encode())
    return folder / PAGE


def read(folder: Path) -> dict[str, Any]:
    """The rows of the matrix in `folder` by engine; empty if there is none yet."""
    path = folder / DATA
    if not path.exists():
        return {}
    try:
        rows: dict[str, Any] = json.loads(path.read_text("utf-8"))
        page(rows)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise Damaged(
            f"{path} cannot be read: {error}.", "Remove it, and measure again."
        ) from error
    return rows


def page(rows: Mapping[str, Any]) -> str:
    """The matrix as Markdown."""
    measured = [network for found in rows.values() for network in found["costs"]]
    network = max(sorted(measured), key=measured.count, default="a network")
    processors = ", ".join(sorted({found["processor"] for found in rows.values()}))
    parts = [HEAD.format(network=network, processor=processors), _overview(rows, network)]
    parts += [_processors(rows), _emulated(rows), _numbers(rows), _failures(rows), _missing(rows)]
    return "\n".join(part for part in parts if part)


def _overview(rows: Mapping[str, Any], network: str) -> str:
    lines = [
        "| engine | versions | networks | run on | float32 | float16 | int8 | load | p50 "
        "| memory |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, found in rows.items():
        costs = found["costs"].get(network, {})
        cells = [
            name,
            ", ".join(f"{library} {version}" for library, version in found["versions"].items()),
            f"{found['passed']} of {found['networks']}",
            ", ".join(f"{kind} {run['how']}" for kind, run in _native_first(found["runs"])),
            *(_furthest(found, numeric) for numeric in ("float32", "float16", "int8")),
            *(
                f"{costs[key]:.3g} {unit}" if costs else "–"
                for key, unit in (("load_ms", "ms"), ("p50_ms", "ms"), ("memory_mb", "MB"))
            ),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _native_first(runs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(runs.items(), key=lambda item: (item[1]["how"] != NATIVE, item[0]))


def _furthest(found: Mapping[str, Any], numeric: str) -> str:
    """The largest difference of a number format over all networks."""
    away = [shares[numeric] for shares in found["differences"].values() if numeric in shares]
    return f"{max(away):.2g}" if away else "–"


def _processors(rows: Mapping[str, Any]) -> str:
    lines = [
        "## How int8 is added",
        "",
        "Where sums can saturate, a package in int8 is shipped only if it was measured or computed "
        "that none does.",
        "",
        f"| engine | {' | '.join(INSTRUCTION_SETS)} | tried here |",
        f"|---|---|{'---|' * len(INSTRUCTION_SETS)}",
    ]
    for name, found in rows.items():
        cells = [found["sums"].get(kind, "–") for kind in INSTRUCTION_SETS]
        tried = found["cannot"].get("int8", found["probe"]["found"])
        lines.append(f"| {name} | {' | '.join(cells)} | {tried} |")
    return "\n".join([*lines, ""])


def _emulated(rows: Mapping[str, Any]) -> str:
    kinds = [
        kind
        for kind in INSTRUCTION_SETS
        if any(found["runs"].get(kind, {}).get("how") == EMULATED for found in rows.values())
    ]
    if not kinds:
        return ""
    lines = [
        "## On emulated processors",
        "",
        "By qemu-user: the difference from the reference in float32 on small_audio, and the share "
        "of the largest 8-bit sums that is lost.",
        "",
        f"| engine | {' | '.join(kinds)} |",
        f"|---|{'---|' * len(kinds)}",
    ]
    for name, found in rows.items():
        cells = [_emulated_cell(found["runs"].get(kind, {})) for kind in kinds]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _emulated_cell(run: Mapping[str, Any]) -> str:
    if run.get("how") != EMULATED:
        return "–"
    if run["difference"] is None:
        return f"does not run: {run['problem']}"
    lost = "no int8" if run["lost"] is None else f"{run['lost']:.1%} lost"
    return f"{run['difference']:.2g}; {lost}"


def _numbers(rows: Mapping[str, Any]) -> str:
    networks = sorted({network for found in rows.values() for network in found["differences"]})
    lines = [
        "## Largest difference from the reference in float32",
        "",
        f"| network | {' | '.join(rows)} |",
        f"|---|{'---|' * len(rows)}",
    ]
    for network in networks:
        away = (found["differences"].get(network, {}).get("float32") for found in rows.values())
        cells = ["–" if share is None else f"{share:.2g}" for share in away]
        lines.append(f"| {network} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _failures(rows: Mapping[str, Any]) -> str:
    lines = [
        f"- {name}, {network}: {'; '.join(reasons)}"
        for name, found in rows.items()
        for network, reasons in found["failed"].items()
    ]
    lines += [
        f"- {n}, sums: {r['probe']['found']}" for n, r in rows.items() if not r["probe"]["passed"]
    ]
    lines += [
        f"- {name}, emulated {kind}: {run['problem']}"
        for name, found in rows.items()
        for kind, run in _native_first(found["runs"])
        if run["problem"]
    ]
    return "\n".join(["## What failed", "", *(lines or ["Nothing."]), ""])


def _missing(rows: Mapping[str, Any]) -> str:
    lines = [f"- {name}: {why}" for name, why in NOT_THERE.items()]
    waiting = [name for name in ENGINES if name not in rows]
    lines += [f"- {name}: not measured yet; run `aiwf conformance {name}`." for name in waiting]
    lines += [
        f"- {name}: not run on {', '.join(lacking)}."
        for name, found in rows.items()
        if (lacking := _lacking(found))
    ]
    return "\n".join(["## Not there", "", *lines, ""])


def _lacking(found: Mapping[str, Any]) -> list[str]:
    """The model families of which the row has no network."""
    networks = {*found["differences"], *found["failed"]}
    families = {network.partition("@")[0] for network in networks}
    return [family for family in FAMILIES if family not in families]


def _sums(engine: Engine) -> dict[str, str]:
    if "int8" not in engine.compressors:
        return {}
    return {name: str(engine.sums("int8", name)) for name in INSTRUCTION_SETS}


def _short(value: float | None) -> float | None:
    """A difference with three digits; None where there is none, or names or shapes differ."""
    return float(f"{value:.3g}") if value is not None and value != float("inf") else None
