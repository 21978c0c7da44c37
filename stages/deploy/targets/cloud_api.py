"""cloud_api: an HTTP service. The files of a device_sdk package, with a server and a Dockerfile."""

from stages.deploy.content import Content, least_requirements, optional_requirements, requirements
from stages.deploy.sdk import sources
from stages.deploy.targets import texts
from stages.deploy.targets.device_sdk import DeviceSdk

LIBRARIES = (
    *("fastapi", "python-multipart", "prometheus-client", "swagger-ui-bundle"),
    *("uvicorn", "httptools", "uvloop"),  # the latter two make uvicorn fast
)


UNTRIED = b"# The server's libraries as tested; older versions of these were not tried:\n"


class CloudApi(DeviceSdk):
    """POST /predict, GET /health, /metadata, /metrics, /docs."""

    def files(self, content: Content) -> dict[str, bytes]:
        """The package's files by relative path."""
        return {
            **super().files(content),
            **sources(content.sdk, content.description, serves=True),
            "README.md": texts.cloud_readme(content).encode(),
            "requirements.txt": requirements((*content.libraries, *LIBRARIES))
            + optional_requirements(content.modality),
            "requirements-least.txt": least_requirements(content.description)
            + UNTRIED
            + requirements(LIBRARIES),
            "Dockerfile": texts.dockerfile(content).encode(),
            ".dockerignore": b"**/__pycache__\n",
        }
