"""The page about a chain: what it is made of, what it measured, and what it agrees with."""

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from stages.artifacts import Measure
from stages.deploy.chain.parts import ChainPart
from stages.deploy.content import Content
from stages.evaluate import formatting
from stages.evaluate.formatting import capital, metric
from stages.pages import render
from stages.runtime.neutral import line

if TYPE_CHECKING:
    from stages.deploy.chain.packing import ChainRequest, ChainResult

TEMPLATE = Path(__file__).with_name("chain.html")
KEY = ("micro_recall", "micro_precision", "micro_f1", "ap50")
MOST_LISTED = 8  # labels in a sentence
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
        verdict=capital(formatting.headline(result.verdict, bool(request.gate))),
        look=formatting.verdict_style(result.verdict, bool(request.gate)),
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


def chain_readme(request: "ChainRequest", content: Content, golden: int) -> str:
    """The README's section about both networks, and about the golden samples."""
    classify = content.description["classify"]
    hidden = len(classify["labels"]) - MOST_LISTED
    labels = ", ".join(classify["labels"][:MOST_LISTED]) + (
        f", {hidden} more" if hidden > 0 else ""
    )
    rule = (
        f"`{line(request.detector.name)}` finds boxes, those with a score of "
        f"{classify['shown_from']:.2f} or more; `{line(request.classifier.name)}` names what is in "
        f"boxes of {line(labels)}. Each is cut out of the photo in its full size, with a margin of "
        f"{classify['margin']:g} of its sides on each of them. At most {classify['most']} boxes in "
        "a photo are answered, the best. `classify` in package.json says the same as data, and "
        "`made_of` names both packages."
    )
    samples = (
        f"`golden/` has {golden} golden samples of the two packages, whose answer does not hang on "
        "a difference within the tolerance of their number formats. `selftest` answers them from "
        "the photo to the label."
    )
    texts = [fill(text, 100, break_on_hyphens=False) for text in (rule, samples)]
    return f"\n## A chain of two networks\n\n{texts[0]}\n\n## Golden samples\n\n{texts[1]}\n"
