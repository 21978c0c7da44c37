"""How the model was chosen: on what it was judged, and whether it is better than its rivals."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.evaluate.formatting import capital, metric, percent

PHASES = {1: "head alone", 2: "fine-tuned"}


class Baseline(NamedTuple):
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
    def validated_on(self) -> list[str]:
        """On what trials were judged, and whether that was enough."""
        lines = [self.selection.get("judged", ""), self.selection.get("few", "")]
        return [str(line) for line in lines if line]

    @property
    def baselines(self) -> list[Baseline]:
        """The best of every other input and phase."""
        share = self.selection.get("metric") != "log_loss"
        return [_baseline(candidate, share) for candidate in self.selection.get("finalists", ())]

    @property
    def summary(self) -> str:
        """What the verdicts come to."""
        verdicts = [baseline.verdict for baseline in self.baselines]
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


def _baseline(candidate: Mapping[str, Any], share: bool) -> Baseline:
    formatted = _shares if share else _losses
    return Baseline(
        f"{candidate['input']}, {PHASES[candidate['phase']]}",
        formatted(candidate["rival"]),
        formatted(candidate["chosen"]),
        _gain(candidate["gain"], share),
        candidate["verdict"],
    )


def _gain(gain: Mapping[str, float], share: bool) -> str:
    unit, shown = (100, ".1f") if share else (1, ".3f")
    value, low, high = (unit * gain[name] for name in ("value", "low", "high"))
    return f"{value:+{shown}}{' points' if share else ''} ({low:{shown}} to {high:{shown}})"


def _shares(value: float) -> str:
    return percent(value)


def _losses(value: float) -> str:
    return f"{value:.3f}"
