"""ios: a device_sdk package with a Swift package in the folder ios/, which was not run: the C
sources with the network, the package as resources, and a wrapper in Swift. Where coremltools is
installed, the network is beside it as a .mlpackage of Core ML, converted and not run."""

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.deploy.c_program.sources import (
    NATIVE,
    NetworkSource,
    library_files,
    network_source,
    package_files,
)
from stages.deploy.c_source.builds import host_compiler
from stages.deploy.content import Content, spelled
from stages.deploy.coreml.conversion import LIBRARY, converted, is_installed
from stages.deploy.targets.device_sdk import DeviceSdk
from stages.runtime.errors import AgreementNotMet

FOLDER = "ios"
OUTCOME = ("refused", "windows", "furthest")
CONVERSION = "ios/core_ml.json"  # what the conversion came to, for the statements
C_TARGET, SWIFT_TARGET = "Sources/CAiwf", "Sources/Aiwf"
MANIFEST = b"""// swift-tools-version:5.5
import PackageDescription

let package = Package(
    name: "Aiwf",
    platforms: [.iOS(.v13), .macOS(.v11)],
    products: [.library(name: "Aiwf", targets: ["Aiwf"])],
    targets: [
        .target(
            name: "CAiwf", path: "Sources/CAiwf", publicHeadersPath: "include",
            cSettings: [
                .define("AIWF_WITH_COMPILED"), .headerSearchPath("src"),
                .headerSearchPath("network"),
            ]),
        .target(
            name: "Aiwf", dependencies: ["CAiwf"], path: "Sources/Aiwf",
            resources: [.copy("model")]),
    ]
)
"""
MODULE = b"""module CAiwf {
    header "aiwf.h"
    export *
}
"""


class Ios(DeviceSdk):
    """A Swift package over the C library. Its C sources are compiled here and nothing is run;
    samples of the test split are answered by the package's Python code."""

    def files(self, content: Content) -> dict[str, bytes]:
        """The package's files by relative path. Raises ConfigError, naming it, for a network that
        cannot be compiled in."""
        files = super().files(content)
        parts = _sources(network_source(content), content.description["modality"])
        return {
            **files,
            **{f"{FOLDER}/{name}": data for name, data in parts.items()},
            "README.md": files["README.md"] + _section(content).encode(),
        }

    def golden_files(self, folder: Path, content: Content) -> dict[str, bytes]:
        """The package as resources of the Swift package, and the network for Core ML."""
        network = network_source(content)
        assets = package_files(content.description, network.digest, folder)
        resources = {f"{FOLDER}/{SWIFT_TARGET}/model/{name}": assets[name] for name in assets}
        return {**resources, **_for_core_ml(folder, content)}

    def statements(self, folder: Path, content: Content) -> list[str]:
        """What was not run, which is nearly everything."""
        compiled = _compile(folder)
        return [
            "Not run: the Swift package was neither compiled by Xcode nor run on iOS or macOS; its "
            "Swift file was not compiled at all.",
            "Verified on this computer: the C sources of the Swift package compile."
            if compiled
            else "Not verified: there was no C compiler here for its C sources.",
            _core_ml_statement(folder, content.name),
        ]

    def verify(self, folder: Path, content: Content) -> None:
        """Run the package's selftest, and compile the C sources of the Swift package. Raises
        AgreementNotMet if one fails."""
        super().verify(folder, content)
        _compile(folder)


def _for_core_ml(folder: Path, content: Content) -> dict[str, bytes]:
    """The .mlpackage and what its conversion came to; nothing without coremltools."""
    if not is_installed():
        return {}
    files, *outcome = converted(folder, content)
    place = f"{FOLDER}/{content.name}.mlpackage"
    found = {f"{place}/{name}": data for name, data in files.items()}
    return {**found, CONVERSION: spelled(dict(zip(OUTCOME, outcome, strict=True)))}


def _core_ml_statement(folder: Path, name: str) -> str:
    path = folder / CONVERSION
    if not path.is_file():
        return f"Not converted to Core ML: {LIBRARY} was not installed (pip install {LIBRARY})."
    outcome = json.loads(path.read_text("utf-8"))
    if outcome["refused"]:
        return f"Not converted to Core ML: {outcome['refused']}"
    return (
        f"Converted, not run: {FOLDER}/{name}.mlpackage for Core ML, which runs only on macOS and "
        f"iOS. Its operators and weights, read back and computed by numpy, answer "
        f"{outcome['windows']} windows of golden samples within {outcome['furthest']:.6f} of the "
        "package's network."
    )


def _sources(network: NetworkSource, modality: str) -> dict[str, bytes]:
    c_files = library_files(network, modality, ("no_pictures.c",))
    c_files["include/module.modulemap"] = MODULE
    return {
        "Package.swift": MANIFEST,
        f"{SWIFT_TARGET}/Predictor.swift": (NATIVE / "swift/Predictor.swift").read_bytes(),
        **{f"{C_TARGET}/{name}": data for name, data in c_files.items()},
    }


def _compile(folder: Path) -> bool:
    """Compile the C sources of the package in `folder`; False without a compiler. Raises
    AgreementNotMet if they do not compile."""
    compiler = host_compiler()
    if compiler is None:
        return False
    place = folder / FOLDER / C_TARGET
    sources = [str(path) for path in sorted(place.rglob("*.c"))]
    includes = [f"-I{place / name}" for name in ("include", "src", "network")]
    with TemporaryDirectory() as name:
        out = ["-shared", "-fPIC", "-o", str(Path(name) / "library.so")]
        command = [compiler, "-std=c99", "-w", "-DAIWF_WITH_COMPILED", *includes, *out, *sources]
        done = subprocess.run([*command, "-lm"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AgreementNotMet(
            f"ios: the C sources do not compile: {done.stderr[-500:]}",
            "This is a fault in the sources that were written: report it with this message.",
        )
    return True


def _section(content: Content) -> str:
    """The README's section on iOS."""
    call = {
        "pictures": "predict(rgb: bytes, width: width, height: height)",
        "sounds": "predict(samples: samples, channels: 1, rate: rate)",
    }[content.description["modality"]]
    return f"""
## On iOS and macOS: not run

`{FOLDER}/` is a Swift package that compiles the network from C. Neither it nor its Swift file was
compiled by Xcode or run: check it on the golden samples before you rely on it. Add the folder in
Xcode as a local package, then:

    import Aiwf
    let answers = try Predictor().{call}

`{FOLDER}/{content.name}.mlpackage`, if it is here, is the network for Core ML (iOS 15, macOS 12):
converted, not run. `verified_parts.json` says how its files, read back, compare with the package.
It takes one prepared window and gives each label's score; the steps before it are in its metadata.
"""
