"""The search over detectors on Ray, and the Model that comes of it."""

import json

import numpy as np
import pytest

from stages.evaluate.native import graph_of, predictor_of
from stages.metrics.boxes import ap50
from stages.tracking import QuietRun
from stages.train.detection import Detectors
from stages.train.detection.progress_journal import journal_of
from stages.train.detection.worker import is_judged
from stages.train.detection.worker_pool import Crew
from stages.train.heads.network import arrays_of
from stages.train.search.successive_halving import RungBudget
from tests import makers
from tests.train.detection.conftest import config, hyperparameters

LEG = RungBudget(0, 2, hyperparameters())


@pytest.fixture(scope="module")
def model(dataset, store, ray_running):
    wanted = config(epochs=14, trials=2, search_space={"batch_size": (4,)})
    return Detectors().train(dataset, wanted, store=store, run=QuietRun(), settings=ray_running)


def test_a_detector_finds_shapes_that_it_was_not_taught_with(model, store):
    unseen = json.loads(store.get(model.files["unseen.json"]))

    assert ap50(unseen["truth"], unseen["answers"], len(model.labels)) > 0.3


def test_all_trials_race_and_the_best_is_taught_to_the_end(model, store):
    trials = json.loads(store.get(model.files["trials.json"]))

    assert sorted(one["rung"] for one in trials) == [1, 14]
    (chosen,) = (one for one in trials if one["chosen"])
    raced = [one["curve"][0]["ap50"] for one in trials]
    assert chosen["rung"] == 14
    assert chosen["curve"][0]["ap50"] == max(raced)
    minutes = [row["minutes"] for row in chosen["curve"]]
    assert minutes == sorted(minutes)
    assert chosen["curve"][-1]["epoch"] == 14


def test_the_graph_answers_as_the_detector_did_when_it_was_judged(model, store, dataset):
    unseen = json.loads(store.get(model.files["unseen.json"]))

    with graph_of(model, store) as graph, predictor_of(model, graph) as predictor:
        answers = predictor.answers([store.get(digest) for digest in unseen["digests"][:4]])

    for answer, wanted in zip(answers, unseen["answers"], strict=False):
        np.testing.assert_allclose(answer[:3], wanted[:3], rtol=0.05, atol=0.2)


def test_arrays_are_those_of_the_whole_network(model, store):
    names = {name.partition(".")[0] for name in arrays_of(model, store)}

    assert names == {"backbone", "neck", "head"}


@pytest.fixture(scope="module")
def quiet(problem, ray_running):
    """A crew that nothing befell, when it had taught LEG."""
    crew = Crew(problem, 1.0, lambda _: None)
    crew.teach([LEG])
    crew.end()
    return crew


@pytest.mark.slow
def test_a_trial_goes_on_where_a_killed_search_had_judged_it(problem, ray_running, tmp_path, quiet):
    journal = journal_of(problem, makers.settings(tmp_path))
    heard = []

    def stop(epochs: int) -> None:
        heard.append(epochs)
        if len(heard) == 1:
            raise KeyboardInterrupt

    stopped = Crew(problem, 1.0, stop, journal)
    with pytest.raises(KeyboardInterrupt):
        stopped.teach([LEG])
    stopped.end()
    words = []
    again = Crew(problem, 1.0, heard.append, journal, lambda _, epoch, curve: words.append(epoch))
    again.teach([LEG])
    again.end()

    assert heard == [1, 1, 1]
    assert words == [1, 2]
    assert again.known[0].answers == quiet.known[0].answers
    np.testing.assert_array_equal(_values(again), _values(quiet))


def test_a_worker_that_dies_is_replaced_and_its_trial_comes_to_the_same(
    problem, ray_running, quiet
):
    import ray

    heard = []

    def kill_one(epochs: int) -> None:
        heard.append(epochs)
        if len(heard) == 1:
            ray.kill(broken.workers[1])

    broken = Crew(problem, 1.0, kill_one)
    broken.teach([LEG])

    assert broken.known[0].curve == quiet.known[0].curve
    assert broken.known[0].answers == quiet.known[0].answers
    np.testing.assert_array_equal(_values(broken), _values(quiet))
    broken.end()


def test_side_by_side_or_together_trials_come_to_the_same(problem, ray_running):
    legs = [RungBudget(number, 1, hyperparameters(weight_decay=number / 10)) for number in range(2)]
    together, apart = (Crew(problem, 0.5, lambda _: None) for _ in range(2))

    apart.teach(legs)
    together.teach(legs[:1])

    np.testing.assert_array_equal(_values(together), _values(apart))
    together.end()
    apart.end()


@pytest.mark.parametrize(
    "count", [1, pytest.param(3, marks=pytest.mark.slow)], ids=["one", "three"]
)
def test_any_number_of_workers_comes_to_the_same(problem, ray_running, quiet, count):
    crew = Crew(problem, 0.5, lambda _: None, count=count)
    crew.teach([LEG])

    assert len(crew.workers) == count
    assert crew.known[0].answers == quiet.known[0].answers
    np.testing.assert_array_equal(_values(crew), _values(quiet))
    crew.end()


def test_a_crew_that_goes_gives_its_places_back(problem, ray_running):
    from ray.util import placement_group_table

    crew = Crew(problem, 1.0, lambda _: None)
    crew.end()

    made = {one.id.hex() for one in crew.places}
    left = placement_group_table()
    assert {left[name]["state"] for name in made} == {"REMOVED"}


def test_trials_are_judged_evenly_and_at_the_end_of_every_leg():
    assert [epoch for epoch in range(1, 21) if is_judged(epoch, 3, 20)] == [2, 3, *range(4, 21, 2)]
    assert [epoch for epoch in range(1, 4) if is_judged(epoch, 3, 3)] == [1, 2, 3]


def _values(crew: Crew):
    import ray

    state = crew.known[0].state
    return (ray.get(state) if isinstance(state, ray.ObjectRef) else state)["values"]
