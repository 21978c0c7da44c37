"""How the model was chosen: on what it was judged, and whether it is better than its rivals."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.evaluate.words import capital, metric, percent

PHASES = {1: "head alone", 2: "fine-tuned"}


class Rival(NamedTuple):
    """A rival in words: who, what each of both reached, the gain over it, the verdict."""

    name: str
    reached: str
    chosen: str
    gain: str
    verdict: str


class Choice(NamedTuple):
    """`selection`: what a Model says of how it was picked."""

    selection: Mapping[str, Any]

    @property
    def metric(self) -> str:
        return capital(metric(str(self.selection.get("metric", ""))))

    @property
    def judged(self) -> list[str]:
        """On what trials were judged, and whether that was enough."""
        said = [self.selection.get("judged", ""), self.selection.get("few", "")]
        return [str(one) for one in said if one]

    @property
    def rivals(self) -> list[Rival]:
        """The best of every other input and phase."""
        share = self.selection.get("metric") != "log_loss"
        return [_rival(one, share) for one in self.selection.get("finalists", ())]

    @property
    def says(self) -> str:
        """What the verdicts come to."""
        verdicts = [one.verdict for one in self.rivals]
        open_ones = verdicts.count("undecided")
        if not verdicts:
            return ""
        if worse := verdicts.count("worse"):
            return (
                f"On these samples {worse} of its {len(verdicts)} rivals did surely better: the "
                "rule looks at log loss, too."
            )
        if open_ones == len(verdicts):
            return (
                "It cannot be told from its rivals on so few samples: any of them may be as good."
            )
        if open_ones:
            return f"It cannot be told from {open_ones} of its {len(verdicts)} rivals."
        return "It can be told from all its rivals."


def _rival(told: Mapping[str, Any], share: bool) -> Rival:
    said = _shares if share else _losses
    return Rival(
        f"{told['input']}, {PHASES[told['phase']]}",
        said(told["rival"]),
        said(told["chosen"]),
        _gain(told["gain"], share),
        told["verdict"],
    )


def _gain(gain: Mapping[str, float], share: bool) -> str:
    unit, shown = (100, ".1f") if share else (1, ".3f")
    value, low, high = (unit * gain[name] for name in ("value", "low", "high"))
    return f"{value:+{shown}}{' points' if share else ''} ({low:{shown}} to {high:{shown}})"


def _shares(value: float) -> str:
    return percent(value)


def _losses(value: float) -> str:
    return f"{value:.3f}"
