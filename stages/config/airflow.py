"""The part of a pipeline about Airflow: what else starts a run, who approves, who is notified."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from stages.config.section import Section

ClassPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]
OWN_TEST = "_evaluate"
TRAINING_POOL, DATA_POOL = "aiwf_training", "aiwf_data"  # Airflow's pools
POOLS = "AIWF_POOLS"  # the variable that is set where Airflow has them
APPROVE = "approve"  # the task that waits for a person
WEBHOOK = "operators.webhook.WebhookNotifier"


def own_test_dag(pipeline: str) -> str:
    """The name of the DAG beside `pipeline` that measures on a person's own samples; also that of
    its experiment in MLflow."""
    return f"{pipeline}{OWN_TEST}"


def data_uri(name: str) -> str:
    """The URI of Airflow's asset for the raw data `name`: `aiwf data add` announces revisions of
    it."""
    return f"aiwf://data/{name}"


class Approval(Section):
    """A person approves in Airflow before anything is packed. No answer is a refusal."""

    assigned_users: tuple[str, ...] = Field(
        (),
        description="Airflow users who may answer, by user name; empty: everyone who may start "
        "runs.",
    )
    response_hours: float = Field(
        168, gt=0, le=8760, description="Hours to wait for an answer; then it counts as refused."
    )


class Notification(Section):
    """One of Airflow's notifiers, and what it is called for."""

    notifier: ClassPath = Field(
        WEBHOOK,
        description="Class path of an Airflow notifier, such as "
        "airflow.providers.smtp.notifications.smtp.SmtpNotifier. The default posts JSON to the "
        "address of an Airflow connection.",
    )
    arguments: dict[str, Any] = Field(
        {},
        description="Arguments of the notifier: for the default {http_conn_id: NAME}, an Airflow "
        "connection, which keeps address and password out of this file. Texts may be templates: "
        "{{ verdict }} and {{ reasons }} are filled in for a verdict.",
    )
    events: tuple[Literal["verdict", "approval", "failure"], ...] = Field(
        ("verdict", "approval", "failure"),
        min_length=1,
        description="What is notified: the verdict on a trained model, an approval that is "
        "awaited, a task that failed.",
    )


class AirflowConfig(Section):
    """How Airflow runs the pipeline, beside `schedule`. Nothing here changes what is made."""

    on_data_change: bool = Field(
        False,
        description="Whether a new revision of the data (`aiwf data add`, the studio) starts a "
        "run on that revision.",
    )
    watch_folder: str = Field(
        "",
        description="Absolute path of a folder that Airflow watches. What arrives there is added "
        "as a revision of the data and starts a run: the newest zip in it, or without one all its "
        "files together. Empty: none is watched.",
    )
    approval: Approval | None = Field(
        None,
        description="Whether a person has to approve in Airflow, after the report and before "
        "packing; {}: anyone. A run without Airflow's scheduler does not ask.",
    )
    notify: tuple[Notification, ...] = Field(
        (), description="Notifiers to call, each a table with the keys below."
    )

    @field_validator("watch_folder")
    @classmethod
    def absolute(cls, value: str) -> str:
        """Refuse a path that each of Airflow's processes would look for in another place."""
        if value and not Path(value).is_absolute():
            raise ValueError(f"'{value}' is not an absolute path, such as /srv/incoming/flowers.")
        return value

    @property
    def runs_on_data(self) -> bool:
        """Whether a new revision of the data starts a run."""
        return self.on_data_change or bool(self.watch_folder)
