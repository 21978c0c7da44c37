"""Decides by successive halving which trials are trained, and for how many epochs.

Trials come in batches. A rung is a number of epochs at which the trials of a batch are compared:
the best continue to the next rung, the others end. `SuccessiveHalving` trains nothing: it gives out
rung budgets ("train trial 3 up to 15 epochs") and takes their results.

No decision depends on which trial finished first: trials are compared when the whole batch has
reached a rung, ties are broken by the trial's number, and batch b is proposed once the searcher has
learnt the scores of all batches up to b-2, in order. (To wait for batch b-1, too, would leave cores
idle while its last trials are trained; where trials are trained one after the other, it is b-1.) Li
et al., A System for Massively Parallel Hyperparameter Tuning, 2020, made synchronous."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

Hyperparameters = dict[str, Any]


class Searcher(Protocol):
    """Proposes hyperparameters and learns their scores. `tries_defaults_first`: whether default
    sets (`search_space.default_sets`) are tried before its own proposals."""

    tries_defaults_first: ClassVar[bool]

    def propose(self, count: int) -> list[Hyperparameters]:
        """`count` sets of hyperparameters. A set may be proposed again, also within one call."""
        ...

    def learn(self, trials: Sequence[tuple[Hyperparameters, float]]) -> None:
        """Learn the scores of `trials`; higher is better. Called once for each batch whose trials
        have all ended, in the order of the batches: with the scores of batch b-2 before batch b is
        proposed (b-1 if `ahead` is 0). Sets that it did not propose, the default sets, are among
        them."""
        ...


@runtime_checkable
class ChargingSearcher(Protocol):
    """A searcher whose proposals share the time of the search, as it was really spent."""

    def charge(self, trials: Sequence[tuple[Hyperparameters, int]]) -> None:
        """Take in how many epochs each of `trials` was trained. Called once for each batch, before
        `learn`."""
        ...


class FixedSets:
    """A searcher that proposes the `sets`, in order, and learns nothing."""

    tries_defaults_first: ClassVar[bool] = False

    def __init__(self, sets: Sequence[Hyperparameters]) -> None:
        self.sets = list(sets)

    def propose(self, count: int) -> list[Hyperparameters]:
        """The next `count` of them."""
        first, self.sets = self.sets[:count], self.sets[count:]
        return first

    def learn(self, trials: Sequence[tuple[Hyperparameters, float]]) -> None:
        """Do nothing."""


class RungBudget(NamedTuple):
    """A task: train trial `number` up to `epochs` epochs in all, those of earlier rungs
    included."""

    number: int
    epochs: int
    hyperparameters: Hyperparameters

    @property
    def key(self) -> list[object]:
        """The cache key of the result: equal for equal training, whatever the trial's number."""
        return [self.hyperparameters, self.epochs]


@dataclass(frozen=True)
class TrialResult:
    """What a trial has come to at a rung. `measures`: of its best epoch, number `best_epoch` from
    1; `exhausted`: whether more epochs would bring nothing; `curve`: the measures of each epoch so
    far; `arrays`: the trained weights and out-of-fold predictions, an npz file."""

    measures: dict[str, float]
    best_epoch: int
    exhausted: bool
    curve: list[dict[str, float]]
    arrays: bytes = field(repr=False)

    @property
    def facts(self) -> dict[str, Any]:
        """All fields but the arrays, as values that JSON can hold."""
        return {name: value for name, value in vars(self).items() if name != "arrays"}


@dataclass
class Trial:
    """One set of hyperparameters and how far it has been trained. `number`: from 0; once both
    phases are joined, those of the second follow those of the first; `reached`: the epochs of its
    last rung; `score`: its metric at that rung, the higher, the better (minus the log loss if that
    is the metric); `ended`: whether it will not continue; `phase`: 1 for a head on a frozen
    backbone or a network from scratch, 2 for a fine-tuned backbone, 3 for a student."""

    number: int
    hyperparameters: Hyperparameters
    reached: int = 0
    score: float = float("-inf")
    ended: bool = False
    result: TrialResult | None = None
    phase: int = 1

    @property
    def input(self) -> str:
        """The name of its input (`search_space.Input`)."""
        return str(self.hyperparameters["input"])

    @property
    def epochs(self) -> int:
        """The epochs that it was trained, fewer than those of its last rung if it stopped early."""
        return len(self.result.curve) if self.result else 0

    @property
    def rank(self) -> tuple[float, int]:
        """The sort key that puts the best trial first, and the earlier one of equal trials."""
        return (-self.score, self.number)


