"""The page about a package: does it do what the trained model did, and why this number format."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stages.artifacts import Measure
from stages.deploy.engines import size_of
from stages.deploy.ladder import Climb, Tested, Trial
from stages.deploy.limits import Held, size_held
from stages.deploy.workbench import WHOLE, Workbench
from stages.evaluate import formatting
from stages.evaluate.formatting import capital, metric
from stages.pages import render

TEMPLATE = Path(__file__).with_name("package.html")


class Row(NamedTuple):
    """A metric of the trained model and of the package; `drop` is positive if it got worse, None if
    it is not compared sample by sample."""

    name: str
    trained: Measure | None
    packed: Measure | None
    drop: Measure | None

    @property
    def said(self) -> str:
        return metric(self.name)


def page(
    work: Workbench,
    climb: Climb,
    times: Mapping[str, Any] | None = None,
    limits: Sequence[Held] = (),
) -> str:
    """The HTML about `climb`. Without `times`, as in the package itself, nothing timed is on it;
    `limits`: those of its device, beside what was measured."""
    best, minimum = climb.best, bool(work.report.gate)
    rows = _rows(work, best)
    return render(
        TEMPLATE,
        name=work.config.name,
        target=work.config.target,
        model=work.model,
        report=work.report,
        thing=work.modality.noun,
        tested=len(work.tested),
        compared=work.kind.compared,
        first=work.kind.headline[0],
        headline=capital(metric(work.kind.headline[0])),
        verdict=capital(formatting.headline(best.verdict, minimum)),
        look=formatting.verdict_style(best.verdict, minimum),
        max_drop=work.config.deploy.max_drop,
        trials=_trials(work, climb),
        whole=size_of(work.exported()),
        best=best,
        processors=best.instruction_sets,
        times=times,
        limits=limits or size_held(work, climb),
        overall=[row for row in rows if row.name in work.report.overall],
        rows=[row for row in rows if row.name not in work.report.overall],
    )


def _trials(work: Workbench, climb: Climb) -> list[Trial]:
    """All rungs, and float32 to compare with, in their order."""
    tried = {one.numeric: one for one in climb.trials}
    sizes = {WHOLE: size_of(work.exported())}
    return [
        tried.get(numeric) or Trial(numeric, False, "not needed", sizes.get(numeric))
        for numeric in dict.fromkeys([*work.ladder, WHOLE])
    ]


def _rows(work: Workbench, best: Tested) -> list[Row]:
    """One for each metric that is told or compared, the largest drop first."""
    trained = _named(work.report.overall, work.report.labels_measured)
    packed = _named(best.measured.overall, best.measured.labels)
    drops = best.agreement.drops
    names = dict.fromkeys([*work.kind.headline, *drops])
    rows = [Row(name, trained.get(name), packed.get(name), drops.get(name)) for name in names]
    return sorted(rows, key=lambda row: -row.drop.value if row.drop else 1)


def _named(
    overall: Mapping[str, Measure], labels: Mapping[str, Mapping[str, Measure]]
) -> dict[str, Measure]:
    """Every measure by its name in a gate: 'accuracy', 'recall of cat'."""
    each = {
        f"{metric} of {label}": one
        for label, measured in labels.items()
        for metric, one in measured.items()
    }
    return {**each, **overall}
