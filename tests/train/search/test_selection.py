"""The rule that picks a trial: near the highest metric, least log loss, then cost, then number."""

from stages.config import TrainConfig
from stages.train.search.selection import choose, selection_of
from stages.train.search.successive_halving import Trial, TrialResult

CONFIG = TrainConfig(families=("efficientnet_lite1", "efficientnet_lite0"))
SMALL, LARGE = "efficientnet_lite0@224", "efficientnet_lite1@256"


def trial(
    number: int, accuracy: float, loss: float, where: str = LARGE, head: str = "linear"
) -> Trial:
    measures = {"accuracy": accuracy, "balanced_accuracy": accuracy, "log_loss": loss}
    score = accuracy
    trial_with_result = Trial(number, {"input": where, "head": head}, 5, score, True)
    trial_with_result.result = TrialResult(measures, 3, False, [], b"")
    return trial_with_result


def chosen(*trials: Trial, samples: int = 100, config: TrainConfig = CONFIG) -> int:
    return choose(trials, config, samples).number


def test_a_clearly_higher_metric_wins():
    assert chosen(trial(0, 0.80, 0.3), trial(1, 0.90, 0.5)) == 1


def test_of_those_near_the_highest_the_least_log_loss_wins():
    assert chosen(trial(0, 0.90, 0.5), trial(1, 0.89, 0.4), trial(2, 0.80, 0.1)) == 1


def test_many_samples_tell_apart_what_few_do_not():
    trials = trial(0, 0.90, 0.5), trial(1, 0.89, 0.4)

    assert chosen(*trials, samples=100_000) == 0


def test_equal_trials_go_by_cost_then_head_then_number():
    assert chosen(trial(0, 0.9, 0.4), trial(1, 0.9, 0.4, SMALL)) == 1
    assert chosen(trial(0, 0.9, 0.4, head="hidden"), trial(1, 0.9, 0.4)) == 1
    assert chosen(trial(1, 0.9, 0.4), trial(0, 0.9, 0.4)) == 0


def test_a_perfect_trial_is_chosen():
    assert chosen(trial(0, 1.0, 0.4), trial(1, 0.99, 0.1)) == 0


def test_with_log_loss_as_metric_only_it_counts():
    config = CONFIG.model_copy(update={"metric": "log_loss"})
    low, high = trial(0, 0.5, 0.2), trial(1, 0.9, 0.3)
    low.score, high.score = -0.2, -0.3

    assert chosen(low, high, config=config) == 0
    assert selection_of((low, high), low, config, samples=9, folds=1)["rule"].startswith("least")


def test_with_fine_tuned_trials_the_rule_says_what_they_are_measured_on():
    head, finetuned = trial(0, 0.8, 0.5), trial(1, 0.9, 0.4)
    finetuned.phase = 2

    record = selection_of((head, finetuned), finetuned, CONFIG, samples=40, folds=5)

    assert record["rule"].endswith("measured on 2 of 5 folds")
    assert record["held_out"].startswith("2 of 5 folds")
    assert "folds" not in selection_of((head,), head, CONFIG, samples=100, folds=5)["rule"]