def rungs_of(epochs: int, halving: int, min_epochs: int = 5) -> tuple[int, ...]:
    """The rungs, ascending: the numbers of epochs at which trials are compared. The last one is
    `epochs`, each one before it `halving` times fewer, while these are at least `min_epochs`."""
    rungs = [epochs]
    while rungs[0] // halving >= min_epochs:
        rungs.insert(0, rungs[0] // halving)
    return tuple(rungs)


class SuccessiveHalving:
    """The state of a search of `total` trials in batches of `size`. After each of `rungs` (epochs,
    ascending) but the last, the best one in `keep` trials of a batch continues."""

    def __init__(
        self,
        searcher: Searcher,
        default_sets: Sequence[Hyperparameters],
        *,
        total: int,
        size: int,
        keep: int,
        rungs: tuple[int, ...],
        ahead: int = 1,
        kind: Callable[[Hyperparameters], str] = lambda _: "",
    ) -> None:
        """`default_sets`: tried first if the searcher wants that; `ahead`: how many batches may be
        unfinished when the next is proposed, so that no core is idle; `kind`: a function from
        hyperparameters to a kind of trial. Trials are compared within their kind, as a network from
        scratch learns more slowly than a head at first."""
        self.searcher = searcher
        self.ahead = ahead
        self.kind = kind
        self.default_sets = list(default_sets)[:total] if searcher.tries_defaults_first else []
        self.total, self.size, self.keep, self.rungs = total, size, keep, rungs
        self.batches: list[list[Trial]] = []
        self.waiting: list[RungBudget] = []
        self.learnt_batches = 0

    @property
    def trials(self) -> list[Trial]:
        """All trials so far, by number."""
        return [trial for batch in self.batches for trial in batch]

    @property
    def finished(self) -> bool:
        """Whether all trials have ended."""
        return len(self.trials) == self.total and all(trial.ended for trial in self.trials)

    def next(self) -> RungBudget | None:
        """The next rung budget to train; None if all are given out, or if the next depends on
        results that were not reported yet."""
        if not self.waiting and len(self.trials) < self.total:
            self._propose()
        return self.waiting.pop(0) if self.waiting else None

    def report(self, rung: RungBudget, score: float, result: TrialResult) -> None:
        """Record the `result` and `score` (higher is better) of a rung budget that `next` gave out,
        and decide about its batch if all its trials have reached the rung."""
        trial = self.trials[rung.number]
        trial.reached, trial.score, trial.result = rung.epochs, score, result
        trial.ended = result.exhausted or rung.epochs >= self.rungs[-1]
        self._decide(self.batches[rung.number // self.size], rung.epochs)

    def _propose(self) -> None:
        """Add the next batch, if all trials of the batches that it has to learn from have ended."""
        batches_to_learn = len(self.batches) - self.ahead
        while self.learnt_batches < batches_to_learn and all(
            trial.ended for trial in self.batches[self.learnt_batches]
        ):
            batch = self.batches[self.learnt_batches]
            if isinstance(self.searcher, ChargingSearcher):
                self.searcher.charge([(trial.hyperparameters, trial.epochs) for trial in batch])
            self.searcher.learn([(trial.hyperparameters, trial.score) for trial in batch])
            self.learnt_batches += 1
        if self.learnt_batches < batches_to_learn:
            return
        first = len(self.trials)
        wanted = self._proposals(min(self.size, self.total - first))
        batch = [
            Trial(first + offset, hyperparameters) for offset, hyperparameters in enumerate(wanted)
        ]
        self.batches.append(batch)
        self.waiting += [
            RungBudget(trial.number, self.rungs[0], trial.hyperparameters) for trial in batch
        ]

    def _proposals(self, count: int) -> list[Hyperparameters]:
        first, self.default_sets = self.default_sets[:count], self.default_sets[count:]
        return first + self.searcher.propose(count - len(first))

    def _decide(self, batch: list[Trial], epochs: int) -> None:
        """If all trials of `batch` that continue have reached `epochs`, promote the best and end
        the others."""
        alive = [trial for trial in batch if not trial.ended]
        if not alive or any(trial.reached < epochs for trial in alive):
            return
        entered = sorted(
            (trial for trial in batch if trial.reached >= epochs), key=lambda trial: trial.rank
        )
        best = [trial for peers in self._kinds(entered) for trial in peers[: self._promoted(peers)]]
        higher = self.rungs[self.rungs.index(epochs) + 1]
        for trial in alive:
            if trial in best:
                self.waiting.append(
                    RungBudget(
                        number=trial.number, epochs=higher, hyperparameters=trial.hyperparameters
                    )
                )
            else:
                trial.ended = True

    def _kinds(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        """`trials` divided by kind, each in their order."""
        kinds: dict[str, list[Trial]] = {}
        for trial in trials:
            kinds.setdefault(self.kind(trial.hyperparameters), []).append(trial)
        return list(kinds.values())

    def _promoted(self, peers: Sequence[Trial]) -> int:
        """How many of `peers`, trials of one kind at a rung, continue: one in `keep`, rounded
        up."""
        return -(-len(peers) // self.keep)
