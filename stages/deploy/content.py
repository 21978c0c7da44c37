"""What goes into a package, before a target lays it out."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from stages.artifacts import Dataset, Model, Report, canonical
from stages.deploy.compressors import Compressor
from stages.evaluate import native
from stages.media import Medium
from stages.parts import MEDIA
from stages.runtime.answers import KINDS, Kind
from stages.runtime.answers import of as kind_of
from stages.runtime.backends import BACKENDS

NETWORK = "model.onnx"
ONLY_ON = {"uvloop": ";sys_platform!='win32'"}  # uvicorn does without it there


@dataclass(frozen=True)
class Content:
    """`description` becomes package.json, `network` model.onnx; `golden` are samples by name."""

    name: str
    description: dict[str, Any]
    network: bytes
    golden: dict[str, bytes]

    @property
    def sdk(self) -> str:
        """The name of the Python package inside."""
        return f"{self.name}_sdk"

    @property
    def backend(self) -> str:
        return str(self.description["backend"])

    @property
    def kind(self) -> Kind:
        return kind_of(self.description)

    @property
    def medium(self) -> Medium:
        medium: Medium = MEDIA[self.description["medium"]]()
        return medium

    @property
    def libraries(self) -> tuple[str, ...]:
        """What has to be installed to run it."""
        return ("numpy", *self.medium.libraries, *BACKENDS[self.backend].libraries)


def description(
    name: str, model: Model, report: Report, dataset: Dataset, compressor: Compressor, backend: str
) -> dict[str, Any]:
    """package.json: all that the runtime has to know."""
    known = native.description(model, backend)
    return {
        **known,
        "name": name,
        "thing": MEDIA[known["medium"]].thing,
        "draws": KINDS[known["answers"]].draws,
        "format": compressor.format,
        "model": NETWORK,
        "numeric": compressor.numeric,
        "input_shape": list(model.input_shape),
        "threshold": report.threshold,
        "made_of": {one.kind: one.ref.id for one in (dataset, model, report)},
    }


def spelled(record: Any) -> bytes:
    """JSON that a person can read; equal records have equal bytes."""
    import json

    ordered = json.loads(canonical(record))
    return (json.dumps(ordered, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()


def requirements(libraries: tuple[str, ...]) -> bytes:
    """requirements.txt with the versions that the package was tested with here."""
    lines = (f"{name}=={version(name)}{ONLY_ON.get(name, '')}\n" for name in libraries)
    return "".join(lines).encode()
