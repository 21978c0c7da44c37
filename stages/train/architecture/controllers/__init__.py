"""Controllers: searchers (`successive_halving.Searcher`) over choices alone, the board CONTROLLERS.

`propose(count)` returns sets, a choice for each dimension; `learn` takes their scores. What a limit
forbids is never trained, and told by `reject`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

Choices = dict[str, Any]


class Prior(NamedTuple):
    """What is known of sets before one is trained. `score`: a number, the higher, the more
    promising a set; `entropy`: how much of a policy's entropy is left once it prefers those sets,
    from 0 to 1; the less, the more the prior is trusted."""

    score: Callable[[Mapping[str, Any]], float]
    entropy: float


class Controller(Protocol):
    """Proposes sets of choices and learns their scores. Made with the dimensions of the space, all
    categorical, a seed, and a prior; None: no set is preferred. Equal arguments, scores and
    rejections in equal order give equal proposals. `batch`: how many sets it proposes before it
    learns."""

    tries_defaults_first: ClassVar[bool]
    batch: ClassVar[int]

    def propose(self, count: int) -> list[Choices]:
        """`count` sets; a set may be proposed again."""
        ...

    def learn(self, trials: Sequence[tuple[Choices, float]]) -> None:
        """Learn the scores of `trials`; higher is better. On-policy controllers expect those of the
        sets that they proposed last."""
        ...

    def reject(self, sets: Sequence[Choices]) -> None:
        """Learn that `sets`, proposed since the last `learn`, break a limit."""
        ...
