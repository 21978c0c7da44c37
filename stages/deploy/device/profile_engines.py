"""A device profile beside the engines that it names: whether they run the number formats of its
processors, and which processors no engine uses."""

from stages.config.device_profile import DeviceProfile, Processor
from stages.deploy.engines import Engine
from stages.parts import ENGINES
from stages.runtime.errors import ConfigError

FLOAT32 = "float32"  # every engine computes it, also with weights in fewer bits


def check_profile_engines(profile: DeviceProfile) -> None:
    """Raise ConfigError, naming each, if an engine runs none of the number formats of a processor
    that lists it, or does not use that kind of processor, or if a time was published for an engine
    in a number format that it lacks."""
    problems = [problem for processor in profile.processors for problem in _of_processor(processor)]
    for row in profile.latencies:
        if row.engine in ENGINES and not _runs(ENGINES[row.engine], row.numeric):
            problems.append(f"{row.engine} has no {row.numeric}, in which {row.network} was timed")
    if problems:
        raise ConfigError(
            f"Device profile {profile.name} contradicts the engines: {'; '.join(problems)}.",
            "Correct its engines, numerics or latencies; `aiwf conformance ENGINE` says what an "
            "engine runs.",
        )


def _of_processor(processor: Processor) -> list[str]:
    found = []
    for name in processor.engines:
        engine: Engine = ENGINES[name]
        if processor.kind not in engine.processors:
            found.append(f"{name} does not use a {processor.kind}, as {processor.name} is one")
        elif not any(_runs(engine, numeric) for numeric in processor.numerics):
            formats = ", ".join(processor.numerics)
            found.append(f"{name} has none of the number formats of {processor.name}: {formats}")
    return found


def _runs(engine: Engine, numeric: str) -> bool:
    return numeric == FLOAT32 or numeric in engine.compressors


def unused_processors(profile: DeviceProfile) -> list[str]:
    """A sentence for each processor that no engine uses, about where operators run instead."""
    engines = ", ".join(profile.engines)
    return [
        f"{processor.name} ({processor.kind}): with {engines} every operator falls back to the cpu"
        for processor in profile.processors
        if engines and not processor.engines
    ]
