"""Trains heads: searches over heads on features of frozen backbones, and over small networks from
scratch; then fine-tunes the best backbones, and trains students of the chosen network."""

from stages.artifacts import Dataset, Model
from stages.config import TrainConfig
from stages.resources import Resources
from stages.store import Store
from stages.tracking import Run
from stages.train.cost.budget import (
    MIN_TRIALS_PER_INPUT,
    head_search_seconds,
    trials_within,
    with_repeats_within,
)
from stages.train.cost.estimate import Estimate, of_heads
from stages.train.cost.finetune_budget import tunable, with_finetuning_within
from stages.train.search.search_space import inputs_of, views_of_rows


class Heads:
    """The trainer `heads` (`stages.train.Trainer`). Features are computed once for each input. In
    the first phase a trial is a head that is trained on them, or a small network from scratch; in
    the second, the last layers of a backbone with its head."""

    def resolve(self, config: TrainConfig, samples: int, views: int, speed: float) -> TrainConfig:
        """`config` with the numbers of trials of both phases that `train.budget_minutes` allow.
        Fine-tuning gets the time that the first phase leaves, and the inputs that lead then get it.
        Students (`train.distil`, `train.prune`) get at most half of the minutes.
        If `train.trials` is set, the budget is ignored, and fine-tuning has no trials unless
        `train.finetune.trials` is set, too."""
        from stages.train.cost.distillation_budget import student_seconds, with_students_within
        from stages.train.ood import with_negatives

        if config.trials:
            return config.with_tuned(config.finetune.trials or 0)
        if not config.has_students:
            return self._resolve_search(config, samples, views, speed)
        counted = with_negatives(config, samples)
        planned = with_students_within(config, counted, config.budget_minutes * 60 * speed)
        minutes = config.budget_minutes - student_seconds(planned, counted) / 60 / speed
        of_search = planned.model_copy(update={"budget_minutes": minutes})
        resolved = self._resolve_search(of_search, samples, views, speed)
        return resolved.model_copy(update={"budget_minutes": config.budget_minutes})

    def _resolve_search(
        self, config: TrainConfig, samples: int, views: int, speed: float
    ) -> TrainConfig:
        """As `resolve`, without students. Networks from scratch, whose trials take most of the
        time, leave enough of it for fine-tuning once every input has MIN_TRIALS_PER_INPUT trials;
        those of heads alone take little, and stay."""
        from stages.train.ood import with_negatives

        samples, views = with_negatives(config, samples), views_of_rows(config, views)
        config = with_repeats_within(config, samples, views, speed)
        most, inputs = trials_within(config, samples, views, speed), inputs_of(config)
        with_most = config.model_copy(update={"trials": most})
        with_most = with_most.with_tuned(config.finetune.trials or 0)
        if config.finetune.trials is not None or not tunable(config):
            return with_most
        seconds = config.budget_minutes * 60 * speed
        is_scratch = any(model_input.initialised_family.from_scratch for model_input in inputs)
        least = MIN_TRIALS_PER_INPUT * len(inputs) if is_scratch else most

        def plan(trials: int) -> TrainConfig:
            fewer = config.model_copy(update={"trials": trials})
            remaining = seconds - head_search_seconds(config, trials, samples, views)
            return with_finetuning_within(fewer, samples, remaining)

        plans = map(plan, _numbers_of_trials(most, least))
        return next((each for each in plans if each.finetune.trials), with_most)

    def estimate(
        self, config: TrainConfig, samples: int, views: int, resources: Resources
    ) -> Estimate:
        """Minutes, memory and disk for so many samples, each with `views` augmented views."""
        from stages.train.ood import with_negatives

        samples, views = with_negatives(config, samples), views_of_rows(config, views)
        return of_heads(config, samples, views, resources.speed, resources.cores)

    def train(
        self, dataset: Dataset, config: TrainConfig, *, store: Store, run: Run, resources: Resources
    ) -> Model:
        """Search for the best model of `dataset`, save it, and let the search's caches expire.
        Raises what `stages.train.train` raises."""
        from stages.train.cost.compatibility import notices
        from stages.train.cost.distillation_budget import with_student_family
        from stages.train.cost.minutes import minutes_of
        from stages.train.distillation.distillation import release_students, train_students
        from stages.train.distillation.search_teacher import with_search_teacher
        from stages.train.distributed.cluster import cluster
        from stages.train.finetune.candidates import planned_for_leaders
        from stages.train.finetune.finetuning import release_finetuning, tune
        from stages.train.heads.learning_curve_json import learning_curve_json
        from stages.train.heads.prepared import prepare
        from stages.train.heads.saved_model import save_model
        from stages.train.ood import labels_of
        from stages.train.search.recorder import Recorder
        from stages.train.search.trial_search import cache_of, search

        if licence_notices := notices(config):
            run.log_tags({"notice": " ".join(licence_notices)})
        samples = dataset.train_and_validation
        resolved = self.resolve(config, samples, dataset.views, resources.speed)
        count = resolved.trials or 1
        prepared = prepare(dataset, resolved, store=store, run=run, resources=resources)
        prepared = with_search_teacher(
            prepared, dataset, resolved, store=store, run=run, resources=resources
        )
        # there are no more folds than groups
        resolved = resolved.model_copy(update={"folds": prepared.folds})
        minutes = minutes_of(
            with_student_family(resolved), samples, views_of_rows(resolved, dataset.views)
        )
        recorder = Recorder(run, count, resolved.metric, minutes=minutes)
        with cluster(resources, prepared.nbytes):  # one Ray cluster for both phases
            reports = (recorder.report_rung, recorder.epoch)
            trials = search(prepared.problem, resolved, count, resources, *reports, store=store)
            resolved = planned_for_leaders(trials, resolved, prepared)
            tuned = tune(
                prepared,
                trials,
                dataset,
                resolved,
                recorder=recorder,
                store=store,
                resources=resources,
            )
            labels = labels_of(dataset, resolved)
            about = (dataset, prepared, tuned.trials, tuned.chosen, resolved, labels)
            curve_json = (
                learning_curve_json(*about, store=store, run=run, resources=resources)
                if resolved.growth
                else None
            )
            about_students = (tuned, prepared, dataset, resolved)
            students = train_students(*about_students, store=store, run=run, resources=resources)
        recorder.report_search(students.trials, students.chosen)
        model = save_model(
            dataset,
            prepared.with_shapes(students.shapes),
            students.trials,
            students.chosen,
            with_student_family(resolved),
            store=store,
            resources=resources,
            learning_curve=curve_json,
            students=students.record,
        )
        cache_of(prepared.problem, resolved, store).done()
        if resolved.finetune.trials:
            release_finetuning(dataset, resolved, store, resources)
        release_students(students, store, resources)
        return model


def _numbers_of_trials(most: int, least: int) -> list[int]:
    """The numbers of trials of a first phase that are offered, `most` first, and then down to
    `least` in steps of a quarter of the way."""
    if most <= least:
        return [most]
    return sorted({most - (most - least) * quarter // 4 for quarter in range(5)}, reverse=True)
