"""How far phase two has come, as files that it can be taken up from: whole legs, and the states of
the trials that go on. Arrays and JSON only."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.halving import Leg, Taught

State = tuple[dict[str, Any], dict[str, Any]]  # arrays; what is plain


@dataclass
class Course:
    """`legs`: what each finished leg brought, by trial and epochs; `states`: of the trials that may
    go on, by number, and under the number after the last that of the chosen one while all samples
    teach it; `final`: the chosen network, once it has been taught."""

    legs: dict[tuple[int, int], Taught] = field(default_factory=dict)
    states: dict[int, State] = field(default_factory=dict)
    final: bytes = b""

    def known(self, leg: Leg) -> Taught | None:
        return self.legs.get((leg.number, leg.epochs))

    def save(self, folder: Path) -> None:
        """Write everything into the new folder `folder`."""
        for (number, epochs), taught in self.legs.items():
            (folder / f"leg-{number}-{epochs}.json").write_text(json.dumps(taught.facts))
            (folder / f"leg-{number}-{epochs}.npz").write_bytes(taught.arrays)
        for number, (arrays, plain) in self.states.items():
            (folder / f"state-{number}.json").write_text(json.dumps(plain))
            (folder / f"state-{number}.npz").write_bytes(pack_arrays(arrays))
        if self.final:
            (folder / "final.npz").write_bytes(self.final)

    @classmethod
    def load(cls, folder: Path | None) -> "Course":
        """What `folder` holds; a new one if there is none."""
        course = cls()
        if folder is None:
            return course
        for path in sorted(folder.glob("*.json")):
            plain, data = json.loads(path.read_text()), path.with_suffix(".npz").read_bytes()
            what, *numbers = path.stem.split("-")
            if what == "leg":
                course.legs[int(numbers[0]), int(numbers[1])] = Taught(**plain, arrays=data)
            else:
                course.states[int(numbers[0])] = (unpack_arrays(data), plain)
        final = folder / "final.npz"
        course.final = final.read_bytes() if final.is_file() else b""
        return course
