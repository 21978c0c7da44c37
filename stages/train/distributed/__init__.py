"""Runs training on Ray: independent pieces of work on an executor, and process groups whose workers
train one model together.

A batch is divided into shards that do not depend on the number of workers (`batch_shards.py`), so
one worker, two, or a group that lost one arrive at the same model. Reports and checkpoints of a
training loop are saved in the store's cache (`checkpoints.py`), so it resumes from its last
checkpoint when a worker or the whole run dies."""

from stages.train.distributed.driver import release, run_distributed
from stages.train.distributed.worker import Loop, TrainContext

__all__ = ["Loop", "TrainContext", "release", "run_distributed"]
