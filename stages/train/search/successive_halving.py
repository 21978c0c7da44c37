"""Successive halving of trials in batches, as a state that gives out rung budgets and takes
results.

Nothing here depends on which trial finished first: a rung is decided when the whole batch has
reached it, ranks break ties by the trial's number, and batch b may start once batch b-2 has been
reported, in order. (Batch b-1 would leave cores idle while its last trials are trained; where
trials are trained one after the other, it is b-1.) Li et al., A System for Massively Parallel
Hyperparameter Tuning, 2020, made synchronous."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol

Hyperparameters = dict[str, Any]


class Searcher(Protocol):
    """Proposes hyperparameters and learns their scores. `informed`: plain sets that are known to do
    well are tried before its own."""

    informed: ClassVar[bool]

    def propose(self, count: int) -> list[Hyperparameters]: ...

    def learn(self, trials: Sequence[tuple[Hyperparameters, float]]) -> None: ...


class RungBudget(NamedTuple):
    """Trial `number` is to be trained up to `epochs` in all."""

    number: int
    epochs: int
    hyperparameters: Hyperparameters

    @property
    def key(self) -> list[object]:
        """Equal for equal training, whichever trial it is."""
        return [self.hyperparameters, self.epochs]


@dataclass(frozen=True)
class TrialResult:
    """The result of a rung budget: measures of the best epoch, the whole curve, and the head's
    arrays (an npz)."""

    measures: dict[str, float]
    best_epoch: int
    exhausted: bool  # more epochs would bring nothing
    curve: list[dict[str, float]]
    arrays: bytes = field(repr=False)

    @property
    def facts(self) -> dict[str, Any]:
        """All but the arrays, as JSON."""
        return {name: value for name, value in vars(self).items() if name != "arrays"}


@dataclass
class Trial:
    """One set of hyperparameters and how far it is trained. `score`: the higher, the better.
    `phase`: 1 for a head on a frozen backbone or a network from scratch, 2 for a fine-tuned
    backbone."""

    number: int
    hyperparameters: Hyperparameters
    reached: int = 0
    score: float = float("-inf")
    ended: bool = False
    result: TrialResult | None = None
    phase: int = 1

    @property
    def input(self) -> str:
        """The name of its input; see `search_space.Input`."""
        return str(self.hyperparameters["input"])

    @property
    def rank(self) -> tuple[float, int]:
        return (-self.score, self.number)


def rungs_of(epochs: int, halving: int, least: int = 5) -> tuple[int, ...]:
    """The epochs at which trials are compared: `epochs`, and `halving` times fewer, again and
    again, while there are `least`."""
    rungs = [epochs]
    while rungs[0] // halving >= least:
        rungs.insert(0, rungs[0] // halving)
    return tuple(rungs)


class SuccessiveHalving:
    """`total` trials in batches of `size`; after each of `rungs`, one in `keep` of a batch
    continues."""

    def __init__(
        self,
        searcher: Searcher,
        starts: Sequence[Hyperparameters],
        *,
        total: int,
        size: int,
        keep: int,
        rungs: tuple[int, ...],
        ahead: int = 1,
        kind: Callable[[Hyperparameters], str] = lambda _: "",
    ) -> None:
        """`ahead`: how many batches may be unfinished when the next is proposed, so that no core is
        idle. `kind`: trials are compared within their kind, as a network from scratch learns more
        slowly than a head at first."""
        self.searcher = searcher
        self.ahead = ahead
        self.kind = kind
        self.starts = list(starts)[:total] if searcher.informed else []
        self.total, self.size, self.keep, self.rungs = total, size, keep, rungs
        self.batches: list[list[Trial]] = []
        self.waiting: list[RungBudget] = []
        self.learnt = 0

    @property
    def trials(self) -> list[Trial]:
        """All trials so far, by number."""
        return [trial for batch in self.batches for trial in batch]

    @property
    def finished(self) -> bool:
        """Whether all trials have ended."""
        return len(self.trials) == self.total and all(trial.ended for trial in self.trials)

    def next(self) -> RungBudget | None:
        """The next budget to train; None if that depends on budgets in training."""
        if not self.waiting and len(self.trials) < self.total:
            self._propose()
        return self.waiting.pop(0) if self.waiting else None

    def report(self, budget: RungBudget, score: float, result: TrialResult) -> None:
        """The trial of `budget` was trained up to its rung, with this `result` and `score` (higher
        is better)."""
        trial = self.trials[budget.number]
        trial.reached, trial.score, trial.result = budget.epochs, score, result
        trial.ended = result.exhausted or budget.epochs >= self.rungs[-1]
        self._decide(self.batches[budget.number // self.size], budget.epochs)

    def _propose(self) -> None:
        """Add the next batch, if the batches it has to learn from have ended."""
        batches_to_learn = len(self.batches) - self.ahead
        while self.learnt < batches_to_learn and all(
            trial.ended for trial in self.batches[self.learnt]
        ):
            batch = self.batches[self.learnt]
            self.searcher.learn([(trial.hyperparameters, trial.score) for trial in batch])
            self.learnt += 1
        if self.learnt < batches_to_learn:
            return
        first = len(self.trials)
        wanted = self._proposals(min(self.size, self.total - first))
        batch = [Trial(first + place, chosen) for place, chosen in enumerate(wanted)]
        self.batches.append(batch)
        self.waiting += [
            RungBudget(trial.number, self.rungs[0], trial.hyperparameters) for trial in batch
        ]

    def _proposals(self, count: int) -> list[Hyperparameters]:
        first, self.starts = self.starts[:count], self.starts[count:]
        return first + self.searcher.propose(count - len(first))

    def _decide(self, batch: list[Trial], rung: int) -> None:
        """If all trials of `batch` that continue have reached `rung`, promote the best and end the
        others."""
        alive = [trial for trial in batch if not trial.ended]
        if not alive or any(trial.reached < rung for trial in alive):
            return
        entered = sorted(
            (trial for trial in batch if trial.reached >= rung), key=lambda trial: trial.rank
        )
        best = [trial for peers in self._kinds(entered) for trial in peers[: self._promoted(peers)]]
        higher = self.rungs[self.rungs.index(rung) + 1]
        for trial in alive:
            if trial in best:
                self.waiting.append(RungBudget(trial.number, higher, trial.hyperparameters))
            else:
                trial.ended = True

    def _kinds(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        """`trials` of each kind, in their order."""
        kinds: dict[str, list[Trial]] = {}
        for trial in trials:
            kinds.setdefault(self.kind(trial.hyperparameters), []).append(trial)
        return list(kinds.values())

    def _promoted(self, peers: Sequence[Trial]) -> int:
        return -(-len(peers) // self.keep)
