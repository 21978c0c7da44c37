"""The last hand on a package: golden answers, what was measured, the page, seal and self-test."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.artifacts import Package
from stages.deploy.content import spelled
from stages.deploy.golden import MADE_UP, OWN, golden_samples
from stages.deploy.instruction_sets import verified
from stages.deploy.ladder import Climb, Tested
from stages.deploy.limits import Held
from stages.deploy.packed import write_folder
from stages.deploy.page import page
from stages.deploy.targets import texts
from stages.deploy.timing import timed
from stages.deploy.workbench import Workbench
from stages.evaluate import formatting
from stages.runtime.answers import of as kind_of
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, expected
from stages.runtime.verified import FILE as INSTRUCTION_SETS


def finished(work: Workbench, climb: Climb) -> Package:
    """The Package of `climb`, its files in the store."""
    files = _files(work, climb)
    best = climb.best
    return Package(
        files={name: work.store.add(data) for name, data in sorted(files.items())},
        parents=(work.model.ref, work.report.ref, work.dataset.ref),
        name=work.config.name,
        target=work.config.target,
        backend=work.engine.backend,
        format=work.engine.format,
        numeric=best.numeric,
        size_bytes=sum(len(data) for data in files.values()),
        overall=best.measured.overall,
        labels_measured=best.measured.labels,
        agreement=best.agreement.same,
        gate=dict(work.report.gate),
        verdict=best.verdict,
        reasons=best.gated.reasons,
        rungs=tuple(one.record for one in climb.trials),
    )


def told(package: Package, work: Workbench, climb: Climb, limits: Sequence[Held]) -> None:
    """Keep what was timed beside the package, and tell the tracker all numbers."""
    times = timed(work, climb)
    latency = times[package.numeric]
    work.store.note(f"latency/{package.ref.id}", {**latency, "rungs": times})
    measured_on = climb.best.instruction_sets[0].instruction_set
    facts = {"target": package.target, "engine": work.engine.name, "numeric": package.numeric}
    work.run.log_params({**facts, "instruction_set": measured_on})
    work.run.log_metrics(
        {
            "size_bytes": package.size_bytes,
            "agreement": package.agreement.value,
            **{name: one.value for name, one in package.overall.items()},
            **{f"latency_{name}": value for name, value in latency.items()},
        }
    )
    _log_package(package, work)
    work.run.log_file("package.html", page(work, climb, times, limits).encode())


def _log_package(package: Package, work: Workbench) -> None:
    """Tell the tracker what ships, by names under which pipeline runs can be compared."""
    place, first = f"package/{package.target}", work.kind.headline[0]
    values = {name: one.value for name, one in package.overall.items()}
    values |= {f"{name}_low": one.low for name, one in package.overall.items()}
    values |= {f"{name}_high": one.high for name, one in package.overall.items()}
    work.run.log_metrics({f"{place}/{name}": value for name, value in values.items()})
    verdict = formatting.headline(package.verdict, bool(package.gate))
    measured = f"{formatting.metric(first)} {formatting.counted_measure(package.overall[first])}"
    tags = {"verdict": verdict, "measured": measured, "reasons": " ".join(package.reasons)}
    work.run.log_tags({f"package.{package.target}.{name}": said for name, said in tags.items()})


def _files(work: Workbench, climb: Climb) -> dict[str, bytes]:
    files, found = dict(climb.best.files), climb.best.instruction_sets
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder, {**files, SEAL: seal(files)})
        files |= _golden(folder, work, climb.best)
        files[INSTRUCTION_SETS] = spelled(verified(climb.best.numeric, found))
        files["README.md"] += texts.sure(climb.best.sure).encode()
        files["README.md"] += texts.processors(found).encode()
        files["README.md"] += _of_golden(work, files).encode()
        files["measured.json"] = spelled([one.record for one in climb.trials])
        files["report.html"] = page(work, climb).encode()
        files[SEAL] = seal(files)
        write_folder(folder, files)
        work.target.verify(folder, climb.best.content)
    return files


def _golden(folder: Path, work: Workbench, best: Tested) -> dict[str, bytes]:
    """Golden samples of the data, and what `best`, written to `folder`, answers to all of them."""
    with Predictor.open(folder) as predictor:
        samples = golden_samples(work, predictor, best.answers.values, best.numeric)
        tolerance = work.compressor(best.numeric).tolerance
        answers = expected(predictor, {**work.modality.golden(), **samples}, tolerance)
    return {**samples, GOLDEN: spelled(answers)}


def _of_golden(work: Workbench, files: Mapping[str, bytes]) -> str:
    """What the package's README says of its golden samples."""
    own, made_up = (
        [data for name, data in files.items() if name.startswith(f"golden/{kind}_")]
        for kind in (OWN, MADE_UP)
    )
    kind, cases = kind_of(json.loads(files["package.json"])), json.loads(files[GOLDEN])["cases"]
    covered = set().union(*(kind.named_in(case["expected"]) for case in cases))
    labels = f"{len(covered)} of {len(work.model.labels)}"
    size = sum(map(len, own + made_up))
    return texts.golden(work.modality.noun, (len(own), len(made_up)), size, labels)
