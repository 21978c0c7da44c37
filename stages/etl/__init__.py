"""The first stage: reads raw data, checks and splits it, and declares how to augment it."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stages.parts import MEDIA, TASKS

if TYPE_CHECKING:
    from stages.artifacts import Dataset
    from stages.config import EtlSlice
    from stages.etl.table import Line
    from stages.settings import Settings
    from stages.store import Store
    from stages.tracking import Run


def etl(config: "EtlSlice", *, store: "Store", run: "Run", settings: "Settings") -> "Dataset":
    """Make a checked, split Dataset of the raw data that `config` names.

    Raises ConfigError if there is no such data, DataError if it breaks a rule of the config."""
    from stages.artifacts import Dataset
    from stages.config import DataConfig
    from stages.etl.augment import resolved
    from stages.etl.inspecting import inspect_all
    from stages.etl.judging import judge
    from stages.etl.page import page_of
    from stages.etl.quarantine import table_of
    from stages.etl.readers import read_folder
    from stages.etl.source import find, opened
    from stages.etl.table import labels_in

    task = TASKS[config.task]
    medium = MEDIA[task.medium]()
    augmentations = resolved(config.etl.augmentations, task.medium, task.trainer)
    revision = find(config.data, settings)
    pinned = DataConfig(name=revision.name, revision=revision.revision)
    with opened(pinned, settings) as folder:
        rows = read_folder(folder, task.readers).rows
        seen = inspect_all(folder, rows, medium, config.etl, store, run, settings.threads)
    judged = judge(config.data.name, seen, task.suites, config.etl)
    draft = Dataset(
        task=config.task,
        labels=tuple(labels_in(judged.lines)),
        revision=revision.revision,
        counts=_counts(judged.lines),
        samples=_samples(judged.lines),
        facts=medium.summary(_of_train(judged.lines), config.etl),
        augmentations=augmentations,
        views=config.etl.views if augmentations else 0,
        seed=config.etl.seed,
        findings=judged.findings,
    )
    files = {
        "manifest.csv": _manifest(judged.lines, medium.facts),
        "validation.json": judged.record,
        "quarantine.csv": table_of(judged.asides),
        "page.html": page_of(draft, judged, medium, store).encode(),
    }
    dataset = draft.model_copy(
        update={"files": {name: store.add(data) for name, data in files.items()}}
    )
    store.save(dataset)
    _tell(dataset, files, len(judged.asides), run)
    return dataset


def _manifest(lines: Sequence["Line"], facts: Sequence[str]) -> bytes:
    from stages.etl.manifest import Sample, write_manifest

    return write_manifest(
        [
            Sample(
                line["file"],
                line["digest"],
                line["label"],
                line["split"],
                line["key"],
                {name: line["facts"][name] for name in facts},
                line["boxes"],
                {key[6:]: value for key, value in line.items() if key.startswith("extra.")},
            )
            for line in lines
        ]
    )


def _counts(lines: Sequence["Line"]) -> dict[str, dict[str, int]]:
    from stages.etl.split import ORDER
    from stages.etl.table import labels_in, labels_of

    counted = Counter((line["split"], label) for line in lines for label in labels_of(line))
    return {name: {label: counted[name, label] for label in labels_in(lines)} for name in ORDER}


def _samples(lines: Sequence["Line"]) -> dict[str, int]:
    from stages.etl.split import ORDER

    counted = Counter(line["split"] for line in lines)
    return {name: counted[name] for name in ORDER}


def _of_train(lines: Sequence["Line"]) -> list[dict[str, Any]]:
    return [line["facts"] for line in lines if line["split"] == "train"]


def _tell(dataset: "Dataset", files: dict[str, bytes], asides: int, run: "Run") -> None:
    run.log_metrics({f"samples_{name}": count for name, count in dataset.samples.items()})
    run.log_metrics({"quarantined": asides, "findings": len(dataset.findings)})
    run.log_tags({"dvc.md5": dataset.revision})
    for name in ("page.html", "validation.json", "quarantine.csv"):
        run.log_file(name, files[name])
