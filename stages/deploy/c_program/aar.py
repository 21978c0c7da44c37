"""The layout of an Android library (AAR), and its Java classes run on this computer's JVM."""

import io
import shutil
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.deploy.c_program.sources import NATIVE, NetworkSource, library_files
from stages.runtime.errors import AgreementNotMet, ConfigError

JAVA = NATIVE / "java"
CLASSES = ("Answer.java", "Predictor.java", "PredictorException.java")
CLASS_FOLDER = "org/aiworkflow/sdk"
RELEASE = "8"  # of Java, which every Android tool reads
BEGINNING = (1980, 1, 1, 0, 0, 0)
PATIENCE = 900  # seconds
MANIFEST = b"""<manifest xmlns:android="http://schemas.android.com/apk/res/android"
    package="org.aiworkflow.sdk">
    <uses-sdk android:minSdkVersion="21" />
</manifest>
"""
PROGUARD = b"-keep class org.aiworkflow.sdk.** { *; }\n"
ALL_DECODERS = ("decode_jpeg.c", "decode_png.c", "no_pictures.c")  # CMake chooses


def java_home() -> Path | None:
    """The folder of a Java development kit with its headers; None if there is none."""
    compiler = shutil.which("javac")
    home = Path(compiler).resolve().parents[1] if compiler else None
    return home if home and (home / "include/jni.h").is_file() else None


def sources(network: NetworkSource, modality: str) -> dict[str, bytes]:
    """What a user's tools compile: C sources with CMake, Java classes, and a script."""
    c_files = library_files(network, modality, ALL_DECODERS)
    c_files |= {name: (JAVA / name).read_bytes() for name in ("aiwf_jni.c", "CMakeLists.txt")}
    return {
        **{f"jni/{name}": data for name, data in c_files.items()},
        **{f"java/{CLASS_FOLDER}/{name}": (JAVA / name).read_bytes() for name in CLASSES},
        "build_android.sh": (JAVA / "build_android.sh").read_bytes(),
    }


def library(assets: Mapping[str, bytes]) -> bytes:
    """The AAR without its compiled C library. `assets`: the package's files for the C library.
    Raises ConfigError without a Java compiler."""
    with TemporaryDirectory() as name:
        compiled = _compiled(Path(name), [JAVA / name for name in CLASSES])
        classes = {
            path.relative_to(compiled).as_posix(): path.read_bytes()
            for path in sorted(compiled.rglob("*.class"))
        }
    return _zipped(
        {
            "AndroidManifest.xml": MANIFEST,
            "classes.jar": _zipped(classes),
            "R.txt": b"",
            "proguard.txt": PROGUARD,
            **{f"assets/model/{name}": data for name, data in assets.items()},
        }
    )


def answers_on_jvm(
    aar: Path, jni: Path, modality: str, samples: Sequence[Path]
) -> list[dict[str, float]]:
    """The scores by label that the AAR's own classes and assets give for `samples`, with the C
    sources in the folder `jni` compiled for this computer. Raises AgreementNotMet if one fails."""
    home = _development_kit()
    with TemporaryDirectory() as name:
        folder = Path(name)
        option = f"-DPICTURES={'ON' if modality == 'pictures' else 'OFF'}"
        java = [f"-DJAVA_HOME={home}", "-DCMAKE_BUILD_TYPE=Release"]
        _run(["cmake", "-S", str(jni), "-B", str(folder / "build"), option, *java])
        _run(["cmake", "--build", str(folder / "build")])
        with zipfile.ZipFile(aar) as archive:
            archive.extractall(folder / "aar")
        classes = _compiled(folder, [JAVA / "Check.java"], folder / "aar/classes.jar")
        path = f"{classes}:{folder / 'aar/classes.jar'}:{folder / 'aar'}"
        command = [str(home / "bin/java"), f"-Djava.library.path={folder / 'build'}"]
        command += ["-cp", path, "Check", str(folder / "cache"), *map(str, samples)]
        lines = _run(command).splitlines()
    if len(lines) != len(samples) or any(line.startswith("!") for line in lines):
        raise AgreementNotMet(
            f"The Java classes answer {len(lines)} of {len(samples)} samples: {lines[-1:]}",
            "This is a fault in the library: report it with this message.",
        )
    return [_scores(line.split("\t")) for line in lines]


def _development_kit() -> Path:
    """The folder of java_home. Raises ConfigError without one."""
    home = java_home()
    if home is None:
        raise ConfigError("android: there is no JDK here.", "Run: apt install openjdk-17-jdk")
    return home


def _scores(fields: Sequence[str]) -> dict[str, float]:
    return dict(zip(fields[::2], map(float, fields[1::2]), strict=True))


def _compiled(folder: Path, files: Sequence[Path], path: Path | None = None) -> Path:
    """The folder of the classes that the Java `files` are compiled to, with `path` to others."""
    out, compiler = folder / "classes", str(_development_kit() / "bin/javac")
    options = ["--release", RELEASE, "-g:none", "-Xlint:-options", "-encoding", "UTF-8"]
    earlier = ["-cp", str(path)] if path else []
    _run([compiler, *options, *earlier, "-d", str(out), *map(str, files)])
    return out


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """`files` as a zip; equal ones have equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(
                zipfile.ZipInfo(name, BEGINNING), files[name], compress_type=zipfile.ZIP_DEFLATED
            )
    return out.getvalue()


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except FileNotFoundError:
        raise ConfigError(
            f"android: {command[0]} is not here.", "Install cmake and a JDK."
        ) from None
    except subprocess.TimeoutExpired:
        raise AgreementNotMet(
            f"android: {Path(command[0]).name} took more than {PATIENCE} seconds.",
            "Deploy again when this machine has less to do.",
        ) from None
    if done.returncode:
        raise AgreementNotMet(
            f"android: {Path(command[0]).name} fails: {(done.stderr or done.stdout)[-500:]}",
            "This is a fault in what was written: report it with this message.",
        )
    return done.stdout
