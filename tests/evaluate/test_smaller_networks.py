"""The report compares a smaller network with its teacher, and with itself without one."""

from stages.evaluate.labels.baselines import Selection
from stages.pages.sentences import Sentences

GAIN = {"value": -0.01, "low": -0.018, "high": 0.002}
AGAINST = {
    "phase": 2,
    "input": "efficientnet_lite1@256",
    "chosen": 0.87,
    "rival": 0.88,
    "gain": GAIN,
    "verdict": "undecided",
}
RECORD = {
    "input": "mobilenet_v3_small@224",
    "against_teacher": AGAINST,
    "against_alone": AGAINST | {"training": "alone", "rival": 0.85},
    "ships": True,
    "why": "the teacher breaks a limit of train.device",
}


def test_both_comparisons_are_shown_with_their_intervals():
    selection = Selection({"metric": "balanced_accuracy", "distillation": RECORD})

    [student] = selection.students

    assert student.name == "mobilenet_v3_small@224, distilled"
    assert [row.name.rpartition(", ")[2] for row in student.rows] == [
        "fine-tuned",
        "trained without a teacher",
    ]
    assert student.rows[0].gain == "-1.0 points (-1.8 to 0.2)"
    assert student.ships == "It ships: the teacher breaks a limit of train.device."


def test_without_students_and_for_one_that_was_not_trained_there_is_nothing_to_show():
    assert Selection({"metric": "accuracy"}).students == []
    refused = {"pruning": {"why_not": "the chosen network is trained from scratch"}}
    assert Selection({"metric": "accuracy", **refused}).students == []


def test_the_texts_are_in_the_catalogue():
    sentences = Sentences("zh")
    pruned = {"metric": "accuracy", "pruning": RECORD | {"by": "l1", "ships": False}}

    for student in Selection(pruned).students:
        for text in (student.name, student.ships, *(row.name for row in student.rows)):
            sentences(text)

    assert not sentences.missing
