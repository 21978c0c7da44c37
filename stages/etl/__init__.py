"""The first stage: reads raw data, checks and splits it, and declares how to augment it."""

import logging
from typing import TYPE_CHECKING

from stages.parts import MODALITIES, TASKS

if TYPE_CHECKING:
    from stages.artifacts import Dataset
    from stages.config import EtlSlice
    from stages.etl.inspection import Inspected
    from stages.etl.raw_data import RawData
    from stages.resources import Resources
    from stages.store import Store
    from stages.tracking import Run


def etl(
    raw: "RawData", config: "EtlSlice", *, store: "Store", run: "Run", resources: "Resources"
) -> "Dataset":
    """Make a checked, split Dataset of `raw`.

    Raises DataError if it breaks a rule of `config`, ConfigError if `config` does not fit the task,
    and what opening `raw` raises."""
    from stages.etl.augment import resolve_augmentations
    from stages.etl.dataset_draft import draft_of, files_of
    from stages.etl.validation import validate_samples

    task = TASKS[config.task]
    modality = MODALITIES[task.modality]()
    augmentations = resolve_augmentations(config.etl.augmentations, task.modality, task.trainer)
    inspected, notes = _inspected(raw, config, store, run, resources)
    validated = validate_samples(config.data.name, inspected, task.suites, config.etl)
    draft = draft_of(config, raw.revision.revision, validated, modality, augmentations)
    files = files_of(draft, validated, modality, store, notes)
    digests = {name: store.add(data) for name, data in files.items()}
    dataset = draft.model_copy(update={"files": digests})
    store.save(dataset)
    _log(dataset, files, len(validated.quarantined), run)
    return dataset


def _inspected(
    raw: "RawData", config: "EtlSlice", store: "Store", run: "Run", resources: "Resources"
) -> tuple[list["Inspected"], tuple[str, ...]]:
    """Inspect every sample of `raw` once; return also how its annotations were understood."""
    from stages.etl.inspection import inspect_all
    from stages.etl.readers import read_revision
    from stages.etl.summary import summary_of

    task = TASKS[config.task]
    with raw.opened() as folder:
        reading = read_revision(folder, task.readers)
        summary = raw.revision.summary or summary_of(reading)  # none in old lists and from a remote
        logging.getLogger("aiwf").info("%s", "\n".join((raw.revision.name, *summary)))
        modality = MODALITIES[task.modality]()
        rows, cores = reading.rows, resources.cores
        inspected = inspect_all(folder, rows, modality, config.etl, store, run, cores)
        return inspected, reading.notes


def _log(dataset: "Dataset", files: dict[str, bytes], quarantined: int, run: "Run") -> None:
    run.log_metrics({f"samples_{name}": count for name, count in dataset.samples.items()})
    run.log_metrics({"quarantined": quarantined, "findings": len(dataset.findings)})
    run.log_tags({"dvc.md5": dataset.revision})
    for name in ("page.html", "validation.json", "quarantine.csv"):
        run.log_file(name, files[name])
