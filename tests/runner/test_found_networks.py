"""Networks that an earlier search found, named in another pipeline: their genotypes stand in its
resolved config, so that the other run is needed no more."""

import pytest

from stages.config import checked, parse_pipeline
from stages.config.device import Device
from stages.opening import open_store
from stages.runner.found_networks import with_found_networks
from stages.runner.lock import keep, load_lock
from stages.runner.resolve import resolve
from stages.runtime.errors import ConfigError
from stages.train.search.search_space import dimensions
from tests import makers
from tests.evaluate.test_pareto import LARGE, RECORD
from tests.runner.test_pick import save_run

TEXT = (
    "{{name: other, task: image_classification, data: shapes, train: {{families: [{}], trials: 4, "
    "input_sizes: [32], folds: 1{}}}}}"
)


@pytest.fixture
def settings(tmp_path):
    found = makers.settings(tmp_path)
    makers.quick_pipeline(tmp_path, found)
    save_run(found, architecture=RECORD)
    return found


def test_the_genotype_is_resolved_and_the_run_is_needed_no_more(settings):
    store = open_store(settings)
    resolved = resolve(parse_pipeline(TEXT.format("found@first, small_image", "")), settings)
    store.blobs.remove("notes/runs/first.json")

    again = resolve(checked(resolved.model_dump(mode="json"), "The lock"), settings)

    assert resolved.train.genotypes == {"found@first": LARGE}
    assert resolved.train.families == ("searched_image", "small_image")
    assert again == resolved


def test_a_found_network_is_searched_over_like_any_family(settings):
    resolved = resolve(parse_pipeline(TEXT.format("found@first", "")), settings)

    [genotype] = [each for each in dimensions(resolved.train) if each.name == "genotype"]
    assert genotype.values == (LARGE,)


def test_beside_a_search_it_is_an_arm_and_no_dimension(settings):
    text = TEXT.format("found@first", ", architecture: search, device: {parameters: 90000}")
    resolved = resolve(parse_pipeline(text), settings)

    assert resolved.train.genotypes == {"found@first": LARGE}
    assert "genotype" not in [each.name for each in dimensions(resolved.train)]


def test_a_network_for_other_samples_is_refused(settings):
    store = open_store(settings)
    images = store.load(load_lock("first", store).artifacts["train"])
    changes = {"family": "searched_audio", "task": "sound_classification"}
    sounds = store.save(images.model_copy(update=changes))

    with pytest.raises(ConfigError, match=r"was found for sound_classification, .* is not for"):
        with_found_networks(parse_pipeline(TEXT.format(f"found@{sounds.id}", "")), store)


def test_a_model_can_be_named_by_its_id(settings):
    store = open_store(settings)
    [model] = store.refs("model")
    pipeline = parse_pipeline(TEXT.format(f"found@{model.id[:12]}", ""))

    assert list(with_found_networks(pipeline, store).train.genotypes.values()) == [LARGE]


@pytest.mark.parametrize("gone", ["notes/runs/first.json", "records/model/"])
def test_a_removed_run_or_model_is_said(settings, gone: str):
    store = open_store(settings)
    for key in list(store.blobs.keys(gone)):
        store.blobs.remove(key)

    with pytest.raises(ConfigError, match=r"found@first names no run .* have been removed"):
        resolve(parse_pipeline(TEXT.format("found@first", "")), settings)


def test_a_family_without_an_architecture_needs_a_search(settings):
    with pytest.raises(ConfigError, match="no architecture of its own"):
        resolve(parse_pipeline(TEXT.format("searched_image", "")), settings)


def test_a_budget_that_nothing_meets_is_told_when_it_is_planned(settings):
    text = TEXT.format("searched_image", ", architecture: search")
    pipeline = parse_pipeline(text)
    device = Device(parameters=100)
    small = pipeline.model_copy(
        update={"train": pipeline.train.model_copy(update={"device": device})}
    )

    with pytest.raises(ConfigError, match=r"the smallest network of searched_image@32 has \d+ par"):
        resolve(small, settings)


def test_a_run_that_has_not_ended_is_said_to_be_there(settings):
    store = open_store(settings)
    keep(load_lock("first", store).model_copy(update={"artifacts": {}}), store, settings)

    with pytest.raises(ConfigError, match="first has no trained model yet"):
        with_found_networks(parse_pipeline(TEXT.format("found@first", "")), store)


@pytest.mark.parametrize("name", ["../outside", "..", "x" * 5000])
def test_a_name_leads_to_nothing_beside_the_runs(name, settings):
    store = open_store(settings)
    store.blobs.put("notes/outside.json", store.blobs.get("notes/runs/first.json"))

    with pytest.raises(ConfigError, match="names no run and no model"):
        with_found_networks(parse_pipeline(TEXT.format(f"'found@{name}'", "")), store)
