"""The progress is read from the very lines that a run writes."""

import pytest

from stages.cli.watching import PlainWatch
from stages.runner.watch import line_of
from stages.studio.progress import RunProgress, progress_of
from stages.tracking import TrialProgress


def trial(**changes) -> TrialProgress:
    facts = {
        "name": "trial 3",
        "what": "efficientnet_lite0@224 linear",
        "epoch": 4,
        "epochs": 60,
        "metric": "balanced_accuracy",
        "value": 0.8,
        "best": 0.85,
        "done": 2,
        "of": 12,
        "ended": False,
    }
    return TrialProgress(**{**facts, **changes})


def test_the_last_step_with_its_count(capsys):
    watch = PlainWatch()
    watch.notify("etl: working")
    watch.progress("samples", 1, 120)
    watch.progress("samples", 120, 120)

    progress = progress_of(capsys.readouterr().err)

    assert (progress.step, progress.done, progress.total) == ("samples", 120, 120)


def test_a_trial_with_the_best_value_and_the_time_left():
    log = "train: working\n  " + line_of(trial(), "about 2 min left")

    progress = progress_of(log)

    assert (progress.metric, progress.best) == ("balanced_accuracy", "0.850")
    assert progress.left == "about 2 min"
    assert (progress.step, progress.trial.split("  ")[0]) == ("trial 3", "trial 3")


def test_a_new_stage_begins_anew():
    log = "  samples: 3 of 9, 4 s left\ntrain: working\nA library's own line"

    assert progress_of(log) == RunProgress(step="train: working")


@pytest.mark.parametrize("log", ["", "\n\n", "  odd: line of nothing", "\x1b[31m", "  : 1 of 2"])
def test_any_other_text_is_no_error(log):
    assert progress_of(log).total == 0
