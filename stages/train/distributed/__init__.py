"""Ray: the executor of independent pieces of work, and process groups that train one model.

A batch is divided into shards that do not depend on the number of workers (`batch_shards.py`), so
one worker, two, or a group that lost one come to the same model. Reports and checkpoints of a loop
are kept in the store's cache (`checkpoints.py`), so it resumes from its last checkpoint when a
worker or the whole run dies."""

from stages.train.distributed.driver import release, run_distributed
from stages.train.distributed.worker import Loop, TrainContext

__all__ = ["Loop", "TrainContext", "release", "run_distributed"]
