"""How the model was selected: the samples it was validated on, and its gain over the baselines."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.evaluate.formatting import capital, metric, percent

PHASES = {1: "head alone", 2: "fine-tuned"}


class Baseline(NamedTuple):
    """A baseline as text: its input and phase, its value of the metric, that of the chosen model on
    the same samples, the gain of the chosen model with its interval, and the verdict."""

    name: str
    reached: str
    chosen: str
    gain: str
    verdict: str


class Selection(NamedTuple):
    """`selection`: the Model's record of its selection."""

    selection: Mapping[str, Any]

    @property
    def metric(self) -> str:
        """The name of the search's metric, with a capital letter."""
        return capital(metric(str(self.selection.get("metric", ""))))

    @property
    def validated_on(self) -> list[str]:
        """What the trials were validated on, and a warning if that was too little."""
        lines = [self.selection.get("judged", ""), self.selection.get("few", "")]
        return [str(line) for line in lines if line]

    @property
    def baselines(self) -> list[Baseline]:
        """The best trial of every other input and phase, each compared with the chosen one."""
        share = self.selection.get("metric") != "log_loss"
        return [_baseline(candidate, share) for candidate in self.selection.get("finalists", ())]

    @property
    def summary(self) -> str:
        """All verdicts in one sentence; empty if there is no baseline."""
        verdicts = [baseline.verdict for baseline in self.baselines]
        undecided = verdicts.count("undecided")
        if not verdicts:
            return ""
        if worse := verdicts.count("worse"):
            return (
                f"On these samples {worse} of {len(verdicts)} baselines did surely better; the "
                "model was still selected, as the rule also compares log loss."
            )
        if undecided == len(verdicts):
            return "With so few samples, any of the baselines may be as good."
        if undecided:
            return f"{undecided} of {len(verdicts)} baselines may be as good."
        return "It is surely better than every baseline."


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
