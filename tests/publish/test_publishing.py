"""What becomes live, who decides it, and how it is taken back."""

import threading
from pathlib import Path

import pytest

from stages.opening import open_store
from stages.publish.history import history_log, moves
from stages.publish.publishing import publish, put_forward, roll_back
from stages.publish.registry import CHALLENGER, CHAMPION, ModelRegistry
from stages.runner.gc.artifacts import _reached
from stages.runtime.errors import ConfigError, Damaged, GateNotMet, InfrastructureError
from tests.publish.conftest import PIPELINE, saved_dataset


@pytest.fixture
def data(settings):
    return saved_dataset(settings, range(40))


def live(settings):
    return ModelRegistry(settings).aliases(PIPELINE)[CHAMPION].package


def test_the_first_package_is_published_without_a_comparison(settings, packed, data):
    package = packed("mixed", data)

    done = publish(PIPELINE, package.ref.id, settings, who="ada")

    assert (done.comparison, done.move.who, done.move.before) == (None, "ada", "")
    assert live(settings) == package.ref.id
    assert [move.kind for move in moves(PIPELINE, settings)] == ["published"]


def test_a_better_one_is_promoted_and_a_worse_one_only_for_a_reason(settings, packed, data):
    mixed, right = packed("mixed", data).ref.id, packed("right", data).ref.id
    publish(PIPELINE, mixed, settings)

    better = publish(PIPELINE, right, settings)
    with pytest.raises(GateNotMet, match=r"worse: accuracy -66\.7% .* on 120 test samples"):
        publish(PIPELINE, mixed, settings)
    refused = ModelRegistry(settings).aliases(PIPELINE)
    worse = publish(PIPELINE, mixed, settings, because="the camera was turned back")

    assert better.move.verdict == "better"
    assert refused[CHAMPION].package == right
    assert refused[CHALLENGER].package == mixed
    assert (worse.move.verdict, worse.move.why) == ("worse", "the camera was turned back")
    assert CHALLENGER not in ModelRegistry(settings).aliases(PIPELINE)


def test_an_undecided_one_is_told_how_many_samples_are_missing(settings, packed):
    few = saved_dataset(settings, range(5))
    publish(PIPELINE, packed("mixed", few).ref.id, settings)

    found = put_forward(PIPELINE, packed("right", few).ref.id, settings)

    assert (found.comparison.verdict, found.comparison.further) == ("undecided", 15)
    with pytest.raises(GateNotMet, match="about 15 more are needed"):
        publish(PIPELINE, found.challenger.package, settings)


def test_test_samples_that_one_was_trained_on_do_not_count(settings, packed):
    before, after = saved_dataset(settings, range(9000, 9012)), saved_dataset(settings, range(40))
    publish(PIPELINE, packed("mixed", after).ref.id, settings)

    found = put_forward(PIPELINE, packed("right", before).ref.id, settings)

    assert (found.comparison.tested, found.comparison.learnt) in {(24, 12), (120, 0)}


