"""From a published package to a better one on the pages of the studio, by a browser alone, while
the live service answers. With SCREENSHOTS, a folder, each page is photographed there, wide and
narrow."""

import os
import time
from pathlib import Path
from typing import NamedTuple

import httpx

from stages.artifacts import Ref, digest_of
from stages.config import DataConfig, read_pipeline
from stages.etl import source
from stages.etl.manifest import samples_of
from stages.etl.readers import read_revision
from stages.opening import open_store
from stages.publish.comparing import dataset_of
from stages.publish.history import moves
from stages.settings import Settings
from stages.studio.access import token_of
from tests import makers
from tests.studio.browser import Browser

WIDTHS = (390, 1200)  # pixels; the last one stays
LONGEST = 600.0  # seconds for one thing to happen, on a busy machine
READY = "document.readyState === 'complete'"


class WrongAnswer(NamedTuple):
    """A picture of `label` that was answered otherwise."""

    picture: bytes
    label: str
    answer: str


class LearningJourney:
    """The pages of `pipeline` in `browser`, on the servers of `aiwf up` with `settings`."""

    def __init__(self, browser: Browser, settings: Settings, pipeline: str) -> None:
        self.browser, self.settings, self.pipeline = browser, settings, pipeline
        self._photographs = 0
        token = token_of(settings.root)
        browser.open(f"http://127.0.0.1:{settings.studio_port}/?token={token}")
        browser.wait(f"{READY} && document.querySelector('nav a')")

    def publish_newest(self, because: str = "") -> str:
        """Publish the newest package by its card on the first page; its id, when it answers.
        `because`: why, if the comparison asks for it."""
        browser, link = self.browser, f"a[href^='/models/{self.pipeline}?package=']"
        browser.follow("nav a[href='/']", "/")
        browser.wait(f"{READY} && document.querySelector({link!r})")
        self.photograph("home")
        package = str(browser.value(f"document.querySelector({link!r}).href")).rpartition("=")[2]
        browser.follow(link, f"/models/{self.pipeline}")
        browser.wait("document.querySelector('#publish, [data-load] .problem')", LONGEST)
        self.photograph("compared")
        if browser.value("Boolean(document.querySelector('#because'))"):
            shown = browser.value("document.querySelector('[data-load]').textContent")
            assert "too few to compare them" in shown
            browser.value(f"document.querySelector('#because').value = {because!r}; 0")
        browser.click("#publish")
        self.wait_for_answers_of(package)
        return package

    def roll_back(self, to: str) -> None:
        """Roll back by the button, until the package `to` answers again."""
        self.open_model()
        self.browser.click("#roll_back")
        self.wait_for_answers_of(to)

    def wait_for_answers_of(self, package: str) -> None:
        """Wait until the page says that `package` is live and the live service answers with it."""
        shown = f"document.querySelector('#champion code')?.textContent === '{package[:8]}'"
        self.browser.wait(f"{READY} && {shown}", LONGEST)
        ends = time.monotonic() + LONGEST
        while self._answered(makers.picture())[0] != package:
            assert time.monotonic() < ends
            time.sleep(0.2)
        self.open_model()
        self.photograph("live")

    def open_model(self) -> None:
        """Go to the page of what is live, by the first page."""
        self.browser.follow("nav a[href='/']", "/")
        link = f"a[href='/models/{self.pipeline}']"
        self.browser.wait(f"{READY} && document.querySelector({link!r})")
        self.browser.follow(link, f"/models/{self.pipeline}")
        self.browser.wait("!document.querySelector('[data-load] > .card:only-child')", LONGEST)

    def allow_reports(self) -> None:
        """Let people say that an answer is wrong."""
        self.browser.click("#reports")
        self.browser.click("form[action$='/use'] button")
        self.browser.wait(f"{READY} && document.querySelector('#use ~ details:not([open])')")

    def report_wrong_answer(self) -> WrongAnswer:
        """Report, on the page where the live package is tried, an answer that is wrong."""
        browser, found = self.browser, self._wrong_answer()
        browser.follow("#champion ~ .actions a[href^='/try/']", "/try/")
        file = self.settings.root.parent / "wrong.png"
        file.write_bytes(found.picture)
        browser.choose("#file", file)
        browser.wait("document.querySelector('.answer .wrong summary')")
        answered = browser.value("document.querySelector('.answer .figure').textContent")
        assert answered.split()[0] == found.answer
        browser.click(".answer .wrong summary")
        browser.value(f"document.querySelector('.wrong select').value = '{found.label}'; 0")
        browser.click(".wrong button")
        browser.wait("document.querySelector('.wrong [role=status].good')")
        self.photograph("reported")
        return found

    def accept_report(self, found: WrongAnswer) -> None:
        """Review the only input that waits, as it was reported."""
        browser = self.browser
        self.open_model()
        browser.follow("a[href$='/review']", f"/models/{self.pipeline}/review")
        browser.wait("document.querySelector('.picture img')?.naturalWidth")
        assert browser.value("document.querySelector('.picture select').value") == found.label
        self.photograph("review")
        browser.click("button[value=accept]")
        browser.wait(f"{READY} && document.querySelector('#revision')")

    def make_revision(self) -> str:
        """Make a revision of what was accepted; what the page says then."""
        self.browser.click("#revision")
        self.browser.wait(f"{READY} && document.querySelector('#train')", LONGEST)
        self.photograph("revision")
        return str(self.browser.value("document.querySelector('main [role=status]').textContent"))

    def photograph(self, name: str) -> None:
        """Photograph the whole page in each width, if somebody wants to look at it."""
        folder = os.environ.get("SCREENSHOTS", "")
        for width in WIDTHS if folder else ():
            self.browser.resize(width)
            path = Path(folder, f"{self._photographs:02}-{name}-{width}.png")
            self.browser.screenshot(path, whole=True)
        self._photographs += 1

    def check_history(self, first: str, second: str) -> None:
        """What was live, by the history: `first`, `second`, and `first` again."""
        past = moves(self.pipeline, self.settings)
        assert [(move.kind, move.after) for move in past] == [
            ("published", first), ("published", second), ("rolled back", first),
        ]  # fmt: skip

    def check_data(self, first: str, second: str, found: WrongAnswer) -> None:
        """The reported sample was learnt from, and the test stayed what it was."""
        store = open_store(self.settings)
        datasets = [dataset_of(store.load(Ref("package", id)), store) for id in (first, second)]
        tests = [{each.digest for each in samples_of(data, store, "test")} for data in datasets]
        learnt = {each.digest: each.split for each in samples_of(datasets[1], store)}
        digest = digest_of(found.picture)
        name = read_pipeline(self.settings.pipelines / f"{self.pipeline}.yaml").data.name
        with source.opened(DataConfig(name=name), self.settings) as folder:
            rows = {row.file: row for row in read_revision(folder).rows}
        assert learnt[digest] in ("train", "validation")
        assert tests[0] == tests[1]
        assert rows[f"use/{digest[:20]}.png"].label == found.label

    def _wrong_answer(self) -> WrongAnswer:
        """A picture that the live package answers wrongly; small shapes are hard to tell."""
        for seed in range(500, 600):
            for label in makers.LABELS:
                picture = makers.picture(label, seed, side=24)
                _, answer = self._answered(picture)
                if answer != label:
                    return WrongAnswer(picture, label, answer)
        raise AssertionError("All answers are right.")

    def _answered(self, picture: bytes) -> tuple[str, str]:
        """The package that answers at the live service, '' if none does, and its label."""
        reply = httpx.post(
            f"http://127.0.0.1:{self.settings.live_port}/{self.pipeline}/predict",
            content=picture,
            headers={"content-type": "image/png"},
            timeout=LONGEST,
            trust_env=False,
        )
        labels = reply.json().get("labels") or [{"label": ""}]
        return reply.headers.get("x-aiwf-package", ""), labels[0]["label"]
