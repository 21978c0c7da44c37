"""The page about a package: does it do what the trained model did, and why this number format."""

from pathlib import Path
from typing import Any

from stages.deploy.ladder import Climb, Tested
from stages.deploy.workbench import Workbench
from stages.pages import render

TEMPLATE = Path(__file__).with_name("package.html")


def page(work: Workbench, climb: Climb) -> str:
    """The HTML about `climb`. Nothing timed is on it."""
    return render(
        TEMPLATE,
        name=work.config.name,
        target=work.config.target,
        model=work.model,
        report=work.report,
        max_drop=work.config.deploy.max_drop,
        trials=climb.trials,
        best=climb.best,
        untried=work.ladder[len(climb.trials) :],
        rows=_rows(work, climb.best),
    )


def _rows(work: Workbench, best: Tested) -> list[dict[str, Any]]:
    """One for each label, the largest drop first."""
    rows = [
        {
            "label": label,
            "trained": work.report.labels_measured[label]["recall"],
            "packed": best.measured.labels[label]["recall"],
            "drop": drop,
        }
        for label, drop in best.agreement.recall_drop.items()
    ]
    return sorted(rows, key=lambda row: -row["drop"].value)