def test_rolling_back_leads_through_what_was_live_before(settings, packed, data):
    ids = [packed(name, data).ref.id for name in ("mixed", "other", "right")]
    for id in ids:
        publish(PIPELINE, id, settings, because="a test")

    roll_back(PIPELINE, settings, why="it was slow")
    second = live(settings)
    roll_back(PIPELINE, settings)

    assert (second, live(settings)) == (ids[1], ids[0])
    with pytest.raises(ConfigError, match="was live before"):
        roll_back(PIPELINE, settings)
    assert [move.kind for move in moves(PIPELINE, settings)][-2:] == ["rolled back"] * 2


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(settings, packed, data):
    first = packed("mixed", data).ref.id
    publish(PIPELINE, first, settings)
    packages = {name: packed(name, data).ref.id for name in ("right", "other")}
    for package in packages.values():  # both people look at the comparison before they decide
        put_forward(PIPELINE, package, settings)
    outcomes = []

    def promote(name):
        try:
            done = publish(PIPELINE, packages[name], settings, champion=first, because="x")
            outcomes.append(done.move.after)
        except ConfigError as error:
            outcomes.append(error.problem)

    threads = [threading.Thread(target=promote, args=(name,)) for name in packages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(moves(PIPELINE, settings)) == 2
    assert live(settings) in outcomes
    assert sum("has become live meanwhile" in outcome for outcome in outcomes) == 1


def test_what_somebody_moved_in_mlflow_is_noted(settings, packed, data):
    first, second = packed("mixed", data).ref.id, packed("right", data).ref.id
    publish(PIPELINE, first, settings)
    found = put_forward(PIPELINE, second, settings)
    ModelRegistry(settings).point(PIPELINE, CHAMPION, found.challenger.number)

    with pytest.raises(ConfigError, match="live already"):
        publish(PIPELINE, second, settings)
    roll_back(PIPELINE, settings)

    assert [move.kind for move in moves(PIPELINE, settings)] == [
        "published", "found", "rolled back",
    ]  # fmt: skip
    assert live(settings) == first


def test_a_registry_that_does_not_answer_is_told_and_nothing_is_done(settings, packed, data):
    package = packed("mixed", data).ref.id
    away = settings.model_copy(update={"mlflow": "http://127.0.0.1:9"})

    with pytest.raises(InfrastructureError, match="cannot be used"):
        publish(PIPELINE, package, away)

    assert moves(PIPELINE, settings) == []


def test_a_registry_that_fails_during_the_move_leaves_what_was_live(
    settings, packed, data, monkeypatch
):
    first, second = packed("mixed", data).ref.id, packed("right", data).ref.id
    publish(PIPELINE, first, settings)

    def refuse(self, pipeline, alias, number):
        if alias == CHAMPION:
            raise InfrastructureError("MLflow is away.", "Start it.")

    with monkeypatch.context() as patch:
        patch.setattr(ModelRegistry, "point", refuse)
        with pytest.raises(InfrastructureError):
            publish(PIPELINE, second, settings)

    assert live(settings) == first
    assert [move.kind for move in moves(PIPELINE, settings)] == ["published", "published", "undone"]
    publish(PIPELINE, second, settings)
    assert roll_back(PIPELINE, settings).after == first


def test_a_champion_whose_data_are_gone_is_told_and_a_person_decides(settings, packed, data):
    publish(PIPELINE, packed("mixed").ref.id, settings)  # its dataset is in no store
    package = packed("right", data).ref.id

    with pytest.raises(GateNotMet, match=r"cannot be compared .* nobody knows which samples"):
        publish(PIPELINE, package, settings)
    publish(PIPELINE, package, settings, because="the data were removed on purpose")

    assert live(settings) == package


def test_a_removed_revision_is_named_and_the_comparison_goes_on(settings, packed, data):
    publish(PIPELINE, packed("mixed", data).ref.id, settings)

    found = put_forward(PIPELINE, packed("right", data).ref.id, settings)

    assert found.comparison.missing == data.revision  # there is no data set with it any more
    assert found.comparison.verdict == "better"


def test_a_package_of_another_pipeline_is_refused(settings, packed, data):
    package = packed("right", data, pipeline="others").ref.id

    with pytest.raises(ConfigError, match="pipeline 'others'"):
        publish(PIPELINE, package, settings)


@pytest.mark.parametrize("name", ["../x", "", "A", "a" * 60])
def test_what_is_no_name_is_refused(settings, name):
    with pytest.raises(ConfigError, match="no name"):
        publish(name, "0" * 64, settings)


def test_a_changed_history_is_noticed_and_a_torn_line_is_not_lost(settings, packed, data):
    publish(PIPELINE, packed("mixed", data).ref.id, settings)
    path = history_log(PIPELINE, settings).path
    with path.open("ab") as file:
        file.write(b'{"number": 2, "to')

    publish(PIPELINE, packed("right", data).ref.id, settings)
    assert [move.number for move in moves(PIPELINE, settings)] == [1, 2]

    path.write_bytes(path.read_bytes().replace(b'"published"', b'"unpublish"', 1))
    with pytest.raises(Damaged, match="line 2 does not follow"):
        moves(PIPELINE, settings)


def test_what_was_live_is_not_collected_as_garbage(settings, packed, data):
    package = packed("mixed", data)
    publish(PIPELINE, package.ref.id, settings)

    assert {package.ref, data.ref} <= _reached(open_store(settings))


def test_the_registry_has_signature_metrics_and_data(settings, packed, data, tmp_path, monkeypatch):
    from stages.tracking.server import connect

    monkeypatch.chdir(tmp_path)
    publish(PIPELINE, packed("mixed", data).ref.id, settings)

    client = connect(settings)
    version = client.get_model_version_by_alias(PIPELINE, CHAMPION)
    (logged,) = client.search_logged_models([client.get_experiment_by_name(PIPELINE).experiment_id])
    (metric,) = logged.metrics
    assert (metric.key, metric.value) == ("package/accuracy", 0.9)
    assert metric.dataset_digest == data.revision[:32]
    assert version.tags["aiwf.logged_model"] == logged.model_id
    assert not (tmp_path / "mlflow.db").exists()
    folder = Path(version.source.removeprefix("file://"))
    assert "signature" in (folder / "MLmodel").read_text()
