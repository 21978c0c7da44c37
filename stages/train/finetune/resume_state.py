"""How far phase two has come, as files that it can be taken up from: whole legs, and the states of
the trials that go on. Arrays and JSON only."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.artifacts import canonical, digest_of
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult

State = tuple[dict[str, Any], dict[str, Any]]  # arrays; what is plain


@dataclass
class Course:
    """`legs`: what each finished leg brought; `states`: of the trials that may go on. Both by names
    that say the hyperparameters too: what others came to is not what these would."""

    legs: dict[str, TrialResult] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)

    def known(self, leg: RungBudget) -> TrialResult | None:
        """What `leg` brought, if it is finished."""
        return self.legs.get(_leg(leg))

    def brought(self, leg: RungBudget) -> TrialResult:
        """What `leg`, which is finished, brought."""
        return self.legs[_leg(leg)]

    def finish(self, leg: RungBudget, taught: TrialResult) -> None:
        """Keep what `leg` brought."""
        self.legs[_leg(leg)] = taught

    def state(self, leg: RungBudget) -> State | None:
        """How far the trial of `leg` has come, if it has begun."""
        return self.states.get(_trial(leg))

    def keep(self, leg: RungBudget, state: State) -> None:
        """Keep how far the trial of `leg` has come."""
        self.states[_trial(leg)] = state

    def drop(self, one: RungBudget | Trial) -> None:
        """Drop the state of a trial that will not go on."""
        self.states.pop(_trial(one), None)

    def save(self, folder: Path) -> None:
        """Write everything into the new folder `folder`."""
        for name, taught in self.legs.items():
            _write(folder / f"leg-{name}", taught.facts, taught.arrays)
        for name, (arrays, plain) in self.states.items():
            _write(folder / f"state-{name}", plain, pack_arrays(arrays))

    @classmethod
    def load(cls, folder: Path | None) -> "Course":
        """What `folder` holds; a new one if there is none."""
        course = cls()
        for path in sorted(folder.glob("*.json")) if folder else []:
            plain, data = json.loads(path.read_text()), path.with_suffix(".npz").read_bytes()
            what, name = path.stem.split("-", 1)
            if what == "leg":
                course.legs[name] = TrialResult(**plain, arrays=data)
            else:
                course.states[name] = (unpack_arrays(data), plain)
        return course


def _trial(one: RungBudget | Trial) -> str:
    """By its number, which says who judges, and its hyperparameters."""
    return f"{one.number}-{digest_of(canonical(one.hyperparameters))[:16]}"


def _leg(leg: RungBudget) -> str:
    return f"{_trial(leg)}-{leg.epochs}"


def _write(path: Path, plain: dict[str, Any], data: bytes) -> None:
    path.with_suffix(".json").write_text(json.dumps(plain))
    path.with_suffix(".npz").write_bytes(data)
