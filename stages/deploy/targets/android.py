"""android: a device_sdk package with an Android library (AAR) in the folder android/, whose classes
were run on this computer's JVM and not on a phone."""

import platform
from pathlib import Path

from stages.deploy.c_program import aar
from stages.deploy.c_program.sources import network_source, package_files
from stages.deploy.content import Content
from stages.deploy.targets.device_sdk import DeviceSdk
from stages.deploy.targets.executable import GoldenComparison, compared

FOLDER = "android"


class Android(DeviceSdk):
    """Java classes, the package as assets, and the C sources with the network, which the user's
    NDK compiles. Samples of the test split are answered by the package's Python code."""

    def files(self, content: Content) -> dict[str, bytes]:
        """The package's files by relative path. Raises ConfigError, naming it, for a network that
        cannot be compiled in."""
        network = network_source(content)
        parts = aar.sources(network, content.description["modality"])
        files = super().files(content)
        return {
            **files,
            **{f"{FOLDER}/{name}": data for name, data in parts.items()},
            "README.md": files["README.md"] + _section(content).encode(),
        }

    def golden_files(self, folder: Path, content: Content) -> dict[str, bytes]:
        """The AAR, whose assets have the golden samples."""
        network = network_source(content)
        assets = package_files(content.description, network.digest, folder)
        return {f"{FOLDER}/{content.name}.aar": aar.library(assets)}

    def statements(self, folder: Path, content: Content) -> list[str]:
        """What was verified here, and what not."""
        golden = _golden_of(folder, content)
        return [
            f"Verified on the JVM of this computer ({platform.machine()}): the AAR's classes and "
            f"assets, with its C sources compiled here, answer {golden.samples} golden samples, "
            f"{golden.agreeing} with the package's label; scores differ by at most "
            f"{golden.furthest:.6f} ({golden.tolerance:g} allowed).",
            "Not run: nothing was compiled by an Android NDK, and nothing ran on Android.",
        ]

    def verify(self, folder: Path, content: Content) -> None:
        """Run the package's selftest, and the AAR's classes on the golden samples. Raises
        AgreementNotMet if one fails."""
        super().verify(folder, content)
        _golden_of(folder, content)


def _golden_of(folder: Path, content: Content) -> GoldenComparison:
    place, modality = folder / FOLDER, content.description["modality"]
    library = place / f"{content.name}.aar"
    return compared(
        folder,
        content,
        lambda samples: aar.answers_on_jvm(library, place / "jni", modality, samples),
        "Android library",
    )


def _section(content: Content) -> str:
    """The README's section on Android."""
    call = {
        "pictures": "predictPixels(colours, width, height)",
        "sounds": "predictSamples(samples, channels, rate)",
    }[content.description["modality"]]
    return f"""
## On Android

`{FOLDER}/{content.name}.aar` has the Java classes and the package; it lacks the compiled library,
as no Android NDK was at hand. Compile it with yours, which puts it into the AAR:

    ANDROID_NDK=/path/to/ndk sh {FOLDER}/build_android.sh {FOLDER}/{content.name}.aar

Then, in an app with that AAR:

    try (Predictor predictor = Predictor.openAssets(new File(context.getCacheDir(), "model"))) {{
        List<Answer> answers = predictor.{call};
    }}

The classes were run on a computer's JVM on the golden samples; nothing of this ran on Android.
"""
