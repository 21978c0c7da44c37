"""The predictor: a loaded network with the steps around it. It answers from a file's bytes.

It has the six functions of a device SDK: init (the constructor, or `open`), prepare (`prepare`),
set tensor, forward, get tensor (`forward`, `answer`), destroy (`close`)."""

from . import beside  # noqa: F401 - before any library, which a module in the folder may shadow

# isort: split
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from . import answers as kinds
from . import steps
from .answers.sure import sure_of
from .backends import BACKENDS
from .description import description_of, for_processor
from .errors import ConfigError, InfrastructureError
from .processor import instruction_set
from .steps import Facts, PreparedSample
from .verified import check_instruction_set

Outputs = tuple[NDArray[Any], ...]


class Predictor:
    """Answers samples with a package's network. Stateless between answers, so threads may share
    one."""

    def __init__(
        self,
        description: Mapping[str, Any],
        model: Path,
        threads: int = 1,
        on: str | None = None,
    ) -> None:
        """`description`: labels, before, after, backend, answers. `model`: the network's file.
        `on`: the instruction set for which the engine's options are set; this machine's if None.

        Raises UnknownPart for an unknown step, kind of answer or backend, BackendMissing for an
        engine that is not installed, InfrastructureError for a file that the engine cannot load."""
        steps.check([*description["before"], *description["after"]])
        self.description = dict(description)
        self.labels: list[str] = list(description["labels"])
        self.kind = kinds.of(description)
        numeric = description.get("numeric", "float32")
        self._backend: Any = BACKENDS[description["backend"]](model, threads, numeric, on)
        self._check_network(model)

    @classmethod
    def open(
        cls, folder: Path, threads: int = 1, *, on: str | None = None, untested: bool = False
    ) -> "Predictor":
        """The predictor of the package in `folder`, after checking the digest of every file; a
        ChainPredictor if it holds a chain. `on`: as in the constructor; of several networks it
        chooses the one for that instruction set. `untested`: also on a processor for which the
        package was not verified.

        Raises Damaged, naming the file, if a file is missing, changed, or unsealed code;
        UntestedProcessor if the package was not verified for this machine's processor."""
        description = for_processor(description_of(folder), on or instruction_set())
        if not untested:
            check_instruction_set(folder)
        return predictor_in(folder, description, threads, on)

    def prepare(self, data: bytes) -> PreparedSample:
        """The network's input for one sample: its windows, [m, ...], and the facts that steps
        noted. Raises BadSample if `data` cannot be used."""
        return steps.prepared(self.description["before"], data)

    def forward(self, batch: NDArray[Any]) -> Outputs:
        """The network's raw outputs for the windows in `batch` [n, ...], each [n, ...], in the
        network's order. Raises InfrastructureError if one has values that are not finite numbers,
        or another first dimension than `batch`."""
        tensor = np.ascontiguousarray(batch, np.float32)
        outputs = self._backend.run({self._backend.inputs[0]: tensor})
        for name, values in outputs.items():
            _check_output(name, values, len(tensor))
        return tuple(outputs[name] for name in self._backend.outputs)

    def answer(self, outputs: Sequence[NDArray[Any]], facts: Facts) -> Any:
        """One sample's value as plain JSON (see `answers.AnswerKind`), from the raw outputs of its
        windows, each [m, ...], and the facts of `prepare`. Raises InfrastructureError if the
        outputs do not fit the labels."""
        raw = outputs[0] if len(outputs) == 1 else tuple(outputs)
        last = steps.run(self.description["after"], raw, facts)
        if facts.get("scored", len(self.labels)) != len(self.labels):
            raise InfrastructureError(
                f"The network answers {facts['scored']} labels, and there are {len(self.labels)}.",
                "Network and description are not of one model: export it again.",
            )
        return self.kind.value(np.asarray(last), self.labels)

    def answers(self, samples: Sequence[bytes], batch: int = 16) -> list[Any]:
        """The values of all `samples`, in their order, computed `batch` samples at a time."""
        values: list[Any] = []
        for start in range(0, len(samples), batch):
            prepared = [self.prepare(data) for data in samples[start : start + batch]]
            values += self.answered(prepared, batch)
        return values

    def answered(self, prepared: Sequence[PreparedSample], batch: int = 16) -> list[Any]:
        """The values of the samples `prepared`. The network runs on `batch` windows at a time,
        which may belong to several samples."""
        if not prepared:
            return []
        windows = np.concatenate([sample.windows for sample in prepared])
        parts = [self.forward(windows[k : k + batch]) for k in range(0, len(windows), batch)]
        outputs = tuple(np.concatenate(part) for part in zip(*parts, strict=True))
        return [
            self.answer(tuple(output[mine] for output in outputs), sample.facts)
            for sample, mine in zip(prepared, _slices(prepared), strict=True)
        ]

    def predict(
        self, data: bytes, top: int | None = None, threshold: float | None = None
    ) -> dict[str, Any]:
        """The answer to one sample, for people and programs: the best `top` (0: all) entries with a
        score of at least `threshold`; None: the defaults of this kind of answer.

        Each entry has "sure", which follows from the package's `sure_from` independently of
        `threshold`; it is None for a package without that field. Raises BadSample, or ConfigError
        for a threshold outside 0 to 1."""
        if threshold is not None and not 0 <= threshold <= 1:  # NaN is neither
            raise ConfigError(f"The threshold is {threshold}.", "Give a number from 0 to 1.")
        prepared = self.prepare(data)
        (value,) = self.answered([prepared])
        return self.kind.named(
            value,
            self.labels,
            self.kind.top if top is None else top,
            self.kind.least(self.description) if threshold is None else threshold,
            prepared.facts,
            sure_of(self.description),
        )

    def _check_network(self, model: Path) -> None:
        """Raise InfrastructureError unless the network has one input and as many outputs as its
        kind of answer needs."""
        inputs, outputs = len(self._backend.inputs), len(self._backend.outputs)
        if inputs != 1 or outputs != self.kind.outputs:
            raise InfrastructureError(
                f"{model.name} has {inputs} inputs and {outputs} outputs; "
                f"{self.kind.outputs} are needed for {self.kind.title}, of one input.",
                "Network and description are not of one model: export it again.",
            )

    def close(self) -> None:
        """Free the network's memory."""
        self._backend = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def predictor_in(
    folder: Path, description: Mapping[str, Any], threads: int = 1, on: str | None = None
) -> Predictor:
    """The predictor of the package in `folder`, which was checked and has this `description`."""
    if "classify" not in description:
        return Predictor(description, folder / description["model"], threads, on)
    from .chain import ChainPredictor

    return ChainPredictor.loaded(folder, description, threads, on)


def _check_output(name: str, values: Any, count: int) -> None:
    """Raise InfrastructureError unless `values` are finite numbers for `count` windows: the answer
    would rank NaN like a score."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        raise InfrastructureError(
            f"The network's output '{name}' is not of numbers.", "Export the model again."
        )
    if values.ndim < 1 or len(values) != count:
        raise InfrastructureError(
            f"The network gives {values.shape} as '{name}' for {count} windows.",
            "Network and description are not of one model: export it again.",
        )
    if not np.isfinite(values).all():
        wrong = int(np.count_nonzero(~np.isfinite(values)))
        raise InfrastructureError(
            f"The network's output '{name}' has {wrong} values that are no numbers (NaN or "
            "infinite).",
            "The network is damaged, or was trained to nothing: train it again.",
        )


def _slices(prepared: Sequence[PreparedSample]) -> Iterator[slice]:
    """The slice of each sample's windows in the concatenation of all windows."""
    start = 0
    for sample in prepared:
        yield slice(start, start + len(sample.windows))
        start += len(sample.windows)
