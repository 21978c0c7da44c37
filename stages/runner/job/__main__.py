"""On the cluster: `python -m stages.runner.job DIGEST` does the work that the blob
DIGEST describes, and notes the outcome."""

import json
import sys

from stages.artifacts import Ref
from stages.config import TrainSlice
from stages.opening import open_store, resources_of
from stages.runner.job.run_messages import ForwardingRun
from stages.runtime.errors import WorkflowError
from stages.settings import Settings
from stages.train import train

NOTE = "jobs/{}"


def main(digest: str) -> None:
    """Train, and note the model's reference, or what a person has to mend."""
    settings = Settings.taken()
    store = open_store(settings)
    request = json.loads(store.get(digest))
    try:
        model = train(
            store.load(Ref("dataset", request["dataset"])),
            TrainSlice.model_validate(request["config"]),
            store=store,
            run=ForwardingRun(store),
            resources=resources_of(settings),
        )
    except WorkflowError as error:
        failure = {"error": type(error).__name__, "problem": error.problem, "remedy": error.remedy}
        store.note(NOTE.format(digest), failure)
        raise
    store.note(NOTE.format(digest), {"made": list(model.ref)})


if __name__ == "__main__":
    main(*sys.argv[1:])
