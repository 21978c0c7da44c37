"""Completes a package: golden samples, measurements, the page, the seal and the selftest."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.artifacts import Package
from stages.deploy.content import spelled
from stages.deploy.golden import GENERATED_PREFIX, OWN_PREFIX, golden_samples
from stages.deploy.instruction_sets import verified
from stages.deploy.ladder import LadderResult, Tested
from stages.deploy.limits import LimitCheck
from stages.deploy.packed import write_folder
from stages.deploy.page import page
from stages.deploy.targets import texts
from stages.deploy.timing import costs_of_networks, timed
from stages.deploy.workbench import Workbench
from stages.evaluate import formatting
from stages.runtime.answers import of as kind_of
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, expected, golden_file
from stages.runtime.verified import FILE as INSTRUCTION_SETS

VERIFIED_PARTS = "verified_parts.json"


def make_package(work: Workbench, result: LadderResult) -> Package:
    """Make the Package of `result` and put its files into the store.

    Raises AgreementNotMet if the finished package does not pass its own selftest."""
    files = _files(work, result)
    best = result.best
    return Package(
        files={name: work.store.add(data) for name, data in sorted(files.items())},
        parents=(work.model.ref, work.report.ref, work.dataset.ref),
        name=work.config.name,
        target=work.config.target,
        backend=work.engine.backend,
        format=json.loads(files["package.json"])["format"],
        numeric=best.numeric,
        size_bytes=sum(len(data) for data in files.values()),
        overall=best.measured.overall,
        labels_measured=best.measured.labels,
        agreement=best.agreement.same,
        gate=dict(work.report.gate),
        verdict=best.verdict,
        reasons=best.gated.reasons,
        rungs=tuple(candidate.record for candidate in result.candidates),
    )


def log_package(
    package: Package, work: Workbench, result: LadderResult, limits: Sequence[LimitCheck]
) -> None:
    """Save the latencies as a note beside the package, and log all its numbers to the tracker."""
    times = timed(work, result)
    if work.config.deploy.compress == "auto":
        for numeric, costs in costs_of_networks(work, result).items():
            times[numeric] |= costs
    latency = times[package.numeric]
    work.store.note(f"latency/{package.ref.id}", {**latency, "rungs": times})
    measured_on = result.best.instruction_sets[0].instruction_set
    facts = {"target": package.target, "engine": work.engine.name, "numeric": package.numeric}
    work.run.log_params({**facts, "instruction_set": measured_on})
    work.run.log_metrics(
        {
            "size_bytes": package.size_bytes,
            "agreement": package.agreement.value,
            **{name: measure.value for name, measure in package.overall.items()},
            **{f"latency_{name}": value for name, value in latency.items()},
        }
    )
    shown = page(work, result, times, limits, _stated(package, work))
    work.run.log_file("package.html", shown.encode())


def log_comparable(package: Package, work: Workbench) -> None:
    """Log `package`, which ships, under names by which runs of a pipeline can be compared."""
    place, first = f"package/{package.target}", work.kind.headline[0]
    values = {name: measure.value for name, measure in package.overall.items()}
    values |= {f"{name}_low": measure.low for name, measure in package.overall.items()}
    values |= {f"{name}_high": measure.high for name, measure in package.overall.items()}
    work.run.log_metrics({f"{place}/{name}": value for name, value in values.items()})
    verdict = formatting.headline(package.verdict, bool(package.gate))
    found = package.overall.get(first)  # a chain need not be measured
    measured = f"{formatting.metric(first)} {formatting.counted_measure(found)}" if found else ""
    tags = {"verdict": verdict, "measured": measured, "reasons": " ".join(package.reasons)}
    work.run.log_tags({f"package.{package.target}.{name}": text for name, text in tags.items()})


def _files(work: Workbench, result: LadderResult) -> dict[str, bytes]:
    files, found = dict(result.best.files), result.best.instruction_sets
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder, {**files, SEAL: seal(files)})
        files |= _with_golden(folder, work, result)
        verified_parts = work.target.statements(folder, result.best.content)
        files[INSTRUCTION_SETS] = spelled(_verified(result))
        files["README.md"] += texts.sure(result.best.sure).encode()
        files["README.md"] += texts.processors(found).encode()
        files["README.md"] += _of_golden(work, files).encode()
        files |= _stating(files["README.md"], verified_parts)
        files["measured.json"] = spelled([candidate.record for candidate in result.candidates])
        files["report.html"] = page(work, result, verified_parts=verified_parts).encode()
        files[SEAL] = seal(files)
        write_folder(folder, files)
        work.target.verify(folder, result.best.content)
    return files


def _verified(result: LadderResult) -> dict[str, Any]:
    """The content of instruction_sets.json."""
    elsewhere = result.second.numeric if result.second else ""
    return verified(result.best.numeric, result.best.instruction_sets, elsewhere)


def _with_golden(folder: Path, work: Workbench, result: LadderResult) -> dict[str, bytes]:
    """The golden samples and answers, and what the target makes of them; all are written to
    `folder`, too."""
    files = _golden(folder, work, result)
    write_folder(folder, files)
    further = work.target.golden_files(folder, result.best.content)
    write_folder(folder, further)
    return {**files, **further}


def _stating(readme: bytes, verified_parts: list[str]) -> dict[str, bytes]:
    """README.md with a section of what the target verified and what not, and the same as data; no
    files if it states nothing."""
    if not verified_parts:
        return {}
    section = texts.verified_parts(verified_parts).encode()
    return {"README.md": readme + section, VERIFIED_PARTS: spelled(verified_parts)}


def _stated(package: Package, work: Workbench) -> list[str]:
    """What the package states that its target verified."""
    digest = package.files.get(VERIFIED_PARTS)
    return json.loads(work.store.get(digest)) if digest else []


def _golden(folder: Path, work: Workbench, result: LadderResult) -> dict[str, bytes]:
    """The golden samples, and the answers of the package in `folder` to them; of two networks each
    has samples near its own decision boundary."""
    best, second = result.best, result.second
    if second is None:
        return _golden_of(folder, work, best)
    processor = next(
        found.instruction_set for found in best.instruction_sets if found.numeric == second.numeric
    )
    further = _golden_of(folder, work, second, processor, f"_{second.numeric}", share=2)
    return {**_golden_of(folder, work, best, share=2), **further}


def _golden_of(
    folder: Path,
    work: Workbench,
    tested: Tested,
    on: str | None = None,
    infix: str = "",
    share: int = 1,
) -> dict[str, bytes]:
    with Predictor.open(folder, on=on) as predictor:
        samples = golden_samples(
            work, predictor, tested.answers.values, tested.numeric, share, infix
        )
        tolerance = work.compressor(tested.numeric).tolerance
        answers = expected(predictor, {**work.modality.golden(), **samples}, tolerance)
        return {**samples, golden_file(predictor.description): spelled(answers)}


def _of_golden(work: Workbench, files: Mapping[str, bytes]) -> str:
    """The section on golden samples in the package's README."""
    own, generated = (
        [data for name, data in files.items() if name.startswith(f"golden/{kind}_")]
        for kind in (OWN_PREFIX, GENERATED_PREFIX)
    )
    kind, cases = kind_of(json.loads(files["package.json"])), json.loads(files[GOLDEN])["cases"]
    covered = set().union(*(kind.named_in(case["expected"]) for case in cases))
    labels = f"{len(covered)} of {len(work.model.labels)}"
    size = sum(map(len, own + generated))
    return texts.golden(work.modality.noun, (len(own), len(generated)), size, labels)
