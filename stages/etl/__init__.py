"""The first stage: reads raw data, checks and splits it, and declares how to augment it."""

from typing import TYPE_CHECKING

from stages.parts import MODALITIES, TASKS

if TYPE_CHECKING:
    from stages.artifacts import Dataset
    from stages.config import EtlSlice
    from stages.etl.inspecting import Seen
    from stages.etl.source import Revision
    from stages.settings import Settings
    from stages.store import Store
    from stages.tracking import Run


def etl(config: "EtlSlice", *, store: "Store", run: "Run", settings: "Settings") -> "Dataset":
    """Make a checked, split Dataset of the raw data that `config` names.

    Raises ConfigError if there is no such data, DataError if it breaks a rule of the config."""
    from stages.etl.augment import resolved
    from stages.etl.drafting import draft_of, files_of
    from stages.etl.judging import judge
    from stages.etl.source import find

    task = TASKS[config.task]
    modality = MODALITIES[task.modality]()
    augmentations = resolved(config.etl.augmentations, task.modality, task.trainer)
    revision = find(config.data, settings)
    seen = _seen(config, revision, store, run, settings)
    judged = judge(config.data.name, seen, task.suites, config.etl)
    draft = draft_of(config, revision.revision, judged, modality, augmentations)
    files = files_of(draft, judged, modality, store)
    kept = {name: store.add(data) for name, data in files.items()}
    dataset = draft.model_copy(update={"files": kept})
    store.save(dataset)
    _tell(dataset, files, len(judged.asides), run)
    return dataset


def _seen(
    config: "EtlSlice", revision: "Revision", store: "Store", run: "Run", settings: "Settings"
) -> list["Seen"]:
    """Every sample of `revision`, looked at once."""
    from stages.config import DataConfig
    from stages.etl.inspecting import inspect_all
    from stages.etl.readers import read_folder
    from stages.etl.source import opened

    task = TASKS[config.task]
    pinned = DataConfig(name=revision.name, revision=revision.revision)
    with opened(pinned, settings) as folder:
        rows = read_folder(folder, task.readers).rows
        modality = MODALITIES[task.modality]()
        return inspect_all(folder, rows, modality, config.etl, store, run, settings.threads)


def _tell(dataset: "Dataset", files: dict[str, bytes], asides: int, run: "Run") -> None:
    run.log_metrics({f"samples_{name}": count for name, count in dataset.samples.items()})
    run.log_metrics({"quarantined": asides, "findings": len(dataset.findings)})
    run.log_tags({"dvc.md5": dataset.revision})
    for name in ("page.html", "validation.json", "quarantine.csv"):
        run.log_file(name, files[name])
