"""aiwf devices: the devices whose profiles a pipeline may name."""

from typing import TYPE_CHECKING, Annotated

import typer

from stages.settings import Settings

if TYPE_CHECKING:
    from stages.config.device_profile import DeviceProfile, SourcedFigure


def devices(
    name: Annotated[str | None, typer.Argument(help="A profile, to see all that it says.")] = None,
) -> None:
    """List the profiles of devices for train.device.profile, or show one with its sources."""
    from stages.config.device_profiles import (
        find_profile,
        profile_names,
        read_profile,
        unknown_profile,
    )

    folder = Settings().device_profiles
    if name is None:
        for found in profile_names(folder):
            _print_line(read_profile(folder / f"{found}.yaml"))
        return
    profile = find_profile(name, folder)
    if profile is None:
        raise unknown_profile(name, folder)
    _print_profile(profile)


def _print_line(profile: "DeviceProfile") -> None:
    from stages.runtime.neutral import line

    limits = ", ".join(f"{key} {value:g}" for key, value in profile.limits.items())
    none = "none; target microcontroller" if profile.is_microcontroller else "none of ours"
    engines = ", ".join(profile.engines) or none
    print(f"{profile.name:<18} {line(profile.title)}")
    print(f"{'':<18}   engines: {engines}; limits: {limits or 'none'}")


def _print_profile(profile: "DeviceProfile") -> None:
    from stages.config.device import LIMITS
    from stages.deploy.device.profile_engines import check_profile_engines, unused_processors
    from stages.runtime.neutral import line

    check_profile_engines(profile)
    print(f"{profile.name}: {line(profile.title)}")
    print(f"  memory {_figure(profile.memory_mb, 'MB')}")
    for processor in profile.processors:
        engines = ", ".join(processor.engines) or "none of ours"
        print(f"  {processor.kind} {line(processor.name)}: {', '.join(processor.numerics)}")
        print(f"      engines: {engines}; programmed: {line(processor.programmed)}")
        if processor.instruction_set:
            print(f"      instruction set {processor.instruction_set}")
        for rate in processor.rates:
            print(f"      {rate.gops:g} Gop/s in {rate.numeric} ({line(rate.source)})")
        print(f"      source: {line(processor.source)}")
    for sentence in unused_processors(profile):
        print(f"  {line(sentence)}")
    print("  limits, where the pipeline sets none:")
    for key in LIMITS:
        if (figure := getattr(profile.budgets, key)) is not None:
            print(f"      {key} {_figure(figure, '')}")
    for row in profile.latencies:
        figures = f"{row.numeric} {row.milliseconds:g} ms by {line(row.engine)}"
        print(f"  {line(row.network)}: {figures} ({line(row.source)})")
    if not profile.latencies:
        print("  no published latency: a limit on it is checked on the device only")
    for other in profile.other_engines:
        print(f"  {line(other.name)} ({other.status}): {line(other.note)}")


def _figure(figure: "SourcedFigure", unit: str) -> str:
    from stages.runtime.neutral import line

    return f"{figure.value:g}{unit and ' '}{unit} ({line(figure.source)})"
