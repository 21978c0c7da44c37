"""Made-up predictions of boxes, evaluated and shown on a page."""

import io

from PIL import Image

from stages.config import EvaluateConfig
from stages.evaluate.about import About
from stages.evaluate.boxes import Boxes
from stages.evaluate.predictions import Predicted
from stages.media.pictures import Pictures

LABELS = ("cat", "dog")
TRUE_BOX = [10.0, 10.0, 40.0, 40.0]
ELSEWHERE = [300.0, 200.0, 340.0, 240.0]


def predicted(truth, answers, labels=LABELS) -> Predicted:
    names = tuple(f"yard/{row:03}.png" for row in range(len(truth)))
    return Predicted(
        tuple(labels), names, tuple(f"{row:064}" for row in range(len(truth))), truth, answers
    )


def evaluated(
    truth, answers, labels=LABELS, tested=1.0, unseen=None, curve=(), threshold=None, **config
):
    case = predicted(truth, answers, labels)
    evaluate_config = EvaluateConfig(**config)
    return Boxes().evaluated(
        case, evaluate_config, tested=tested, unseen=unseen, curve=curve, threshold=threshold
    )


def page_of(evaluation, worst=24, photo=None):
    about = About("yard", "a detector", "photo", [], [], {"test": {"cat": 3}}, {"test": 3})
    fetch = lambda row: photo or grey()  # noqa: E731
    return Boxes().page(evaluation, about, fetch, Pictures(), worst)


def grey(width=420, height=420) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (90, 90, 90)).save(out, "PNG")
    return out.getvalue()
