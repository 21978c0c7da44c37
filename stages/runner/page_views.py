"""The pages of a run as they lie in its folder: those of its artifacts, each with the pipeline's
name, the date, and links to the others.

An artifact's own page has none of these, or its id would change with them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from stages.artifacts import Model
from stages.config.device import Device
from stages.pages import render
from stages.pages.catalogue import SOURCE
from stages.pages.languages import language_links, with_header
from stages.runner.lock import Lock
from stages.store import Store

TEMPLATE = Path(__file__).with_name("run.html")
REPORT = "report.html"


class View(NamedTuple):
    """A page of a run: its name as a link, its file in the run's folder, and its HTML."""

    title: str
    file: str
    page: str


def views_of(lock: Lock, store: Store) -> list[View]:
    """The pages of the artifacts that the run `lock` has made, in the order of its stages; the
    report's is as evaluate made it."""
    found = [
        View("Data", "data.html", _page("etl", "page.html", lock, store)),
        View("Trials", "trials.html", _trials(lock, store)),
        View("Report", REPORT, _page("evaluate", "report.html", lock, store)),
        *(
            View(
                f"Package {target}",
                f"package_{target}.html",
                _page(f"deploy_{target}", "report.html", lock, store),
            )
            for target in lock.config["deploy"]["targets"]
        ),
    ]
    return [view for view in found if view.page]


def with_run(
    page: str, lock: Lock, views: Sequence[View] = (), own: str = "", language: str = SOURCE
) -> str:
    """`page` with the run's pipeline and date, and links to `views`, of which it is the file `own`,
    and to itself in the languages other than `language`, in which it is to be.

    The page is returned unchanged if it has no place for them."""
    header = render(
        TEMPLATE,
        pipeline=lock.pipeline,
        run=lock.run,
        date=_date(lock),
        views=views,
        own=own,
        languages=language_links(own, language) if own else (),
    )
    return with_header(page, header)


def _date(lock: Lock) -> str:
    """The day and minute when the run began, in words; '' in a lock of an older version."""
    if not lock.began:
        return ""
    began = datetime.fromisoformat(lock.began)
    return f"{began.day} {began:%B %Y, %H:%M} UTC"


def _page(task: str, name: str, lock: Lock, store: Store) -> str:
    ref = lock.artifacts.get(task)
    if ref is None or not store.holds(ref):
        return ""
    files = store.load(ref).files
    return store.get(files[name]).decode() if name in files else ""


def _trials(lock: Lock, store: Store) -> str:
    from stages.evaluate.trials import page_of

    ref = lock.artifacts.get("train")
    if ref is None or not store.holds(ref):
        return ""
    from stages.runner.measured_points import measured_before

    device = Device.model_validate(lock.config["train"].get("device", {}))
    model: Model = store.load(ref)
    searched = "architecture" in model.selection
    return page_of(model, device, store, measured_before(model, device, store) if searched else {})
