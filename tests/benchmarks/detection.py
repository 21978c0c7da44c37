"""AP50 by minutes: `python -m tests.benchmarks.detection FOLDER [EPOCHS] [FAMILY ...]`.

FOLDER has pictures with boxes in a layout that `aiwf data add` reads. Each family is trained with
its backbone frozen and unfrozen, for the same epochs. AP50 is measured on the validation split;
minutes are counted reference minutes of two cores, `wall` is measured time. Families whose weights
have to be fetched are measured only if they are named."""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.config import PipelineConfig
from stages.etl import source
from stages.runner.resolve import resolve
from stages.settings import Settings
from stages.train.detection.detector_search import BACKBONE_RATES, DEFAULTS
from stages.train.detection.preparation import prepare
from stages.train.detection.progress import Progress
from stages.train.detection.training_loop import DetectorTraining, loop
from stages.train.distributed import run_distributed
from stages.train.distributed.cluster import cluster
from stages.train.search.successive_halving import RungBudget
from tests.benchmarks.pipelines import dataset_of, services_of

WAYS = ("lite_detector", "mobile_ssd")
OBJECTS = 400 * 2**20  # bytes for the states of two trials


def main(folder: str, epochs: str = "20", *ways: str) -> None:
    """Print a curve for each of the families `ways`, with the backbone frozen and trained."""
    with TemporaryDirectory(prefix="aiwf-boxes-") as work:
        settings = Settings(workspace=Path(work) / "workspace")
        source.add("boxes", Path(folder), settings)
        for way in ways or WAYS:
            _print_row(way, int(epochs), settings)


def _print_row(family: str, epochs: int, settings: Settings) -> None:
    """Train `family` with its backbone frozen and unfrozen, and print both curves."""
    services = services_of(settings)
    pipeline = resolve(config(family, epochs), settings)
    dataset = dataset_of(pipeline, settings, services)
    problem = prepare(dataset, pipeline.train, **services)
    placed = {"store": services["store"], "resources": services["resources"]}
    with cluster(services["resources"], problem.nbytes + OBJECTS):
        for number, rate in enumerate((0.0, BACKBONE_RATES[0])):
            start = time.perf_counter()
            plain = {"input": next(iter(problem.inputs)), "backbone_rate": rate, **DEFAULTS}
            training = DetectorTraining(problem, RungBudget(number, epochs, plain), Progress())
            name, silent = f"benchmark-{number}", lambda report: None
            folder = run_distributed(
                loop, training, workers=2, name=name, on_report=silent, **placed
            )
            wall = (time.perf_counter() - start) / 60
            print(f"{family}, backbone {'frozen' if not rate else 'trained'}: wall {wall:.1f} min")
            for row in Progress.load(folder).curve:
                print(f"    {row['minutes']:6.1f} min   AP50 {row['ap50']:.3f}", flush=True)


def config(family: str, epochs: int) -> PipelineConfig:
    train = {"families": [family], "epochs": epochs, "trials": 1}
    fields = {"name": "boxes", "task": "object_detection", "data": "boxes", "train": train}
    return PipelineConfig.model_validate(fields)


if __name__ == "__main__":
    main(*sys.argv[1:])
