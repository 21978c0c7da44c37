"""Two workers against one on the same global batch: `python -m tests.benchmarks.workers`.

Both teach the tail of EfficientNet-Lite0 behind its sixth part for 20 steps of 32 pictures of 224
pixels. Printed are both curves, their largest relative difference, and how much faster two are: by
the clock, which says little on a machine that others use meanwhile, and by the work of a core."""

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.settings import Settings
from stages.train.distributed import team
from tests.benchmarks import tail


def main() -> None:
    """Print the figures."""
    with TemporaryDirectory(prefix="workers-") as folder:
        settings = Settings(workspace=Path(folder), threads=2)
        given = tail.maps(settings)
        one, two = (taught(workers, given, settings) for workers in (1, 2))
    pairs = list(zip(one["losses"], two["losses"], strict=True))
    for step, (alone, together) in enumerate(pairs):
        print(f"    step {step:2}   one {alone:.7f}   two {together:.7f}")
    worst = max(abs(alone - together) / abs(alone) for alone, together in pairs)
    print(f"numbers taught            {one['size']}")
    print(f"largest difference        {worst:.1e} of the loss")
    print(f"19 steps                  {one['seconds']:.1f} s and {two['seconds']:.1f} s")
    print(f"time of one / of two      {one['seconds'] / two['seconds']:.2f}")
    print(f"work of a core            {one['core']:.1f} s and {two['core']:.1f} s")
    print(f"one / two, by work        {one['core'] / two['core']:.2f}")
    print(f"beside the loop           {one['beside']:.1f} s and {two['beside']:.1f} s")
    print(f"others' load              {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def taught(workers: int, given: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """What the loop told, and the seconds that starting and ending took."""
    heard: list[dict[str, Any]] = []
    began = time.perf_counter()
    team(
        tail.teach,
        given,
        workers=workers,
        name=f"workers-{workers}",
        settings=settings,
        tell=heard.append,
    )
    told = heard[-1]
    assert told["world"] == workers
    return {**told, "beside": time.perf_counter() - began - told["seconds"]}


if __name__ == "__main__":
    main()
