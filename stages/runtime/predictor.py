"""A loaded network with the steps around it. It answers from a file's bytes.

The six functions of a device SDK are all here: init (the constructor, or `open`), prepare
(`prepare`), set tensor, forward, get tensor (`tensors`, `forward`, `answer`), destroy (`close`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from . import steps
from .backends import BACKENDS
from .errors import InfrastructureError
from .sealed import description_of

Floats = NDArray[np.float32]


class Predictor:
    """Keeps no state between answers, so threads may share one."""

    def __init__(self, description: Mapping[str, Any], model: Path, threads: int = 1) -> None:
        """`description`: labels, before, after, backend. `model`: the network's file.

        Raises UnknownPart for a step or backend that is not here, BackendMissing for an engine
        that is not installed, InfrastructureError for a file that it cannot load."""
        steps.check([*description["before"], *description["after"]])
        self.description = dict(description)
        self.labels: list[str] = list(description["labels"])
        self._backend: Any = BACKENDS[description["backend"]](model, threads)

    @classmethod
    def open(cls, folder: Path, threads: int = 1) -> Self:
        """The predictor of the package in `folder`; the digest of every file is checked first.

        Raises Damaged, naming the file, if one is missing, changed, or code that is not its own."""
        description = description_of(folder)
        return cls(description, folder / description["model"], threads)

    def prepare(self, data: bytes) -> Floats:
        """One sample as the network sees it. Raises BadSample if `data` cannot be used."""
        value: Floats = steps.run(self.description["before"], data)
        return value

    def tensors(self, prepared: Sequence[Floats]) -> dict[str, Floats]:
        """Several prepared samples as the network's named input, [n, ...]."""
        return {self._backend.inputs[0]: np.stack(prepared).astype(np.float32, copy=False)}

    def forward(self, batch: Floats) -> Floats:
        """The network's raw output of `batch`, [n, ...] to [n, labels]."""
        outputs = self._backend.run({self._backend.inputs[0]: batch})
        value: Floats = outputs[self._backend.outputs[0]]
        return value

    def answer(self, output: Floats) -> Floats:
        """Scores, [n, labels] float32, from the network's raw output."""
        value: Floats = np.asarray(steps.run(self.description["after"], output), np.float32)
        if value.ndim != 2 or value.shape[1] != len(self.labels):
            raise InfrastructureError(
                f"The network answers {value.shape} for {len(self.labels)} labels.",
                "Network and description are not of one model: export it again.",
            )
        return value

    def scores(self, samples: Sequence[bytes], batch: int = 16) -> Floats:
        """Scores of all `samples`, [n, labels] float32, `batch` of them at a time."""
        parts = [np.zeros((0, len(self.labels)), np.float32)]
        for start in range(0, len(samples), batch):
            prepared = [self.prepare(data) for data in samples[start : start + batch]]
            (value,) = self.tensors(prepared).values()
            parts.append(self.answer(self.forward(value)))
        return np.concatenate(parts)

    def predict(self, data: bytes, top: int = 5) -> dict[str, Any]:
        """The `top` labels of one sample, best first; all of them if `top` is 0."""
        return self.named(self.scores([data])[0], top)

    def named(self, scores: Floats, top: int = 5) -> dict[str, Any]:
        """One sample's `scores` as {"labels": [{"label", "score"}, ...]}, best first."""
        order = np.argsort(-scores, kind="stable")[: top or None]
        found = [{"label": self.labels[i], "score": float(scores[i])} for i in order]
        return {"labels": found}

    def close(self) -> None:
        """Let go of the network's memory."""
        self._backend = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
