"""Prints the outcome of a run: verdict, figures, where things are, what to do next."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from stages.artifacts import Dataset, Measure, Model, Package, Report
from stages.evaluate.about import SPLITS
from stages.evaluate.formatting import metric
from stages.evaluate.held_out import DECIDING
from stages.evaluate.kinds import kind_of, modality_of
from stages.evaluate.minimum import in_pipeline
from stages.opening import open_store
from stages.runner.lock import Lock, load_lock, run_folder
from stages.runner.publish import package_folder
from stages.runner.shipped import OutcomeLine, reasons_of, shipped, trained, trained_of
from stages.runtime.neutral import line
from stages.settings import Settings
from stages.store import Store


def has_failed(run: str, settings: Settings) -> bool:
    """Whether `run` came as far as its packages, and one of them could not be made."""
    lock = load_lock(run, open_store(settings))
    return bool(lock and lock.failed)


def print_outcome(run: str, pipeline: Path, settings: Settings) -> None:
    """Print the outcome of `run`, from its lock."""
    store = open_store(settings)
    lock = load_lock(run, store)
    if lock is None:
        return
    if "etl" in lock.artifacts:
        _print_dataset(store.load(lock.artifacts["etl"]))
    if "train" in lock.artifacts:
        _print_notice(store.load(lock.artifacts["train"]))
    report = trained_of(lock, store)
    if report:
        _print_shipped(shipped(lock, store))
        _print_report(report)
    refs = [lock.artifacts[task] for task in lock.tasks if task in lock.artifacts]
    packages = [store.load(ref) for ref in refs if ref.kind == "package"]
    if packages:
        print("\nPackages beside the trained model:")
    for package in packages:
        _print_package(package, lock.config["task"], store)
    _print_places(lock, packages, pipeline, settings)


def _print_dataset(dataset: Dataset) -> None:
    """Print how many samples there are, and a line for each finding."""
    noun = modality_of(dataset.task).noun
    marked = {split: sum(counts.values()) for split, counts in dataset.counts.items()}
    splits = {split: (dataset.samples or marked).get(split, 0) for split in SPLITS}
    shares = ", ".join(f"{count} {split}" for split, count in splits.items())
    total, boxes = sum(splits.values()), sum(marked.values())
    with_boxes = f", {boxes:,} annotations" if boxes != total else ""
    print(f"\nData: {total:,} {noun}s ({shares}){with_boxes}")
    if dataset.groups:
        groups = ", ".join(f"{dataset.groups.get(split, 0)} {split}" for split in SPLITS)
        print(f"  Groups: {groups}")
    for finding in dataset.findings:
        print(f"  {line(finding.message)}")


def _print_notice(model: Model) -> None:
    """Print the notice about the model's pretrained weights, such as a licence, and the verdict on
    a search of architectures and on students, if there are any."""
    if "notice" in model.selection:
        print(f"\nNotice: {line(model.selection['notice'])}")
    if "architecture" in model.selection:
        print(f"\nArchitecture: {line(model.selection['architecture']['verdict'])}")
    for name in ("distillation", "pruning"):
        if record := model.selection.get(name):
            print(f"\n{name.capitalize()}: {line(_student(record))}")


def _student(record: Mapping[str, Any]) -> str:
    """What came of a student, from its `record` in a Model's selection."""
    if "why_not" in record:
        return f"none, as {record['why_not']}."
    gain = record["against_teacher"]["gain"]
    value, low, high = (gain[end] for end in ("value", "low", "high"))
    ships = "ships" if record["ships"] else "does not ship"
    difference = f"{value:+.3f} ({low:+.3f} to {high:+.3f}) against its teacher"
    return f"{record['input']} {ships}: {record['why']}; {difference}."


def _print_shipped(lines: list[OutcomeLine]) -> None:
    """Print a line with the metrics of each package, then the reasons of the verdicts."""
    print("\nWhat ships:")
    for shipped_line in lines:
        print(f"  {shipped_line.text}")
    reasons = reasons_of(lines)
    for why, names in reasons:
        whose = f"{', '.join(names)}: " if len(reasons) > 1 else ""
        print(f"    {whose}{line(why)}")


def _print_report(report: Report) -> None:
    """Print the metrics of the trained model, and how to set a gate if there is none."""
    print(f"\nTrained model: {trained(report).verdict.upper()}")
    for reason in report.reasons:
        print(f"  {line(reason)}")
    if not report.gate:
        print(f"  {in_pipeline(report.overall, report.labels_measured)}")
    for figure in figures_of(report):
        print(f"  {figure}")


def figures_of(report: Report) -> list[str]:
    """Lines with the main metrics of the trained model, each once: those of the kind of answer,
    then the deciding one on the test and held out of training."""
    decides = [name for name in DECIDING if name in report.held_out]
    shown = [report.overall[name] for name in decides]
    lines = []
    for name in kind_of(report.task).headline:
        # where each label was tested, macro recall is the balanced accuracy
        is_below = name in decides or (name == "macro_recall" and report.overall.get(name) in shown)
        if name in report.overall and not is_below:
            lines.append(f"{metric(name):<18} {share_text(report.overall[name])}")
    for name in decides:
        lines.append(f"{metric(name):<18} {share_text(report.overall[name])} on the test")
        lines.append(f"{'':<18} {share_text(report.held_out[name])} held out of training")
    return lines


def _print_package(package: Package, task: str, store: Store) -> None:
    compared = kind_of(task).compared
    timed = store.noted(f"latency/{package.ref.id}") or {}
    latency = f", {timed['p95_ms']:.1f} ms p95" if "p95_ms" in timed else ""
    size = package.size_bytes / 1e6
    print(f"  {package.target:<14} {package.numeric}, {size:.1f} MB{latency}, ", end="")
    print(f"the same for {package.agreement.value:.1%} of {compared}")


def _print_places(lock: Lock, packages: list[Package], pipeline: Path, settings: Settings) -> None:
    folder = run_folder(lock.run, settings)
    print("\nMade:")
    for name in ("report.html", "data.html", "run.lock.json"):
        print(f"  {_near(folder / name)}")
    folders = [_near(package_folder(package, settings)) for package in packages]
    for place in folders:
        print(f"  {place}")
    print("\nNext:")
    aiwf, noun = command(), modality_of(lock.config["task"]).noun.upper()
    for place in folders[:1]:
        print(f"  {aiwf} predict {quote(place)} {noun}...")
    for place in folders[1:]:
        print(f"  {aiwf} serve {quote(place)}")
    print(f"  {aiwf} reproduce {quote(_near(folder / 'run.lock.json'))}")
    print(f"  {aiwf} plan {quote(str(pipeline))} deploy.max_drop=0.01")


def command() -> str:
    """How to call aiwf here, for a shell: by name if it is on PATH, else by its path."""
    return "aiwf" if shutil.which("aiwf") else quote(_near(Path(sys.executable).parent / "aiwf"))


def share_text(measure: Measure) -> str:
    """A share with its interval, for people."""
    return f"{measure.value:.1%}  ({measure.low:.1%} to {measure.high:.1%}, n = {measure.n})"


def _near(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
