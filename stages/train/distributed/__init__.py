"""Several workers teach one model together: Ray Train V2 runs them, Paddle joins them.

A batch is divided into shards that do not depend on how many workers there are (`shares.py`), so
that one worker, two, or a group that lost one come to the same model. What a loop reports is kept
where artifacts are kept (`keeping.py`), so that a worker, or the whole run, may die at any moment:
it goes on from the last checkpoint."""

from stages.train.distributed.context import Desk, Loop
from stages.train.distributed.driver import release, team

__all__ = ["Desk", "Loop", "release", "team"]
