"""aiwf chain: a detector and a classifier of its boxes become one package."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stages.settings import Settings

if TYPE_CHECKING:
    from stages.artifacts import Package
    from stages.deploy.chain.parts import ChainPart
    from stages.store import Store

NAMED = "package@id, a package's folder or zip, a run, or a pipeline for its newest run."


def chain(
    detector: Annotated[str, typer.Argument(metavar="DETECTOR", help=f"What finds boxes: {NAMED}")],
    classifier: Annotated[
        str, typer.Argument(metavar="CLASSIFIER", help="What names the content of each: likewise.")
    ],
    labels: Annotated[
        str, typer.Option(help="The detector's labels whose boxes are classified: die,card.")
    ] = "",
    margin: Annotated[
        float | None,
        typer.Option(
            help="Around a box, as a share of its sides. Without it that of the crops which the "
            "classifier was trained on, or 0.1."
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the package.")] = "",
    target: Annotated[str, typer.Option(help="cloud_api or device_sdk.")] = "cloud_api",
    against: Annotated[
        str, typer.Option(help=f"A single detector of the same labels to compare with: {NAMED}")
    ] = "",
    truth: Annotated[
        str,
        typer.Option(
            metavar="DATA",
            help="Data whose boxes on the detector's test photos have the final labels: a name or "
            "dataset@id. Not needed if the detector's own data have them.",
        ),
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Write the package here: a new folder, or a .zip.")
    ] = None,
) -> None:
    """Make one package of two: a detector, and a classifier of what is in its boxes. It is measured
    from photo to label, and shipped only if it answers as the two trained models do."""
    from stages.deploy.chain.chain_content import ChainRule
    from stages.deploy.chain.packing import ChainRequest, make_chain, note_chain
    from stages.opening import open_store
    from stages.runner.chain import annotations_of, chain_name, named_part

    settings = Settings()
    _check_out(out)
    store = open_store(settings)
    parts = [named_part(part, store, settings) for part in (detector, classifier)]
    package = make_chain(
        ChainRequest(
            name=chain_name(name, *parts),
            detector=parts[0],
            classifier=parts[1],
            rule=ChainRule(_listed(labels), _margin(margin, parts[1], store)),
            target=target,
            against=named_part(against, store, settings) if against else None,
            truth=(truth, annotations_of(truth, store, settings)) if truth else None,
        ),
        store,
        settings.threads,
        _announcer(),
    )
    note_chain(package, store)
    _print(package, _written(package, store, settings, out))


def _listed(labels: str) -> tuple[str, ...]:
    return tuple(label.strip() for label in labels.split(",") if label.strip())


def _margin(requested: float | None, classifier: "ChainPart", store: "Store") -> float:
    """The margin that is `requested`, or that of the classifier's own crops."""
    from stages.deploy.chain.truth import margin_for, trained_margin

    if requested is None:
        return margin_for(classifier, store)
    found = trained_margin(classifier, store)
    if found is not None and found != requested:
        print(f"The classifier was trained on crops with a margin of {found:g}.")
    return requested


def _check_out(out: Path | None) -> None:
    from stages.runtime.errors import ConfigError

    if out is not None and (out.exists() or out.is_symlink()):
        raise ConfigError(f"{out} is there already.", "Name a new folder or zip.")


def _announcer() -> Callable[[str, int, int], None]:
    """A function that says once when a part of the work begins."""
    announced: set[str] = set()

    def announce(what: str, done: int, total: int) -> None:
        if what not in announced:
            announced.add(what)
            print(f"  {what}" + (f": {total:,}" if total > 1 else ""), flush=True)

    return announce


def _written(package: "Package", store: "Store", settings: Settings, out: Path | None) -> Path:
    from stages.deploy.pack import unpack, zipped
    from stages.runner.publish import unpack_package

    if out is None:
        return unpack_package(package, store, settings)
    return zipped(package, store, out) if out.suffix == ".zip" else unpack(package, store, out)


def _print(package: "Package", place: Path) -> None:
    from stages.evaluate import formatting

    print(f"{package.ref}  {package.name}: {package.numeric}, {package.size_bytes / 1e6:.1f} MB")
    for name in ("micro_recall", "micro_precision", "ap50"):
        if name in package.overall:
            measured = formatting.counted_measure(package.overall[name])
            print(f"  {formatting.metric(name):<16} {measured}")
    if package.agreement.n:
        print(f"  agrees with both trained models on {formatting.measured(package.agreement)}")
    for reason in package.reasons:
        print(f"  {reason}")
    print(f"  {place}")
    print(f"  What it measured: {place / 'report.html' if place.is_dir() else 'report.html in it'}")
