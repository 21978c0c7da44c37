"""Writes the pages of a run for people: the report's below the packages' results.

They are written again whenever a stage ends, as each links to the others. The artifacts' own pages
never change."""

from functools import partial
from pathlib import Path

from stages.artifacts import digest_of
from stages.pages import render
from stages.pages.languages import write_in_languages
from stages.runner.lock import Lock, load_lock, run_folder
from stages.runner.page_views import REPORT, views_of, with_run
from stages.runner.shipped import OutcomeLine, reasons_of, shipped, trained, trained_of
from stages.runner.watch import Watch
from stages.runtime.errors import WorkflowError
from stages.runtime.files import alone, write
from stages.settings import Settings
from stages.store import Store
from stages.tracking import links

BEGIN, END = (
    "<!-- packages -->",
    "<!-- end of packages -->",
)  # markers in pages/report.html
TEMPLATE = Path(__file__).with_name("packages.html")
QUARANTINE = "quarantine.csv"
_ORDER = ("bad", "doubt", "good")


def show_pages(run: str, store: Store, settings: Settings, watch: Watch, worked: bool) -> None:
    """Write the pages into the folder of `run`, and the report in place of its copy in MLflow.

    `worked`: a stage has just done work; a run that reuses all finds MLflow's copy as it is. Only
    one process of this machine at a time, so that no target is lost where two end together."""
    with alone(settings.root / "runs" / ".views.lock"):
        lock = load_lock(run, store)
        if lock is None:
            return
        lines = shipped(lock, store)
        _write_pages(lock, lines, store, settings)
        report = trained_of(lock, store)
        if report is None or REPORT not in report.files:
            return
        page = with_packages(store.get(report.files[REPORT]).decode(), lines)
        complete = all(line.state != "absent" for line in lines)
        if complete or (worked and any(line.state != "absent" for line in lines)):
            text = note([*lines, trained(report)])
            _in_mlflow(lock, report.ref.id, page, text, settings, watch)


def _write_pages(lock: Lock, lines: list[OutcomeLine], store: Store, settings: Settings) -> None:
    _write_quarantined(lock, store, settings)
    views = views_of(lock, store)
    for view in views:
        page = with_packages(view.page, lines) if view.file == REPORT else view.page
        in_run = partial(with_run, page, lock, views, view.file)
        write_in_languages(run_folder(lock.run, settings), view.file, in_run)


def _write_quarantined(lock: Lock, store: Store, settings: Settings) -> None:
    """Write the table of quarantined samples, which the data page names, if there are any."""
    ref = lock.artifacts.get("etl")
    if ref is None or not store.holds(ref) or QUARANTINE not in store.load(ref).files:
        return
    table = store.get(store.load(ref).files[QUARANTINE])
    if table.count(b"\n") > 1:  # more than the header
        write(run_folder(lock.run, settings) / QUARANTINE, table)


def with_packages(page: str, lines: list[OutcomeLine]) -> str:
    """The Report's `page` with `lines` between its two markers.

    The page is returned unchanged if it has no markers or there is no package yet."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end or all(line.state == "absent" for line in lines):
        return page
    styles = {line.style for line in lines}
    style = next(line for line in _ORDER if line in styles)
    section = render(
        TEMPLATE, title=_title(lines), lines=lines, style=style, reasons=reasons_of(lines)
    )
    return before + begin + section + end + after


def _title(lines: list[OutcomeLine]) -> str:
    """How many packages there are, as a heading."""
    packed = sum(line.state == "packed" for line in lines)
    if not packed:
        return "Nothing ships"
    count = f"{packed} package" + ("" if packed == 1 else "s")
    if packed < len(lines):
        return f"{packed} of {len(lines)} packages were made"
    green = all(line.style == "good" for line in lines)
    return f"{count}, ready to ship" if green else f"{count}, to be judged by a person"


def note(lines: list[OutcomeLine]) -> str:
    """The `lines` as Markdown, the packages' first: what a run's page in MLflow begins with."""
    return "\n".join(
        f"- **{line.name}**: {', '.join(filter(None, (line.measured, line.facts, line.verdict)))}"
        for line in lines
    )


def _in_mlflow(
    lock: Lock, report: str, page: str, text: str, settings: Settings, watch: Watch
) -> None:
    """Put `page` in the place of the copy that evaluate gave to its run in MLflow, unless it is
    there already, and `text` on the page of the pipeline's run. Trouble with MLflow is only a note:
    no work is lost by it.

    The copy has the name and date of the run that first had these packages, and no links: MLflow
    keeps the other pages in other runs."""
    place = links.page_of(settings.root, "report", report)
    mark = settings.root / "mlflow" / "made" / "report" / f"{report}.view"
    digest = digest_of(page.encode())
    if place is None or (mark.is_file() and mark.read_text() == digest):
        return
    from stages.tracking.replacing import describe, replace_file

    try:
        replace_file(settings, place, REPORT, with_run(page, lock).encode())
        describe(settings, place.experiment, lock.run, text)
        write(mark, digest)
    except WorkflowError as error:
        watch.notify(f"note: the report in MLflow does not show the packages yet. {error.problem}")
