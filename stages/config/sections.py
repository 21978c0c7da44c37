"""A pipeline as a type, and the slice of it for each stage."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from stages import parts
from stages.config.airflow import AirflowConfig
from stages.config.device import Device
from stages.config.etl import DataConfig, EtlConfig
from stages.config.evaluate import DeployConfig, EvaluateConfig
from stages.config.publish import PublishConfig
from stages.config.section import Name, Section
from stages.config.train import TrainConfig

SCHEDULE = re.compile(r"@[a-z]+|[\w*/,#?-]+( +[\w*/,#?-]+){4,6}")


class EtlSlice(Section):
    """All settings that determine a Dataset, apart from the raw data."""

    task: str
    data: DataConfig
    etl: EtlConfig


class TrainSlice(Section):
    """All settings that determine a Model, apart from its Dataset."""

    train: TrainConfig


class EvaluateSlice(Section):
    """All settings that determine a Report, apart from its Model and Dataset."""

    evaluate: EvaluateConfig
    device: Device = Device()  # the page shows what was measured before the search


class DeploySlice(Section):
    """All settings that determine a Package, apart from its Model, Report and Dataset."""

    name: str
    target: str
    deploy: DeployConfig
    device: Device = Device()


class PipelineConfig(Section):
    """One YAML: a task, its data, its four stages."""

    name: Name = Field(description="The pipeline's name: small letters, digits, underscores.")
    task: Annotated[str, AfterValidator(parts.TASKS.check)] = Field(
        description="What is to be predicted. It also sets the defaults of other keys."
    )
    data: DataConfig = Field(
        description="Name of the data, or name@revision to pin it; otherwise the newest revision "
        "is taken and written into the run's lock."
    )
    schedule: str | None = Field(
        None,
        description="When Airflow runs it: a cron expression or '@daily'; empty means by hand.",
    )
    airflow: AirflowConfig = Field(
        AirflowConfig(), description="What else starts a run, who approves, who is notified."
    )
    etl: EtlConfig = Field(EtlConfig(), description="How samples are read, checked and split.")
    train: TrainConfig = Field(TrainConfig(), description="How models are searched and trained.")
    evaluate: EvaluateConfig = Field(
        EvaluateConfig(), description="How the model is measured, and what it has to reach."
    )
    deploy: DeployConfig = Field(
        DeployConfig(), description="How the model is compressed, verified and packed."
    )
    publish: PublishConfig = Field(
        PublishConfig(), description="Where the package that is live is put."
    )

    @model_validator(mode="before")
    @classmethod
    def as_the_task_does(cls, value: Any) -> Any:
        """Fill in the task's defaults for keys that are not set."""
        if not isinstance(value, dict) or value.get("task") not in parts.TASKS:
            return value
        return _filled(value, parts.TASKS[value["task"]].defaults)

    @field_validator("evaluate")
    @classmethod
    def measured(cls, value: EvaluateConfig, info: ValidationInfo) -> EvaluateConfig:
        """Refuse a gate on a metric that this task does not have."""
        if "task" in info.data:
            value.check_gate(parts.TASKS[info.data["task"]].answers)
        return value

    @field_validator("data", mode="before")
    @classmethod
    def by_name(cls, value: Any) -> Any:
        """Accept a bare name, or 'name@revision'."""
        return DataConfig.fields_of(value) if isinstance(value, str) else value

    @field_validator("schedule")
    @classmethod
    def timed(cls, value: str | None) -> str | None:
        """Check the form only: Airflow checks the rest when it reads the pipeline."""
        if value and not SCHEDULE.fullmatch(value.strip()):
            raise ValueError(
                f"'{value}' is no schedule. Write a cron expression such as '0 3 * * 1', "
                "or '@daily'."
            )
        return value

    def slice(self, stage: str, target: str = "") -> Section:
        """The part of the config that `stage` sees, and whose change makes it run again."""
        match stage:
            case "etl":
                return EtlSlice(task=self.task, data=self.data, etl=self.etl)
            case "train":
                return TrainSlice(train=self.train.without_budget.without_limits)
            case "evaluate":
                return EvaluateSlice(evaluate=self.evaluate, device=self.train.device)
            case _:
                deploy = self.deploy.for_target(target)
                device = self.train.device.requested
                return DeploySlice(name=self.name, target=target, deploy=deploy, device=device)


def _filled(section: Any, defaults: Mapping[str, Any]) -> Any:
    """`section`, a table or a Section, with `defaults` for the keys that it does not set."""
    explicit = section.model_dump(exclude_unset=True) if isinstance(section, Section) else section
    if not isinstance(explicit, dict):
        return section  # an error, which the section's own type reports
    tables = {key: table for key, table in defaults.items() if isinstance(table, Mapping)}
    inner = {key: _filled(explicit.get(key, {}), table) for key, table in tables.items()}
    return {**defaults, **explicit, **inner}
