"""Links on a task in Airflow's pages: to its run in MLflow and to the page that it made."""

from typing import Any

from airflow.sdk import BaseOperatorLink

from stages.tracking.links import Page, page_of

PAGES = {"etl": "page.html", "evaluate": "report.html"}  # file that the stage gives to its run


class StoredLink(BaseOperatorLink):  # type: ignore[misc]
    """A link that the task stores as an XCom while it runs, so it works before the task ends."""

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        from airflow.sdk.execution_time.xcom import XCom

        return XCom.get_value(ti_key=ti_key, key=self.xcom_key) or ""


class RunLink(StoredLink):
    name = "MLflow run"


class PageLink(StoredLink):
    name = "Report"


def show(ti: Any, stage: str, page: Page) -> None:
    """Point the task's links at `page`."""
    server = _server()
    ti.xcom_push(RunLink().xcom_key, page.address(server))
    if file := PAGES.get(stage):
        ti.xcom_push(PageLink().xcom_key, page.address(server, file))


def show_artifact(ti: Any, stage: str, kind: str, id: str) -> None:
    """Point the task's links at the run that made the artifact, which may be an earlier one."""
    from stages.settings import Settings

    page = page_of(Settings().root, kind, id)
    if page:
        show(ti, stage, page)


def _server() -> str:
    """Where a browser finds MLflow: the server that is set, or the one that `aiwf up` starts."""
    from stages.settings import Settings

    settings = Settings()
    return settings.mlflow or f"http://127.0.0.1:{settings.mlflow_port}"
