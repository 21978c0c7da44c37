"""Two workers against one on the same global batch: `python -m tests.benchmarks.workers`.

Both fine-tune EfficientNet-Lite0 behind its sixth part for 20 steps of 32 pictures of 224 pixels.
Prints both loss curves, their largest relative difference, and the speed-up: by wall time, which
means little on a busy machine, and by the processor time of a core."""

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.blobs.folder import FolderBlobs
from stages.resources import Resources
from stages.store import Store
from stages.train.distributed import run_distributed
from tests.benchmarks import unfrozen_training


def main() -> None:
    """Print the figures."""
    with TemporaryDirectory(prefix="workers-") as folder:
        resources = Resources(cores=2, scratch=Path(folder))
        store = Store(FolderBlobs(Path(folder) / "store"), Path(folder))
        cached = unfrozen_training.cached_features(resources)
        single, two = (trained(workers, cached, store, resources) for workers in (1, 2))
    pairs = list(zip(single["losses"], two["losses"], strict=True))
    for step, (alone, paired) in enumerate(pairs):
        print(f"    step {step:2}   one {alone:.7f}   two {paired:.7f}")
    worst = max(abs(alone - paired) / abs(alone) for alone, paired in pairs)
    print(f"trained parameters        {single['size']}")
    print(f"largest difference        {worst:.1e} of the loss")
    print(f"19 steps                  {single['seconds']:.1f} s and {two['seconds']:.1f} s")
    print(f"time of one / of two      {single['seconds'] / two['seconds']:.2f}")
    print(f"work of a core            {single['core']:.1f} s and {two['core']:.1f} s")
    print(f"one / two, by work        {single['core'] / two['core']:.2f}")
    print(f"beside the loop           {single['beside']:.1f} s and {two['beside']:.1f} s")
    print(f"others' load              {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def trained(
    workers: int, cached: dict[str, Any], store: Store, resources: Resources
) -> dict[str, Any]:
    """The last report of the loop, and the seconds that starting and ending took."""
    heard: list[dict[str, Any]] = []
    began = time.perf_counter()
    run_distributed(
        unfrozen_training.train,
        cached,
        workers=workers,
        name=f"workers-{workers}",
        store=store,
        resources=resources,
        on_report=heard.append,
    )
    report = heard[-1]
    assert report["world"] == workers
    return {**report, "beside": time.perf_counter() - began - report["seconds"]}


if __name__ == "__main__":
    main()
