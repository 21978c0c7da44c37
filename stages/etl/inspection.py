"""Inspects every sample once: stores its bytes and records its facts, or why it cannot be used."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.artifacts import digest_of
from stages.config import EtlConfig
from stages.etl.readers import Row
from stages.media import Modality
from stages.runtime.errors import BadSample
from stages.store import Store
from stages.tracking import Run

MOST_BYTES = 200_000_000  # one sample; more would not be a photo or a clip


@dataclass(frozen=True)
class Inspected:
    """A row with the digest and size of its bytes, and its facts, or its problem and the remedy."""

    row: Row
    digest: str
    size: int
    facts: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    remedy: str = ""


def inspect_all(
    folder: Path,
    rows: Sequence[Row],
    modality: Modality,
    config: EtlConfig,
    store: Store,
    run: Run,
    threads: int,
) -> list[Inspected]:
    """Inspect each of `rows`, whose files are below `folder`; results in the order of `rows`."""
    inspected: list[Inspected] = []
    pool = ThreadPoolExecutor(threads)
    try:
        for sample in pool.map(lambda row: _inspect(folder, row, modality, config, store), rows):
            inspected.append(sample)
            run.progress("samples", len(inspected), len(rows))
    finally:
        pool.shutdown(cancel_futures=True)  # after an error, do not wait for the others
    return inspected


def _inspect(
    folder: Path, row: Row, modality: Modality, config: EtlConfig, store: Store
) -> Inspected:
    path = folder / row.file
    size = path.stat().st_size
    if size > MOST_BYTES:
        problem = f"The file has {size:,} bytes; at most {MOST_BYTES:,} are read."
        return Inspected(row, "", size, problem=problem, remedy="Make it smaller.")
    data = path.read_bytes()
    try:
        facts = modality.inspect(data, config)
    except BadSample as error:
        return Inspected(row, digest_of(data), size, problem=error.problem, remedy=error.remedy)
    return Inspected(row, store.add(data), size, facts)
