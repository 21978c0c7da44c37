"""How the model was selected: the samples it was validated on, and its gain over the baselines."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.evaluate.formatting import capital, metric, percent

PHASES = {1: "head alone", 2: "fine-tuned"}
STUDENTS = {"distilled": "distilled", "alone": "trained without a teacher", "pruned": "pruned"}


class Baseline(NamedTuple):
    """A baseline as text: its input and phase, its value of the metric, that of the chosen model on
    the same samples, the gain of the chosen model with its interval, and the verdict."""

    name: str
    reached: str
    chosen: str
    gain: str
    verdict: str


class SmallerNetwork(NamedTuple):
    """A smaller network that learnt from the selected one, as text: `name`: its input and kind;
    `rows`: what it is compared with, and its value, the other's and the difference, on the same
    samples; `ships`: whether it was selected in its teacher's place, and why."""

    name: str
    rows: list[Baseline]
    ships: str


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
    def students(self) -> list[SmallerNetwork]:
        """The networks that learnt from the chosen one, each compared with it."""
        records = [self.selection.get(name) for name in ("distillation", "pruning")]
        trained = [record for record in records if record and "why_not" not in record]
        return [_student(record, self.selection.get("metric") != "log_loss") for record in trained]

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
        f"{candidate['input']}, {_trained(candidate)}",
        formatted(candidate["rival"]),
        formatted(candidate["chosen"]),
        _gain(candidate["gain"], share),
        candidate["verdict"],
    )


def _student(record: Mapping[str, Any], share: bool) -> SmallerNetwork:
    compared = [record["against_teacher"]] + [
        record[name] for name in ("against_alone",) if name in record
    ]
    kind = "pruned" if "by" in record else "distilled"
    return SmallerNetwork(
        f"{record['input']}, {STUDENTS[kind]}",
        [_baseline(candidate, share) for candidate in compared],
        f"{'It ships' if record['ships'] else 'It does not ship'}: {record['why']}.",
    )


def _trained(candidate: Mapping[str, Any]) -> str:
    """How the baseline of the record `candidate` was trained."""
    return STUDENTS.get(candidate.get("training", "")) or PHASES[candidate["phase"]]


def _gain(gain: Mapping[str, float], share: bool) -> str:
    unit, shown = (100, ".1f") if share else (1, ".3f")
    value, low, high = (unit * gain[name] for name in ("value", "low", "high"))
    return f"{value:+{shown}}{' points' if share else ''} ({low:{shown}} to {high:{shown}})"


def _shares(value: float) -> str:
    return percent(value)


def _losses(value: float) -> str:
    return f"{value:.3f}"
