"""The page about a package: whether it agrees with the trained model, and why it was shipped in
this number format."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stages.artifacts import Measure
from stages.deploy.candidates_plot import plots
from stages.deploy.engines import size_of
from stages.deploy.ladder import Candidate, LadderResult, Tested
from stages.deploy.limits import LimitCheck, check_size
from stages.deploy.workbench import WHOLE, Workbench
from stages.evaluate import formatting
from stages.evaluate.formatting import capital, metric
from stages.pages import render

TEMPLATE = Path(__file__).with_name("package.html")


class MetricRow(NamedTuple):
    """A metric of the trained model and of the package. `drop` is positive if the package is worse,
    None if the metric is not compared sample by sample."""

    name: str
    trained: Measure | None
    packed: Measure | None
    drop: Measure | None

    @property
    def title(self) -> str:
        """The metric's name on the page."""
        return metric(self.name)


def page(
    work: Workbench,
    result: LadderResult,
    times: Mapping[str, Any] | None = None,
    limits: Sequence[LimitCheck] = (),
    verified_parts: Sequence[str] = (),
) -> str:
    """Render the page about `result`.

    `times`: latencies by number format; the copy inside the package has none, since equal inputs
    must make equal packages. `limits`: the checked limits of the device. `verified_parts`: what
    the target says that it verified and what not."""
    best, minimum = result.best, bool(work.report.gate)
    rows = _rows(work, best)
    automatic = work.config.deploy.compress == "auto"
    return render(
        TEMPLATE,
        name=work.config.name,
        target=work.config.target,
        model=work.model,
        report=work.report,
        noun=work.modality.noun,
        tested=len(work.tested),
        compared=work.kind.compared,
        first=work.kind.headline[0],
        first_name=metric(work.kind.headline[0]),
        headline=capital(metric(work.kind.headline[0])),
        verdict=capital(formatting.headline(best.verdict, minimum)),
        look=formatting.verdict_style(best.verdict, minimum),
        max_drop=work.config.deploy.max_drop,
        candidates=_candidates(work, result),
        prefer=work.config.deploy.prefer if automatic else "",
        plots=plots(result.candidates, times) if automatic else [],
        whole=size_of(work.exported()),
        best=best,
        shipped=" and ".join(tested.numeric for tested in (best, result.second) if tested),
        second=result.second,
        processors=best.instruction_sets,
        verified_parts=verified_parts,
        times=times,
        limits=limits or check_size(work, result),
        overall=[row for row in rows if row.name in work.report.overall],
        rows=[row for row in rows if row.name not in work.report.overall],
    )


def _candidates(work: Workbench, result: LadderResult) -> list[Candidate]:
    """The candidates of the whole ladder, and float32 for comparison, in the ladder's order; of
    `compress: auto` all that were tried."""
    tried = {candidate.numeric: candidate for candidate in result.candidates}
    if work.config.deploy.compress == "auto":
        return list(result.candidates)
    sizes = {WHOLE: size_of(work.exported())}
    return [
        tried.get(numeric) or Candidate(numeric, False, "not needed", sizes.get(numeric))
        for numeric in dict.fromkeys([*work.ladder, WHOLE])
    ]


def _rows(work: Workbench, best: Tested) -> list[MetricRow]:
    """A row for each headline or compared metric, the largest drop first."""
    trained = _named(work.report.overall, work.report.labels_measured)
    packed = _named(best.measured.overall, best.measured.labels)
    drops = best.agreement.drops
    names = dict.fromkeys([*work.kind.headline, *drops])
    rows = [MetricRow(name, trained.get(name), packed.get(name), drops.get(name)) for name in names]
    return sorted(rows, key=lambda row: -row.drop.value if row.drop else 1)


def _named(
    overall: Mapping[str, Measure], labels: Mapping[str, Mapping[str, Measure]]
) -> dict[str, Measure]:
    """Every measure under the name that a gate uses: 'accuracy', 'recall of cat'."""
    each = {
        f"{metric} of {label}": measure
        for label, measured in labels.items()
        for metric, measure in measured.items()
    }
    return {**each, **overall}
