"""Teaches the tail of one backbone and its head, a step at a time.

A batch is taught in shards; a step sums their gradients in their order, so that it does not matter
whether one worker teaches them all or several share them."""

from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray

from stages.runtime.quiet import quiet
from stages.train.distributed.batch_shards import shard, shards_of, total
from stages.train.distributed.flat_optimizer import fill, gradients
from stages.train.distributed.process_group import ProcessGroup, SingleProcess
from stages.train.distributed.schedule import averaged, rate_at
from stages.train.finetune.finetune_problem import Question, at
from stages.train.finetune.mixing import mixed
from stages.train.finetune.resume_state import State
from stages.train.finetune.unfrozen_network import AT_ONCE, Learnt, Network
from stages.train.heads.fitting import Best, Fit, Floats
from stages.train.heads.scores import best_temperature, measures
from stages.train.heads.windows import means


class TailFit(Fit):
    """One trial of phase two. `head`: the arrays that its head begins with. `whole`: all samples
    teach and nobody judges."""

    def __init__(
        self,
        question: Question,
        hyperparameters: dict[str, Any],
        head: dict[str, Any],
        group: ProcessGroup | None = None,
        whole: bool = False,
    ) -> None:
        super().__init__(question.whole if whole else question.problem, hyperparameters)
        self.question, self.group = question, group or SingleProcess()
        self.taught = self.problem.training_rows(0)
        finalist, freeze = question.finalists[self.hyper["input"]], self.hyper["freeze"]
        self.maps = question.maps[at(finalist.one, freeze)]
        self.network = Network(finalist, freeze, head, self.seed)
        self.optimizer = self.network.optimizer(
            self.hyper["layer_decay"], self.hyper["weight_decay"]
        )
        self.values = self.network.values
        self.begun = self.mean = self.values
        self.done = 0

    def arrays(self, temperature: float | None = None) -> dict[str, Floats]:
        """The best epoch's network by the names of `backbone_and_head`; see `Fit.arrays`."""
        self.network.become(self._best().parameters)
        made = self.network.arrays(self.temperature() if temperature is None else temperature)
        self.network.become(Learnt(self.values))
        return made

    def teach_all(self, epochs: int) -> None:
        """Teach `epochs` in all, without a judge; the last is the best."""
        while len(self.curve) < epochs:
            loss = self._epoch(np.random.default_rng([self.seed, len(self.curve)]))
            self.curve.append({"train_loss": loss})
        self.best = Best(len(self.curve), {}, self._learnt(), np.zeros((0, 0), np.float32))

    def state(self) -> State:  # type: ignore[override]
        """All that another fit of this trial needs to go on from here: arrays, and what is
        plain."""
        one, best = self.optimizer, self._best()
        values, statistics = best.parameters
        arrays = {"values": self.values, "mean": self.mean, "best": values, "logits": best.logits}
        arrays |= {"first": one.first, "second": one.second}
        if statistics is not None:
            arrays["statistics"] = statistics
        plain = {"done": self.done, "curve": self.curve}
        return arrays, plain | {"epoch": best.epoch, "measures": best.measures}

    def take_up(self, state: State) -> None:
        """Go on from `state`."""
        arrays, plain = state
        one = self.optimizer
        one.first, one.second, one.steps = arrays["first"], arrays["second"], plain["done"]
        self.values, self.mean, self.done = arrays["values"], arrays["mean"], plain["done"]
        self.curve = [dict(epoch) for epoch in plain["curve"]]
        learnt = Learnt(arrays["best"], arrays.get("statistics"))
        self.best = Best(plain["epoch"], plain["measures"], learnt, arrays["logits"])
        fill(self.network.parameters, self.values)

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return -(-len(self.taught) // int(self.hyper["batch_size"]))

    @quiet()  # batch norm tells at every step that it does what it is for
    def _epoch(self, rng: np.random.Generator) -> float:
        self.network.norms.teach()
        losses = [self._step(rows[0], rng) for rows in self._orders([self.taught], rng)]
        return float(np.mean(losses))

    def _step(self, samples: NDArray[np.int64], rng: np.random.Generator) -> float:
        """Show `samples` [n]; every worker draws for all shards, and teaches its own."""
        shards, draws = self.question.shards, rng.spawn(self.question.shards)

        def of(number: int) -> Floats:
            part = shard(samples, number, shards)
            if not len(part):
                return np.zeros(1 + len(self.values), np.float32)
            return self._gradient(part, draws[number]) * np.float32(len(part) / len(samples))

        whole = np.nan_to_num(total(self.group, shards, of), posinf=0.0, neginf=0.0)
        self.values = self.optimizer.step(self.values, whole[1:], self._rate())
        fill(self.network.parameters, self.values)
        self.done += 1
        self.mean = averaged(self.mean, self.values, self.hyper["average"], self.done)
        return float(whole[0])

    def _gradient(self, samples: NDArray[np.int64], rng: np.random.Generator) -> Floats:
        """The loss of one shard, and its slope along every parameter."""
        views = rng.integers(0, self.question.views + 1, len(samples))
        maps = self.maps.drawn(samples * (self.question.views + 1) + views, rng)
        targets = self._smooth(self.problem.labels[samples])
        for change in self.problem.changes:
            maps, targets = change(maps, targets, rng)
        maps, targets = mixed(
            maps, targets, self.hyper["mixing"], self.hyper.get("mixing_share", 1.0), rng
        )
        maps = paddle.to_tensor(np.ascontiguousarray(maps))
        logits = self.network.logits(maps, self.hyper["dropout"], rng)
        loss = self._soft_loss(logits, paddle.to_tensor(targets))
        loss.backward()
        slopes = gradients(self.network.parameters)
        for one in self.network.parameters:
            one.clear_gradient(set_to_zero=False)
        return np.concatenate([np.array([float(loss)], np.float32), slopes])

    def _smooth(self, labels: NDArray[np.int64]) -> Floats:
        """Szegedy et al., arXiv 1512.00567."""
        share = np.float32(self.hyper["label_smoothing"])
        targets: Floats = self._targets(labels) * (1 - share) + share / self.problem.classes
        return targets

    def _judge(self) -> Floats:
        """By the mean of the weights; each worker judges the shards that it teaches."""
        self.network.become(self._learnt())
        rows, shards = self.judges[0], self.question.shards
        own = {one: self.told(shard(rows, one, shards)) for one in shards_of(self.group, shards)}
        logits = np.empty((len(rows), self.problem.classes), np.float32)
        for parts in self.group.gather(own):
            for number, part in parts.items():
                logits[number::shards] = part
        self.network.become(Learnt(self.values))
        return logits

    def _is_best(self, found: dict[str, float]) -> bool:
        """The last one: until then the rate has come down, and all samples teach as long."""
        return True

    def _measured(self, logits: Floats) -> dict[str, float]:
        """At the best temperature, as it would ship: smoothed labels and mixed samples make a
        network that is right less sure than it should be."""
        cooled = logits / np.float32(best_temperature(logits, self.truth, self.problem.rejected))
        return measures(cooled, self.truth, self.problem.rejected)

    def told(self, samples: NDArray[np.int64]) -> Floats:
        """The logits of `samples` as they are: the mean over their windows."""
        maps, places = self.maps.all_of(samples * (self.question.views + 1))
        made = self.network.said(maps)
        if not made:
            return np.zeros((0, self.problem.classes), np.float32)
        return means(np.concatenate(made), places)

    def _learnt(self) -> Learnt:
        return self.network.learnt(self._between(), self.values, self._shown)

    def _between(self) -> Floats:
        """What ships lies between the weights that were published, with their head, and the taught
        ones: Wortsman et al., Robust fine-tuning of zero-shot models, arXiv 2109.01903. Where
        nothing was published, at the taught ones."""
        if self.network.norms.learn:
            return self.mean
        share = np.float32(self.hyper["interpolation"])
        between: Floats = (1 - share) * self.begun + share * self.mean
        return between

    def _shown(self) -> list[Any]:
        """Taught maps as they are, some at a time."""
        rows = self.taught[: AT_ONCE * 8] * (self.question.views + 1)
        parts = [rows[k : k + AT_ONCE] for k in range(0, len(rows), AT_ONCE)]
        return [paddle.to_tensor(self.maps.all_of(one)[0].astype(np.float32)) for one in parts]

    def _rate(self) -> float:
        """Of this step."""
        steps = self.steps * self.question.epochs
        return rate_at(self.hyper["learning_rate"], self.done, steps, self.hyper["warm_up"])
