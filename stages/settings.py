"""Settings of a machine: addresses, keys and folders, from AIWF_* variables."""

import os
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from stages.databases import mlflow_address_of
from stages.runtime.errors import ConfigError


class Settings(BaseSettings):
    """Built by runner, cli and infra only; a laptop needs none of it set."""

    model_config = SettingsConfigDict(
        env_prefix="AIWF_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    workspace: Path = Field(Path(".aiwf"), description="Folder for everything that is made.")
    pipelines: Path = Field(Path("configs/pipelines"), description="Folder of pipeline YAMLs.")
    device_profiles: Path = Field(Path("configs/devices"), description="Folder of device profiles.")
    store: str = Field("", description="'' for a folder in the workspace, or s3://bucket/prefix.")
    s3_endpoint: str = "http://127.0.0.1:8333"
    s3_access_key: SecretStr = SecretStr("")
    s3_secret_key: SecretStr = SecretStr("")
    mlflow: str = Field(
        "", description="MLflow's tracking address; '' for SQLite in the workspace."
    )
    ray: str = Field(
        "local",
        description="'local' starts Ray for the run; 'auto' or host:6379 use a cluster that this "
        "machine belongs to; http://host:8265 hands training in there as a Ray Job.",
    )
    dvc_remote: str = Field(
        "", description="DVC remote for raw data; '' keeps it in the workspace."
    )
    weights: str = Field(
        "",
        description="Weights that you give: a folder or s3://bucket/prefix with <family>.npz or "
        "the publisher's files.",
    )
    threads: int = Field(len(os.sched_getaffinity(0)), gt=0, description="Processor cores to use.")
    gpus: int = Field(
        0, ge=0, description="Graphics processors to fine-tune on: one for each worker."
    )
    device: str = Field(
        "", description="Name of this machine as a device whose limits a pipeline may ask for."
    )
    machine_speed: float = Field(
        1.0, gt=0, description="This machine's speed; a 2-core laptop is 1."
    )
    airflow: str = Field(
        "",
        description="Airflow's address, where new revisions of raw data are announced; '' for the "
        "one that `aiwf up` starts here.",
    )
    airflow_user: str = Field("admin", description="User of the Airflow at `airflow`.")
    airflow_password: SecretStr = SecretStr("")
    airflow_port: int = 8080
    mlflow_port: int = 5000
    studio_port: int = 8600
    live_port: int = Field(8700, description="Where `aiwf up` answers with what is published.")
    hosts: str = Field(
        "",
        pattern=r"^[A-Za-z0-9.,\- ]*$",
        description="Further names, with commas, under which the servers of `aiwf up` are reached, "
        "such as that of a proxy before them.",
    )

    def __init__(self, **values: Any) -> None:
        """Raises ConfigError, naming each variable that does not fit."""
        try:
            super().__init__(**values)
        except ValidationError as error:  # its text may hold a secret's value
            problems = [
                f"AIWF_{problem['loc'][0]}".upper()
                + f": {problem['msg'].removeprefix('Value error, ')}"
                for problem in error.errors()
            ]
            raise ConfigError(
                f"{'; '.join(problems)}.", "Correct or unset these variables."
            ) from None

    @classmethod
    def secrets(cls) -> list[str]:
        """The names of the fields that hold keys."""
        return [name for name, field in cls.model_fields.items() if field.annotation is SecretStr]

    @classmethod
    def taken(cls) -> "Settings":
        """The settings of this process's environment, with the keys taken out of it: neither what
        the process runs from now on nor what it starts finds them there."""
        settings = cls()
        variables = {f"AIWF_{name}".upper() for name in cls.secrets()}
        for variable in [name for name in os.environ if name.upper() in variables]:
            del os.environ[variable]
        return settings

    @field_validator("ray")
    @classmethod
    def refuse_ray_client(cls, address: str) -> str:
        """Refuse Ray Client: a search through it could not report its trials here."""
        if address.startswith("ray://"):
            raise ValueError(
                f"training cannot be driven through {address}; http://host:8265 hands it in as a "
                "Ray Job, auto or host:6379 is for a machine of the cluster"
            )
        return address

    @property
    def job_address(self) -> str:
        """Where training is handed in as a Ray Job; '' if it is driven from here."""
        return self.ray if self.ray.startswith(("http://", "https://")) else ""

    @property
    def root(self) -> Path:
        """The workspace as an absolute path."""
        return self.workspace.absolute()

    @property
    def cache(self) -> Path:
        """The folder in the workspace for what can be made or fetched again."""
        return self.root / "cache"

    @property
    def devices_file(self) -> Path:
        """The file with the devices that a person has added."""
        return self.root / "devices.json"

    @property
    def mlflow_uri(self) -> str:
        """MLflow's tracking server; by default a database in the workspace."""
        return self.mlflow or mlflow_address_of(self.root / "mlflow" / "mlflow.db")
