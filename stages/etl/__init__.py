"""The first stage: reads raw data, checks and splits it, and declares how to augment it."""

import logging
from typing import TYPE_CHECKING

from stages.parts import MODALITIES, TASKS

if TYPE_CHECKING:
    from stages.artifacts import Dataset
    from stages.config import EtlSlice
    from stages.etl.inspection import Inspected
    from stages.etl.source import Revision
    from stages.settings import Settings
    from stages.store import Store
    from stages.tracking import Run


def etl(config: "EtlSlice", *, store: "Store", run: "Run", settings: "Settings") -> "Dataset":
    """Make a checked, split Dataset of the raw data that `config` names.

    Raises ConfigError if there is no such data, DataError if it breaks a rule of the config."""
    from stages.etl.augment import resolve_augmentations
    from stages.etl.dataset_draft import draft_of, files_of
    from stages.etl.source import find
    from stages.etl.validation import validate_samples

    task = TASKS[config.task]
    modality = MODALITIES[task.modality]()
    augmentations = resolve_augmentations(config.etl.augmentations, task.modality, task.trainer)
    revision = find(config.data, settings)
    inspected = _inspected(config, revision, store, run, settings)
    validated = validate_samples(config.data.name, inspected, task.suites, config.etl)
    draft = draft_of(config, revision.revision, validated, modality, augmentations)
    files = files_of(draft, validated, modality, store)
    digests = {name: store.add(data) for name, data in files.items()}
    dataset = draft.model_copy(update={"files": digests})
    store.save(dataset)
    _log(dataset, files, len(validated.quarantined), run)
    return dataset


def _inspected(
    config: "EtlSlice", revision: "Revision", store: "Store", run: "Run", settings: "Settings"
) -> list["Inspected"]:
    """Inspect every sample of `revision` once."""
    from stages.config import DataConfig
    from stages.etl.inspection import inspect_all
    from stages.etl.readers import read_revision
    from stages.etl.source import opened
    from stages.etl.summary import summary_of

    task = TASKS[config.task]
    data = DataConfig(name=revision.name, revision=revision.revision)
    with opened(data, settings) as folder:
        reading = read_revision(folder, task.readers)
        summary = revision.summary or summary_of(reading)  # none in old lists and from a remote
        logging.getLogger("aiwf").info("%s", "\n".join((revision.name, *summary)))
        rows = reading.rows
        modality = MODALITIES[task.modality]()
        return inspect_all(folder, rows, modality, config.etl, store, run, settings.threads)


def _log(dataset: "Dataset", files: dict[str, bytes], quarantined: int, run: "Run") -> None:
    run.log_metrics({f"samples_{name}": count for name, count in dataset.samples.items()})
    run.log_metrics({"quarantined": quarantined, "findings": len(dataset.findings)})
    run.log_tags({"dvc.md5": dataset.revision})
    for name in ("page.html", "validation.json", "quarantine.csv"):
        run.log_file(name, files[name])
