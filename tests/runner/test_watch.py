"""Lines about progress: what they say, and that they do not flood a log."""

from dataclasses import replace

from stages.runner.watch import LogWatch, RemainingTime, line_of
from stages.tracking import TrialProgress

PROGRESS = TrialProgress(
    "trial 11", "lite0@224 hidden", 32, 20, 60, "balanced_accuracy", 0.8421, 0.8512, 11.3
)


class Lines(LogWatch):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


def test_a_line_says_where_the_trial_is_and_what_is_best():
    text = line_of(PROGRESS, "about 2 min left")

    assert text == (
        "trial 11  lite0@224 hidden  epoch 20/60  balanced_accuracy 0.842  best 0.851  "
        "about 2 min left"
    )


def test_many_words_make_few_lines():
    watch = Lines()

    for epoch in range(60):
        watch.trial(replace(PROGRESS, epoch=epoch))

    assert len(watch.lines) == 1


def test_what_is_told_again_makes_no_further_line_and_what_begins_again_does():
    watch = Lines()

    for _ in range(9):
        watch.progress("trials", 0, 8)
    watch.progress("trials", 8, 8)
    watch.progress("trials", 0, 8)

    assert watch.lines == ["trials: 0 of 8", "trials: 8 of 8", "trials: 0 of 8"]


def test_what_is_left_is_counted_from_what_this_process_saw():
    clock = iter([100.0, 200.0, 400.0])
    remaining = RemainingTime(lambda: next(clock))

    from_earlier = remaining.text(
        replace(PROGRESS, done=16.0, ended=True)
    )  # from an earlier process
    at_start = remaining.text(replace(PROGRESS, done=16.0))
    later = remaining.text(replace(PROGRESS, done=24.0))

    assert (from_earlier, at_start) == ("", "")
    assert later == "about 3 min left"


def test_the_next_phase_is_counted_from_its_own_beginning():
    clock = iter([0.0, 1000.0, 1060.0])
    remaining = RemainingTime(lambda: next(clock))

    remaining.text(replace(PROGRESS, done=31.0))
    tuned = replace(PROGRESS, name="tuned 33", of=4)

    assert remaining.text(replace(tuned, done=1.0)) == ""
    assert remaining.text(replace(tuned, done=2.0)) == "about 2 min left"
