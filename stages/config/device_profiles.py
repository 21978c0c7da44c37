"""Reads the profiles of devices, and fills in what a pipeline takes over from one."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from stages.config.device import HERE
from stages.config.device_profile import DeviceProfile, contradictions
from stages.config.evaluate import DeployConfig
from stages.config.reading import Place, key_lines
from stages.config.safe_yaml import YamlProblem, parse_yaml
from stages.config.sections import PipelineConfig
from stages.config.text_file import decoded
from stages.runtime import neutral
from stages.runtime.errors import ConfigError
from stages.runtime.registry import nearest

MICROCONTROLLER = "microcontroller"  # the target
FLOAT32_BYTES = 4
MOST_BYTES = 100_000
NO_DEVICES: Mapping[str, str] = {}
MOST_LISTED = 20  # mistakes of one profile


def profile_names(folder: Path) -> list[str]:
    """The names of the profiles in `folder`, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml") if path.is_file())


def find_profile(name: str, folder: Path) -> DeviceProfile | None:
    """The profile called `name` in `folder`; None if there is none.

    Raises ConfigError as `read_profile` does."""
    return read_profile(folder / f"{name}.yaml") if name in profile_names(folder) else None


def read_profile(path: Path) -> DeviceProfile:
    """The profile in the file at `path`.

    Raises ConfigError with file, line and key of everything that is wrong or contradicts itself,
    and what to do."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ConfigError(f"{path} is too large for a device profile.", "Is it another file?")
        raw, node = parse_yaml(decoded(data))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Cannot read {path}: {error}.", "Save it as UTF-8 text.") from error
    except YamlProblem as error:
        line = f", line {error.line}" if error.line else ""
        raise ConfigError(
            f"{path}{line}: this is not YAML that can be read: {error.problem}.",
            "Check indentation, colons and quotes.",
        ) from None
    if not isinstance(raw, dict):
        raise ConfigError(
            f"{path} holds no keys with values.",
            f"The keys are: {', '.join(DeviceProfile.model_fields)}.",
        )
    lines = key_lines(node) if node else {}
    try:
        profile = DeviceProfile.model_validate(raw)
    except ValidationError as error:
        messages = [
            f"{_origin(path, problem['loc'], lines)}: {_sentence(problem['msg'])}"
            for problem in error.errors()[:MOST_LISTED]
        ]
        raise ConfigError(
            "\n".join(messages), f"The keys are: {', '.join(DeviceProfile.model_fields)}."
        ) from error
    _check(profile, path, lines)
    return profile


def with_profile(
    pipeline: PipelineConfig,
    folder: Path,
    device: str = "",
    added: Mapping[str, str] = NO_DEVICES,
) -> PipelineConfig:
    """`pipeline` with the limits and the engine of its device's profile in `folder`, where it sets
    none itself. A search of architectures counts parameters before a network is built, so it takes
    a size over as so many of float32. `device`: the name of this machine as a device. `added`: the
    names of devices that a person has added, each with that of its profile, or ''.

    Raises ConfigError, with the nearest name and the list, for a device without a profile or limits
    of its own, and if the pipeline's engine does not run on the device."""
    limits = pipeline.train.device
    profile = find_profile(added.get(limits.profile) or limits.profile, folder)
    if profile is None:
        if limits.profile not in (HERE, device, *added) and not limits.limits:
            raise unknown_profile(limits.profile, folder, "train.device.profile")
        return pipeline
    missing = {key: value for key, value in profile.limits.items() if key not in limits.limits}
    if pipeline.train.architecture == "search" and "size_mb" in missing:
        parameters = int(missing.pop("size_mb") * 1e6 / FLOAT32_BYTES)
        missing["parameters"] = limits.parameters or parameters
    train = pipeline.train.model_copy(update={"device": limits.model_copy(update=missing)})
    return pipeline.model_copy(update={"train": train, "deploy": _deploy(pipeline, profile)})


def unknown_profile(name: str, folder: Path, key: str = "") -> ConfigError:
    """The error that there is no profile called `name`. `key`: where a pipeline names it."""
    names = profile_names(folder)
    return ConfigError(
        f"{f'{key}: no' if key else 'No'} device is called '{neutral.line(name)[:80]}'.",
        f"{nearest(name, names)}In {folder} (AIWF_DEVICE_PROFILES) there are: "
        f"{', '.join(names) or 'none'}. Or set limits in "
        "train.device and measure on the device itself (AIWF_DEVICE, or aiwf device add).",
    )


def _deploy(pipeline: PipelineConfig, profile: DeviceProfile) -> DeployConfig:
    deploy = pipeline.deploy
    if profile.is_microcontroller and deploy.targets == (MICROCONTROLLER,):
        return deploy  # its C source needs no engine there
    if not profile.engines:
        needed = "; ".join(f"{other.name}: {other.note}" for other in profile.other_engines)
        raise ConfigError(
            f"train.device.profile: no engine of this product runs on {profile.title}.",
            f"Write deploy.targets: [{MICROCONTROLLER}], which makes C source for it."
            if profile.is_microcontroller
            else (f"It needs {needed}" if needed else "Choose another device."),
        )
    if "engine" not in deploy.model_fields_set and profile.engine:
        deploy = deploy.model_copy(update={"engine": profile.engine})
    for engine in deploy.engines:
        if engine not in profile.engines:
            key = "deploy.engine" if engine == deploy.engine else "deploy.targets"
            raise ConfigError(
                f"{key}: {engine} does not run on {profile.name}.",
                f"Name one of: {', '.join(profile.engines)}.",
            )
    return deploy


def _check(profile: DeviceProfile, path: Path, lines: dict[Place, int]) -> None:
    """Raise ConfigError if `profile` contradicts itself or its file's name."""
    if profile.name != path.stem:
        raise ConfigError(
            f"{_origin(path, ('name',), lines)}: it is called {profile.name}.",
            f"Write name: {path.stem}, or rename the file.",
        )
    found = list(contradictions(profile))
    if found:
        raise ConfigError(
            "\n".join(f"{_origin(path, row.place, lines)}: {row.problem}" for row in found),
            " ".join(dict.fromkeys(row.remedy for row in found)),
        )


def _origin(path: Path, place: Place, lines: dict[Place, int]) -> str:
    """File, line and key of `place`."""
    located = place
    while located not in lines and located:
        located = located[:-1]
    line = f", line {lines[located]}" if located in lines else ""
    key = ".".join(map(str, place))
    return f"{path}{line}: {key}" if key else f"{path}{line}"


def _sentence(text: str) -> str:
    return text.removeprefix("Value error, ").rstrip(".") + "."
