"""How far a run is, read from its log: the stage, the current step, the trials, the time left.

The lines are those of `cli.watching.PlainWatch` and `runner.watch`."""

import re
from typing import NamedTuple

STEP = re.compile(r"  (?P<what>[^:]+): (?P<done>\d+) of (?P<total>\d+)(?:, (?P<left>\d+) s left)?$")
TRIAL = re.compile(
    r"  (?P<name>\S.*?)  (?P<what>\S.*?)  epoch (?P<epoch>\d+)/(?P<epochs>\d+)  "
    r"(?P<metric>\S+) (?P<value>-?[\d.]+|nan)  best (?P<best>-?[\d.]+|nan)(?:  (?P<left>.+ left))?$"
)
STAGE = re.compile(r"(etl|train|evaluate|deploy_\w+): .+")


class RunProgress(NamedTuple):
    """What a log says last. `step`: what is being done; `done` of `total`; `left`: the time left in
    words; `trial`: the line of the latest trial; `best`: the best value of `metric` so far."""

    step: str = ""
    done: int = 0
    total: int = 0
    left: str = ""
    trial: str = ""
    metric: str = ""
    best: str = ""


def progress_of(log: str) -> RunProgress:
    """The progress that the lines of `log` report."""
    progress = RunProgress()
    for line in log.splitlines():
        if step := STEP.fullmatch(line):
            left = f"{step['left']} s" if step["left"] else ""
            progress = progress._replace(
                step=step["what"], done=int(step["done"]), total=int(step["total"]), left=left
            )
        elif trial := TRIAL.fullmatch(line):
            progress = RunProgress(
                trial["name"],
                left=(trial["left"] or "").removesuffix(" left"),
                trial=line.strip(),
                metric=trial["metric"],
                best=trial["best"],
            )
        elif STAGE.fullmatch(line):
            progress = RunProgress(step=line)  # a stage begins or has ended
    return progress
