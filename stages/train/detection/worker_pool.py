"""Workers that teach trials side by side, or two of them one trial together; when one dies all are
replaced, and go on from where the trial was last judged."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock
from typing import Any, TypeVar

from stages.runtime.errors import InfrastructureError
from stages.train.cost.detection_budget import HALVES
from stages.train.cost.detection_estimate import worker_data
from stages.train.detection.detection_problem import Problem
from stages.train.distributed.room import reserved, worker_bytes
from stages.train.journal import Journal
from stages.train.search.successive_halving import RungBudget

TRIES = 3
Made = TypeVar("Made")
Known = dict[int, Any]  # trial's number -> its Progress
Word = Callable[[RungBudget, int, list[dict[str, float]]], None]


class Crew:
    """`count` workers, each on `cores`; fewer if there is no room for all, which come to the same.
    `tell` hears how many epochs more are done, `word` how far a leg has come: its epoch and the
    curve so far. Raises InfrastructureError if there is no room for one."""

    def __init__(
        self,
        problem: Problem,
        cores: float,
        tell: Callable[[int], None],
        journal: Journal | None = None,
        word: Word = lambda *_: None,
        count: int = HALVES,
    ) -> None:
        import ray

        self.problem = problem
        self.shared = ray.put(problem)
        self.wanted = {"CPU": cores, "memory": float(worker_bytes(_data(problem)))}
        self.count = count
        self.tell = tell
        self.journal = journal
        self.word = word
        self.lock = Lock()
        self.known: Known = {}
        self._hire()

    def teach(self, legs: Sequence[RungBudget]) -> None:
        """Bring `known` up to the end of `legs`: one is taught by two workers together, several
        side by side. Equal results either way. Raises InfrastructureError if workers die again and
        again."""
        if len(legs) == 1:
            self._tried(lambda: self._taught(legs[0], self.workers[:HALVES]), legs)
        else:
            self._tried(lambda: self._side_by_side(legs), legs)

    def arrays(self, leg: RungBudget) -> dict[str, Any]:
        """The weights of the trial of `leg`, as far as it is known."""
        return self._tried(lambda: self._arrays(leg), [leg])

    def end(self) -> None:
        """Let the workers and their places go."""
        import ray
        from ray.util import remove_placement_group

        for one in self.workers:
            ray.kill(one)
        for place in self.places:
            remove_placement_group(place)

    def _tried(self, work: Callable[[], Made], legs: Sequence[RungBudget]) -> Made:
        from ray.exceptions import RayActorError

        for _ in range(TRIES):
            try:
                return work()
            except RayActorError:
                self.end()
                self._hire()
        raise InfrastructureError(
            f"Workers ended {TRIES} times while they taught {legs[0].hyperparameters}.",
            "Free some memory, or lower train.input_sizes or train.search_space.batch_size.",
        )

    def _hire(self) -> None:
        self.places = reserved(self.count, self.wanted)
        self.workers = [self._hired(place) for place in self.places]

    def _hired(self, place: Any) -> Any:
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        from stages.train.detection.worker import Worker

        make = Worker.options(  # type: ignore[attr-defined]
            num_cpus=self.wanted["CPU"],
            memory=self.wanted["memory"],
            scheduling_strategy=PlacementGroupSchedulingStrategy(place),
        )
        return make.remote(self.shared)

    def _side_by_side(self, legs: Sequence[RungBudget]) -> None:
        free: SimpleQueue[Any] = SimpleQueue()
        for one in self.workers:
            free.put(one)

        def alone(leg: RungBudget) -> None:
            worker = free.get()
            try:
                self._taught(leg, [worker])
            finally:
                free.put(worker)

        with ThreadPoolExecutor(len(self.workers)) as pool:
            list(pool.map(alone, legs))

    def _taught(self, leg: RungBudget, team: Sequence[Any]) -> None:
        """Let `team` teach `leg`, from where its trial was last judged."""
        import ray

        from stages.train.detection.worker import is_judged

        come = self._gone_on(leg)
        if come.epoch < leg.epochs:
            ray.get([one.begin.remote(leg.hyperparameters, come.state) for one in team])
        for epoch in range(come.epoch + 1, leg.epochs + 1):
            self._epoch(leg, team)
            if is_judged(epoch, leg.epochs, self.problem.epochs):
                self.known[leg.number] = come = self._judged(leg, epoch, come, team)
                self._keep(leg, come)
            self._told(leg, epoch, 1, come)

    def _gone_on(self, leg: RungBudget) -> Any:
        """How far the trial of `leg` has come: here, or in an earlier process."""
        from stages.train.detection.progress_journal import found

        come = self._come(leg)
        kept = found(leg, self.journal) if self.journal else None
        if kept is None or kept.epoch <= come.epoch:
            return come
        self.known[leg.number] = kept
        self._told(leg, kept.epoch, kept.epoch - come.epoch, kept)
        return kept

    def _keep(self, leg: RungBudget, come: Any) -> None:
        from stages.train.detection.progress_journal import keep

        if self.journal:
            keep(leg, come, self.journal)

    def _told(self, leg: RungBudget, epoch: int, more: int, come: Any) -> None:
        """Tell of `more` epochs of `leg`."""
        with self.lock:
            self.tell(more)
            self.word(leg, epoch, come.curve)

    def _epoch(self, leg: RungBudget, team: Sequence[Any]) -> None:
        import ray

        if len(team) == 1:
            ray.get(team[0].teach_epoch.remote())
            return
        for _ in range(self.problem.steps(leg.hyperparameters["batch_size"])):
            halves = [one.half.remote(place) for place, one in enumerate(team)]
            done = [one.step.remote(*halves) for one in team]
        ray.get(done)

    def _judged(self, leg: RungBudget, epoch: int, come: Any, team: Sequence[Any]) -> Any:
        import ray

        from stages.train.detection.worker import Progress, row_of

        count = len(team)
        parts = ray.get([one.answers.remote(place, count) for place, one in enumerate(team)])
        answers = [parts[k % count][k // count] for k in range(sum(map(len, parts)))]
        loss, state = ray.get([team[0].loss.remote(), team[0].state.remote()])
        row = row_of(self.problem, leg.hyperparameters, epoch, loss, answers)
        return Progress(epoch, [*come.curve, row], answers, state)

    def _arrays(self, leg: RungBudget) -> dict[str, Any]:
        import ray

        first = self.workers[0]
        ray.get(first.begin.remote(leg.hyperparameters, self._come(leg).state))
        made: dict[str, Any] = ray.get(first.arrays.remote())
        return made

    def _come(self, leg: RungBudget) -> Any:
        from stages.train.detection.worker import Progress

        return self.known.get(leg.number) or Progress()


def _data(problem: Problem) -> int:
    """Bytes that a worker makes for itself: of the largest network."""
    sizes = [sum(one.nbytes for one in arrays.values()) for arrays in problem.published.values()]
    return worker_data(max(sizes))
