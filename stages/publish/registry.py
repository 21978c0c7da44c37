"""The registry of models: MLflow's, with a registered model for each pipeline, a version for each
package that was put forward, and the aliases `champion` and `challenger`.

A version's LoggedModel has the package's signature and metrics, on the data set that it was
measured on. The package itself stays in the store, which has it by its digest: the LoggedModel's
file MLmodel says which one it is. On a laptop the registry is the SQLite file that runs are
recorded in; then no server is needed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from stages.artifacts import Dataset, Package
from stages.runtime.errors import ConfigError
from stages.tracking import rules
from stages.tracking.links import page_of
from stages.tracking.server import TrackingPlace, connect, experiment, refusals

if TYPE_CHECKING:
    from mlflow.entities.model_registry import RegisteredModel

CHAMPION, CHALLENGER = "champion", "challenger"
PIPELINE, PACKAGE, LOGGED_MODEL = "aiwf.pipeline", "aiwf.package", "aiwf.logged_model"


class ModelVersion(NamedTuple):
    """A version of a pipeline's registered model: its number, and the id of its package."""

    number: int
    package: str


class ModelRegistry:
    """The registry at `place`. Every method raises InfrastructureError if it does not answer."""

    def __init__(self, place: TrackingPlace) -> None:
        """Raises InfrastructureError if the registry does not answer."""
        self._place = place
        self._client = connect(place)
        self._packages: dict[tuple[str, int], str] = {}

    def champions(self) -> dict[str, ModelVersion]:
        """The champion of each pipeline that has one."""
        with self._answering():
            found = [model for model in self._models() if CHAMPION in model.aliases]
            return {model.name: self._version(model, CHAMPION) for model in found}

    def aliases(self, pipeline: str) -> dict[str, ModelVersion]:
        """The versions of `pipeline` that have an alias, by alias."""
        with self._answering():
            found = [model for model in self._models() if model.name == pipeline]
            names = [name for model in found for name in model.aliases]
            return {name: self._version(found[0], name) for name in names}

    def register(self, package: Package, data: Dataset | None) -> ModelVersion:
        """The version of `package`, made if there is none. `data`: what its metrics are of."""
        with self._answering():
            self._ensure_model(package.name)
            if found := self._registered(package):
                return found
            run = self._run_of(package)
            logged = self._logged(package, data, run)
            version = self._client.create_model_version(
                package.name,
                logged.artifact_location,
                run_id=run,
                model_id=logged.model_id,
                tags={PACKAGE: package.ref.id, LOGGED_MODEL: logged.model_id},  # SQL keeps no link
            )
            return ModelVersion(int(version.version), package.ref.id)

    def point(self, pipeline: str, alias: str, number: int) -> None:
        """Let `alias` name the version `number`; 0: no version."""
        with self._answering():
            if number:
                self._client.set_registered_model_alias(pipeline, alias, str(number))
            else:
                self._client.delete_registered_model_alias(pipeline, alias)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        with refusals(self._place):
            yield

    def _models(self) -> list["RegisteredModel"]:
        """The registered models that are pipelines of ours."""
        found, token = [], None
        while True:
            page = self._client.search_registered_models(max_results=200, page_token=token)
            found += [model for model in page if PIPELINE in model.tags]
            token = page.token
            if not token:
                return found

    def _version(self, model: "RegisteredModel", alias: str) -> ModelVersion:
        number = int(model.aliases[alias])
        key = (model.name, number)
        if key not in self._packages:  # a version's package never changes
            found = self._client.get_model_version(model.name, str(number))
            self._packages[key] = str(found.tags.get(PACKAGE, ""))
        return ModelVersion(number, self._packages[key])

    def _ensure_model(self, pipeline: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(pipeline, {PIPELINE: pipeline})
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            if PIPELINE not in self._client.get_registered_model(pipeline).tags:
                raise ConfigError(
                    f"MLflow has a registered model '{pipeline}' that is none of ours.",
                    "Rename that one, or the pipeline.",
                ) from error

    def _registered(self, package: Package) -> ModelVersion | None:
        query = f"name='{package.name}' and tags.`{PACKAGE}`='{package.ref.id}'"
        found = self._client.search_model_versions(query, max_results=1)
        return ModelVersion(int(found[0].version), package.ref.id) if found else None

    def _run_of(self, package: Package) -> str:
        """The run that made `package`; a new one if that run is not in this registry."""
        from mlflow.exceptions import MlflowException

        page = page_of(self._place.root, "package", package.ref.id)
        if page is not None:
            try:
                return str(self._client.get_run(page.run).info.run_id)
            except MlflowException:  # removed, or of another server
                pass
        home = experiment(self._client, package.name, self._place)
        run = self._client.create_run(home, run_name="publish", tags={PACKAGE: package.ref.id})
        self._client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    def _logged(self, package: Package, data: Dataset | None, run: str) -> Any:
        """The finished LoggedModel of `package`: signature, metrics and their data set."""
        from mlflow.entities import LoggedModelStatus, Metric

        home = self._client.get_run(run).info.experiment_id
        logged = self._client.create_logged_model(
            home,
            name=f"{package.name}-{package.target}",
            source_run_id=run,
            tags={PACKAGE: package.ref.id, "aiwf.verdict": package.verdict},
            params={"target": package.target, "numeric": package.numeric},
            model_type="aiwf",
        )
        with TemporaryDirectory() as folder:
            _write_mlmodel(Path(folder), package, logged.model_id)
            self._client.log_model_artifacts(logged.model_id, folder)
        now = int(time.time() * 1000)
        digest = data.revision[:32] if data else None
        metrics = [
            Metric(
                rules.key(f"package/{name}"),
                measure.value,
                now,
                0,
                model_id=logged.model_id,
                dataset_name=package.name if digest else None,
                dataset_digest=digest,
            )
            for name, measure in package.overall.items()
        ]
        self._client.log_batch(run, metrics)
        return self._client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)


def _write_mlmodel(folder: Path, package: Package, model: str) -> None:
    """The file MLmodel: the signature, and which package of the store it is about."""
    from mlflow.models import Model
    from mlflow.models.signature import ModelSignature
    from mlflow.types import ColSpec, Schema

    outputs = [ColSpec("string", "label"), ColSpec("double", "score")]
    signature = ModelSignature(Schema([ColSpec("binary", "sample")]), Schema(outputs))
    flavour = {"package": package.ref.id, "target": package.target, "files": len(package.files)}
    Model(signature=signature, model_id=model, flavors={"aiwf": flavour}).save(
        str(folder / "MLmodel")
    )
