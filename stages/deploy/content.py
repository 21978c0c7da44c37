"""The content of a package, before a target lays it out as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from stages.artifacts import Dataset, Model, Report, canonical
from stages.deploy.engines import Engine, Network
from stages.evaluate import native
from stages.media import Modality
from stages.parts import MODALITIES
from stages.runtime.answers import KINDS, AnswerKind
from stages.runtime.answers import of as kind_of
from stages.runtime.backends import BACKENDS
from stages.runtime.description import FORMAT, SEVERAL_FORMAT, descriptions_of
from stages.runtime.libraries import LEAST, PYTHON

ONLY_ON = {"uvloop": ";sys_platform!='win32'"}  # uvicorn does without it there


@dataclass(frozen=True)
class Content:
    """The content of a package: `description` becomes package.json, `network` holds the network's
    files, `golden` the golden samples by file name."""

    name: str
    description: dict[str, Any]
    network: Network
    golden: dict[str, bytes]

    @property
    def sdk(self) -> str:
        """The name of the Python package inside."""
        return f"{self.name}_sdk"

    @property
    def backend(self) -> str:
        """The name of the engine's backend in the runtime."""
        return str(self.description["backend"])

    @property
    def kind(self) -> AnswerKind:
        return kind_of(self.description)

    @property
    def modality(self) -> Modality:
        modality: Modality = MODALITIES[self.description["modality"]]()
        return modality

    @property
    def libraries(self) -> tuple[str, ...]:
        """The libraries that the package needs."""
        return libraries_of(self.description)


def joined(first: Content, second: Content, sets: Mapping[str, Sequence[str]]) -> Content:
    """The content of a package with the networks of both, of which the runtime chooses one by the
    processor; `sets`: the instruction sets by number format. The files of the second are in a
    folder that has its number format's name, as files of a network may name each other."""
    numeric = second.description["numeric"]
    places = {first.description["numeric"]: "", numeric: f"{numeric}/"}
    networks = [
        {
            "numeric": name,
            "model": f"{place}{first.description['model']}",
            "instruction_sets": list(sets[name]),
        }
        for name, place in places.items()
    ]
    return replace(
        first,
        description={
            **first.description,
            "package_format": SEVERAL_FORMAT,
            "by_processor": networks,
        },
        network={
            **first.network,
            **{f"{places[numeric]}{name}": data for name, data in second.network.items()},
        },
    )


def libraries_of(description: Mapping[str, Any]) -> tuple[str, ...]:
    """The libraries, by their names in pip, that a package with this package.json needs."""
    modality, parts = MODALITIES[description["modality"]], descriptions_of(description)
    engines = [library for part in parts for library in BACKENDS[part["backend"]].libraries]
    return ("numpy", *modality.libraries, *dict.fromkeys(engines))


def requires(libraries: Sequence[str]) -> dict[str, str]:
    """The oldest versions of Python and of `libraries` that the runtime works with."""
    return {"python": PYTHON, **{name: LEAST[name] for name in libraries if name in LEAST}}


def description(
    name: str, model: Model, report: Report, dataset: Dataset, engine: Engine, numeric: str
) -> dict[str, Any]:
    """The content of package.json: everything that the runtime needs to know."""
    fields = native.description(model, engine.backend)
    return {
        **fields,
        "package_format": FORMAT,
        "requires": requires(libraries_of(fields)),
        "name": name,
        "noun": MODALITIES[fields["modality"]].noun,
        "draws": KINDS[fields["answers"]].draws,
        "format": engine.format,
        "model": engine.files[0],
        "numeric": numeric,
        "input_shape": list(model.input_shape),
        "threshold": report.threshold,
        "sure_from": report.sure_from,
        "made_of": {artifact.kind: artifact.ref.id for artifact in (dataset, model, report)},
    }


def spelled(record: Any) -> bytes:
    """Encode `record` as indented JSON; equal records give equal bytes."""
    import json

    ordered = json.loads(canonical(record))
    return (json.dumps(ordered, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()


def requirements(libraries: tuple[str, ...]) -> bytes:
    """The content of requirements.txt: the versions that the package was tested with."""
    lines = (f"{name}=={version(name)}{ONLY_ON.get(name, '')}\n" for name in libraries)
    return "".join(lines).encode()


def optional_requirements(modality: Modality) -> bytes:
    """Lines for requirements.txt, as comments: the libraries that only some samples need. The
    package was tested without such samples, so no version is named."""
    items = modality.optional_libraries.items()
    return "".join(f"# To read {samples}: pip install {name}\n" for name, samples in items).encode()


def least_requirements(description: Mapping[str, Any]) -> bytes:
    """The content of requirements-least.txt: at least the oldest versions that work."""
    least = requires(libraries_of(description))
    names = (name for name in least if name != "python")
    return "".join(f"{name}>={least[name]}\n" for name in names).encode()
