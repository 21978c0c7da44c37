"""A folder that answers by itself, on any device with Python and the libraries it names."""

from stages.deploy.content import NETWORK, Content, least_requirements, requirements, spelled
from stages.deploy.sdk import sources
from stages.deploy.targets import texts
from stages.runtime.neutral import line


class DeviceSdk:
    """model, labels, steps as data, golden samples, and the runtime as a Python package."""

    def files(self, content: Content) -> dict[str, bytes]:
        """The package's files by relative name."""
        labels = content.description["labels"]
        return {
            "package.json": spelled(content.description),
            NETWORK: content.network,
            "labels.txt": "".join(f"{line(label)}\n" for label in labels).encode(),
            "README.md": texts.device_readme(content).encode(),
            "requirements.txt": requirements(content.libraries),
            "requirements-least.txt": least_requirements(content.description),
            **content.golden,
            **sources(content.sdk, content.description),
        }
