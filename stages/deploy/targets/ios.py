"""ios: a device_sdk package with a Swift package in the folder ios/, which was not run: the C
sources with the network, the package as resources, and a wrapper in Swift."""

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
from stages.deploy.content import Content
from stages.deploy.targets.device_sdk import DeviceSdk
from stages.runtime.errors import AgreementNotMet

FOLDER = "ios"
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
        """The package as resources of the Swift package."""
        network = network_source(content)
        assets = package_files(content.description, network.digest, folder)
        return {f"{FOLDER}/{SWIFT_TARGET}/model/{name}": data for name, data in assets.items()}

    def statements(self, folder: Path, content: Content) -> list[str]:
        """What was not run, which is nearly everything."""
        compiled = _compile(folder)
        return [
            "Not run: the Swift package was neither compiled by Xcode nor run on iOS or macOS; its "
            "Swift file was not compiled at all.",
            "Verified on this computer: the C sources of the Swift package compile."
            if compiled
            else "Not verified: there was no C compiler here for its C sources.",
        ]

    def verify(self, folder: Path, content: Content) -> None:
        """Run the package's selftest, and compile the C sources of the Swift package. Raises
        AgreementNotMet if one fails."""
        super().verify(folder, content)
        _compile(folder)


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
"""
