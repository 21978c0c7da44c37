"""What the recommended threshold is for, in plain words."""

from stages.evaluate.evaluation import Origin
from stages.evaluate.words import measured, percent
from stages.metrics import Threshold


def on_threshold(chosen: Threshold, precision: float, thing: str, origin: Origin = "these") -> str:
    """What to do with the score of an answer; `origin`: where the threshold was chosen."""
    right, wanted = measured(chosen.precision), percent(precision)
    answered = f"{percent(chosen.coverage.value)} of the {thing}s"
    if origin == "given":
        return (
            f"Take an answer from this score on, and let a person look at the rest. It came with "
            f"the package, chosen when it was made; in this test {right} of the answers are right, "
            f"and {answered} get one."
        )
    if origin == "held out":
        return (
            f"Take an answer from this score on, and let a person look at the rest. It was chosen "
            f"on {thing}s held out of training, so that {wanted} of the answers be right; in this "
            f"test {right} are, and {answered} get an answer."
        )
    if chosen.precision.value < precision:
        return (
            f"At no threshold are {wanted} of the answers right. This one is the best compromise: "
            f"{right} are right, and {answered} get an answer."
        )
    if chosen.coverage.value >= 1:
        return f"All answers can be used: {right} are right, and {wanted} were asked for."
    return (
        f"Take an answer from this score on, and let a person look at the rest: {right} of the "
        f"answers are right, and {answered} get one. It is the "
        f"lowest threshold at which {wanted} are right."
    )
