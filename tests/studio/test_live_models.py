"""What is live, published and rolled back by the pages, and what use teaches."""

import re

import pytest

from stages.artifacts import Ref
from stages.opening import open_store
from stages.publish import publishing
from stages.publish.append_log import AppendLog
from stages.publish.collected import CollectedInputs
from stages.publish.history import moves
from stages.publish.use_policy import UsePolicy, policy_of, set_policy
from tests.publish.conftest import (  # noqa: F401 - fixtures
    PIPELINE,
    colour_files,
    empty_registry,
    packed,
    picture,
    saved_dataset,
    settings,
)
from tests.studio.conftest import saved_run

YAML = f"name: {PIPELINE}\ntask: image_classification\ndata: {PIPELINE}\n"


@pytest.fixture
def ids(settings, packed):  # noqa: F811
    """The packages of two runs: the first mixes two colours up."""
    data = saved_dataset(settings, range(40))
    (settings.pipelines).mkdir(parents=True)
    (settings.pipelines / f"{PIPELINE}.yaml").write_text(YAML)
    found = {}
    for run, name in (("first", "mixed"), ("second", "right")):
        package = packed(name, data)
        saved_run(run, settings, package, "image_classification")
        found[name] = package.ref.id
    return found


def publish(browser, package, champion="", because=""):
    form = {"package": package, "champion": champion, "because": because}
    return browser.post(f"/models/{PIPELINE}/publish", form)


def publish_here(package, settings):  # noqa: F811
    """As `publish`, without a process of its own."""
    publishing.publish(PIPELINE, package, settings)


@pytest.mark.slow
def test_publishing_comparing_and_rolling_back_by_the_pages(browser, ids, settings):  # noqa: F811
    run = browser.get("/runs/first").text
    first = browser.get(f"/models/{PIPELINE}/challenger?package={ids['mixed']}").text
    publish(browser, ids["mixed"])
    home = browser.get("/").text
    worse = browser.get(f"/models/{PIPELINE}/challenger?package={ids['right']}").text
    page = publish(browser, ids["right"], ids["mixed"]).text
    refused = publish(browser, ids["mixed"], ids["right"])
    back = browser.post(f"/models/{PIPELINE}/rollback", {"champion": ids["right"]}).text

    assert f'href="/models/{PIPELINE}?package={ids["mixed"]}"' in run
    assert "It is the first one" in first
    assert f'href="/models/{PIPELINE}"' in home
    assert "Version 1 is live" in home
    assert "+66.7" in worse
    assert "<strong>better</strong>" in worse
    assert "Version 2 is live" in page
    assert "Roll back" in page
    assert (refused.status_code, "write why" in refused.text) == (422, True)
    assert "Version 1 is live" in back
    assert [move.kind for move in moves(PIPELINE, settings)] == [
        "published", "published", "rolled back",
    ]  # fmt: skip


@pytest.mark.slow
def test_who_decides_by_an_old_page_is_told(browser, ids, settings):  # noqa: F811
    publish_here(ids["mixed"], settings)

    answer = publish(browser, ids["right"], champion="", because="an old page")

    assert answer.status_code == 422
    assert "has become live meanwhile" in answer.text


def test_a_package_is_taken_away_as_a_zip(browser, ids):
    answer = browser.get(f"/packages/{ids['right']}/zip")

    assert answer.headers["content-type"] == "application/zip"
    assert answer.content.startswith(b"PK")
    assert browser.get(f"/packages/{'0' * 64}/zip").status_code == 404


def test_a_phone_gets_a_code_only_if_it_can_reach_the_studio(browser, ids, settings):  # noqa: F811
    pytest.importorskip("segno")
    publish_here(ids["mixed"], settings)
    alone = browser.get(f"/models/{PIPELINE}").text
    app = browser.client.app
    app.state.access = app.state.access._replace(encrypted=True)

    assert "data:image/svg" not in alone
    assert 'src="data:image/svg+xml' in browser.get(f"/models/{PIPELINE}").text


def test_a_wrong_answer_is_reported_only_where_that_is_allowed(browser, ids, settings):  # noqa: F811
    place = f"/try/{ids['mixed']}"
    data = picture("green", 5)
    off = browser.post(f"{place}/wrong?label=green&answer=blue", content=data)
    form = {"random": "10", "doubtful": "50", "rejected": "0", "reports": "yes", "days": "30"}
    browser.post(f"/models/{PIPELINE}/use", form)
    page = browser.get(place).text
    on = browser.post(f"{place}/wrong?label=green&answer=blue", content=data)
    unknown = browser.post(f"{place}/wrong?label=nothing", content=data)

    policy = policy_of(PIPELINE, settings)
    assert (off.status_code, on.json(), unknown.status_code) == (422, {"kept": True}, 422)
    assert f'data-wrong="{place}/wrong"' in page
    assert (policy.random, policy.doubtful, policy.days, policy.reports) == (0.1, 0.5, 30, True)
    (found,) = CollectedInputs(PIPELINE, settings).all()
    assert (found.reported, found.answer, found.package) == ("green", "blue", ids["mixed"])


@pytest.mark.parametrize("form", [{"random": "101"}, {"random": "x"}, {"days": "0"}])
def test_a_policy_that_cannot_be_is_refused(browser, ids, settings, form):  # noqa: F811
    assert browser.post(f"/models/{PIPELINE}/use", form).status_code == 422
    assert not policy_of(PIPELINE, settings).is_on


def test_what_may_enter_the_test_is_reviewed_without_the_models_answer(browser, ids, settings):  # noqa: F811
    publish_here(ids["mixed"], settings)
    set_policy(PIPELINE, UsePolicy(random=1.0), settings)
    inputs = CollectedInputs(PIPELINE, settings)
    for seed in range(6):
        inputs.keep(picture("green", seed), "random", ids["mixed"], "blue", 0.9)

    page = browser.get(f"/models/{PIPELINE}/review").text

    items = page.split('<li class="picture">')[1:]
    to_test = [item for item in items if "the test split" in item]
    assert 0 < len(to_test) < 6
    assert all("<dt>Answered</dt>" not in item and " selected>" not in item for item in to_test)
    to_train = [item for item in items if item not in to_test]
    assert all("<option selected>blue</option>" in item for item in to_train)
    thumbnail = re.search(r'src="(/models/[^"]+/thumbnail/[^"]+)"', page).group(1)
    assert browser.get(thumbnail).headers["content-type"].startswith("image/")


def test_a_damaged_history_is_told_on_the_pages(browser, ids, settings):  # noqa: F811
    publish_here(ids["mixed"], settings)
    path = settings.root / "live" / PIPELINE / "history.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"number":1', b"number:1"))

    assert "was changed by something else" in browser.get("/").text
    assert "was changed by something else" in browser.get(f"/models/{PIPELINE}").text
    assert AppendLog(path).path == path
    assert open_store(settings).holds(Ref("package", ids["mixed"]))


@pytest.mark.parametrize("name", ["..%2f..", "nothing", "A"])
def test_a_pipeline_that_there_is_not_is_told(browser, name):
    assert browser.get(f"/models/{name}").status_code in (404, 422)
