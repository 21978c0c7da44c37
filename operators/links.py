"""Links on a task in Airflow's pages: to its run in MLflow and to the page that it made."""

from typing import Any

from airflow.sdk import BaseOperatorLink

from stages.tracking.links import Page, page_of

# The page that a stage gives to its run: its name as a link, and its file
PAGES = {
    "etl": ("Data page", "page.html"),
    "train": ("Trials", "trials.html"),
    "evaluate": ("Report", "report.html"),
    "deploy": ("Package page", "package.html"),
}


class StoredLink(BaseOperatorLink):  # type: ignore[misc]
    """A link that the task stores as an XCom while it runs, so it works before the task ends."""

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        from airflow.sdk.execution_time.xcom import XCom

        return XCom.get_value(ti_key=ti_key, key=self.xcom_key) or ""


class RunLink(StoredLink):
    name = "MLflow run"


class PageLink(StoredLink):
    """A link to the page that the task made, once it is there."""

    name = "Report"

    def __init__(self, name: str) -> None:
        self.name = name


def links_of(stage: str) -> list[StoredLink]:
    """The links of a task of `stage`."""
    return [RunLink(), PageLink(PAGES[stage][0])]


def show(ti: Any, page: Page) -> None:
    """Point the task's link to MLflow at the run `page`."""
    ti.xcom_push(RunLink().xcom_key, page.address(_server()))


def show_artifact(ti: Any, stage: str, kind: str, id: str) -> None:
    """Point the task's links at the run that made the artifact, which may be an earlier one, and at
    its page."""
    from stages.settings import Settings

    page = page_of(Settings().root, kind, id)
    if page:
        show(ti, page)
        name, file = PAGES[stage]
        show_page(ti, PageLink(name), page, file)


def show_page(ti: Any, link: PageLink, page: Page, file: str) -> None:
    """Point a link of the task at a file of the run `page`."""
    ti.xcom_push(link.xcom_key, page.address(_server(), file))


def _server() -> str:
    """Where a browser finds MLflow: the server that is set, or the one that `aiwf up` starts."""
    from stages.settings import Settings

    settings = Settings()
    return settings.mlflow or f"http://127.0.0.1:{settings.mlflow_port}"
