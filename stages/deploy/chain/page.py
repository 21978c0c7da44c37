"""The page about a chain: what it is made of, what it measured, and what it agrees with."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.artifacts import Measure
from stages.deploy.chain.parts import ChainPart
from stages.deploy.content import Content
from stages.evaluate import formatting
from stages.evaluate.formatting import capital, metric
from stages.pages import render

if TYPE_CHECKING:
    from stages.deploy.chain.packing import ChainRequest, ChainResult

TEMPLATE = Path(__file__).with_name("chain.html")
KEY = ("micro_recall", "micro_precision", "micro_f1", "ap50")
FIRST = {"boxes": "ap50", "labels": "accuracy"}  # the metric of a part that is shown


def chain_page(
    request: "ChainRequest", content: Content, result: "ChainResult", golden: int
) -> str:
    """The HTML of the page. `golden`: how many golden samples are from the two packages."""
    evaluation = result.evaluation
    return render(
        TEMPLATE,
        request=request,
        classify=content.description["classify"],
        labels=content.description["labels"],
        result=result,
        golden=golden,
        parts=[_part("Detector", request.detector), _part("Classifier", request.classifier)],
        verdict=capital(formatting.headline(result.verdict, False)),
        look=formatting.verdict_style(result.verdict, False),
        key=[(metric(name), evaluation.measured.overall[name]) for name in KEY]
        if evaluation
        else [],
        each=_labels(evaluation.measured.labels) if evaluation else [],
        metric=metric,
    )


def _part(place: str, part: ChainPart) -> dict[str, Any]:
    """A row about one of the two packages: what its own report measured."""
    answers = part.description.get("answers", "labels")
    package = part.package
    found = package.overall.get(FIRST[answers]) if package else None
    return {
        "place": place,
        "name": part.name,
        "id": part.id[:12],
        "numeric": part.description["numeric"],
        "labels": len(part.labels),
        "metric": metric(FIRST[answers]),
        "measure": found,
    }


def _labels(measured: dict[str, dict[str, Measure]]) -> list[tuple[str, dict[str, Measure]]]:
    """The labels that have test boxes, those of the lowest recall first."""
    tested = [(label, each) for label, each in measured.items() if each["support"].value]
    return sorted(tested, key=lambda pair: (pair[1]["recall"].value, pair[0]))
