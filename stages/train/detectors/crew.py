"""Two workers, which teach two trials side by side, or one trial together; when one dies both are
replaced, and go on from where the trial was last judged."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from stages.runtime.errors import InfrastructureError
from stages.train.detectors.plan import HALVES
from stages.train.detectors.problem import Problem
from stages.train.halving import Leg

TRIES = 3
Made = TypeVar("Made")
Known = dict[int, Any]  # trial's number -> its Progress


class Crew:
    """As many workers as a batch has halves, each on `cores`. `tell` hears how many epochs more
    are done."""

    def __init__(self, problem: Problem, cores: float, tell: Callable[[int], None]) -> None:
        import ray

        self.problem = problem
        self.shared = ray.put(problem)
        self.cores = cores
        self.tell = tell
        self.known: Known = {}
        self._hire()

    def teach(self, legs: Sequence[Leg]) -> None:
        """Bring `known` up to the end of `legs`: one is taught by all workers together, several
        side by side. Equal results either way. Raises InfrastructureError if workers die again and
        again."""
        self._tried(lambda: self._together(legs[0]) if len(legs) == 1 else self._apart(legs), legs)

    def arrays(self, leg: Leg) -> dict[str, Any]:
        """The weights of the trial of `leg`, as far as it is known."""
        return self._tried(lambda: self._arrays(leg), [leg])

    def end(self) -> None:
        """Let the workers go."""
        import ray

        for one in self.workers:
            ray.kill(one)

    def _tried(self, work: Callable[[], Made], legs: Sequence[Leg]) -> Made:
        from ray.exceptions import RayActorError

        for _ in range(TRIES):
            try:
                return work()
            except RayActorError:
                self.end()
                self._hire()
        raise InfrastructureError(
            f"Workers ended {TRIES} times while they taught {legs[0].hyperparameters}.",
            "Free some memory, or lower train.input_sizes or train.space.batch_size.",
        )

    def _hire(self) -> None:
        from stages.train.detectors.worker import Worker

        make = Worker.options(num_cpus=self.cores)  # type: ignore[attr-defined]
        self.workers = [make.remote(self.shared) for _ in range(HALVES)]

    def _apart(self, legs: Sequence[Leg]) -> None:
        import ray

        waiting = [leg for leg in legs if self._come(leg).epoch < leg.epochs]
        free = list(self.workers)
        out: dict[Any, tuple[Any, Leg]] = {}
        while waiting or out:
            while free and waiting:
                worker, leg = free.pop(0), waiting.pop(0)
                given = (leg.hyperparameters, self._come(leg), leg.epochs)
                out[worker.leg.remote(*given)] = worker, leg
            (done,), _ = ray.wait(list(out))
            worker, leg = out.pop(done)
            free.append(worker)
            before = self._come(leg).epoch
            self.known[leg.number] = ray.get(done)
            self.tell(leg.epochs - before)

    def _together(self, leg: Leg) -> None:
        import ray

        from stages.train.detectors.worker import is_judged

        come = self._come(leg)
        ray.get([one.begin.remote(leg.hyperparameters, come.state) for one in self.workers])
        for epoch in range(come.epoch + 1, leg.epochs + 1):
            self._epoch(leg)
            self.tell(1)
            if is_judged(epoch, leg.epochs, self.problem.epochs):
                self.known[leg.number] = come = self._judged(leg, epoch, come)

    def _epoch(self, leg: Leg) -> None:
        import ray

        for _ in range(self.problem.steps(leg.hyperparameters["batch_size"])):
            halves = [one.half.remote(place) for place, one in enumerate(self.workers)]
            done = [one.step.remote(*halves) for one in self.workers]
        ray.get(done)

    def _judged(self, leg: Leg, epoch: int, come: Any) -> Any:
        import ray

        from stages.train.detectors.worker import Progress, row_of

        count = len(self.workers)
        told = [one.answers.remote(place, count) for place, one in enumerate(self.workers)]
        parts = ray.get(told)
        answers = [parts[k % count][k // count] for k in range(sum(map(len, parts)))]
        first = self.workers[0]
        loss, state = ray.get([first.loss.remote(), first.state.remote()])
        row = row_of(self.problem, leg.hyperparameters, epoch, loss, answers)
        return Progress(epoch, [*come.curve, row], answers, state)

    def _arrays(self, leg: Leg) -> dict[str, Any]:
        import ray

        first = self.workers[0]
        ray.get(first.begin.remote(leg.hyperparameters, self._come(leg).state))
        made: dict[str, Any] = ray.get(first.arrays.remote())
        return made

    def _come(self, leg: Leg) -> Any:
        from stages.train.detectors.worker import Progress

        return self.known.get(leg.number) or Progress()
