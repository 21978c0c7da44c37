"""Makes the package of a chain: packed, measured on the detector's test photos, compared with the
two trained models, and verified by its own selftest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from stages.artifacts import Measure, Package, Ref, Report
from stages.config import DeployConfig
from stages.config.evaluate import CHAIN_TARGETS
from stages.deploy.chain.chain_content import (
    ChainRule,
    chain_content,
    common_instruction_sets,
    numeric_of,
)
from stages.deploy.chain.chain_page import chain_page, chain_readme
from stages.deploy.chain.parts import ChainPart, check_parts
from stages.deploy.chain.photo_to_label import (
    SHOWN_FROM,
    BesideDetector,
    agreement,
    beside,
    evaluated,
    packed_answers,
    predicted,
    reference_of,
    single_answers,
    spelled_predictions,
    trained_answers,
)
from stages.deploy.chain.steady_samples import golden_samples
from stages.deploy.chain.truth import Annotations, ChainTest, chain_test, dataset_of
from stages.deploy.content import Content, spelled
from stages.deploy.packed import write_folder
from stages.deploy.targets import Target
from stages.evaluate.about import About
from stages.evaluate.boxes import Boxes
from stages.evaluate.boxes.evaluation import LEAST_AP50, Evaluation
from stages.evaluate.formatting import counted
from stages.evaluate.kinds import Agreement
from stages.media import Modality
from stages.parts import MODALITIES, TARGETS
from stages.runtime.answers import of as kind_of
from stages.runtime.chain import ChainPredictor
from stages.runtime.errors import AgreementNotMet, ConfigError, GateNotMet
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, expected
from stages.runtime.verified import FILE as INSTRUCTION_SETS
from stages.runtime.verified import check_instruction_set
from stages.store import Store

CHAINS = "chains"  # notes of the store: the ids of chains of a name, oldest first
WORST = 24  # mistakes on the report

Notify = Callable[[str, int, int], None]  # what, done, of how many


@dataclass(frozen=True)
class ChainRequest:
    """What a chain is made of. `against`: a single detector to compare it with; None: the detector
    itself, if it answers the same labels. `truth`: the name of annotations with final labels, and
    the boxes by photo. `gate`: minimum metrics of the chain; empty: an AP50 of LEAST_AP50.
    `max_drop`: the largest drop compared with the two trained models."""

    name: str
    detector: ChainPart
    classifier: ChainPart
    rule: ChainRule
    target: str = "cloud_api"
    against: ChainPart | None = None
    truth: tuple[str, Annotations] | None = None
    gate: Mapping[str, float] = field(default_factory=dict)
    max_drop: float = DeployConfig().max_drop

    @property
    def parts(self) -> tuple[ChainPart, ChainPart]:
        return self.detector, self.classifier


@dataclass(frozen=True)
class ChainResult:
    """The packed chain's test. `evaluation`: None without truth; `single`: beside a single
    detector, None without one. `untrained`: parts whose trained model is not known."""

    test: ChainTest
    agreement: Agreement | None
    evaluation: Evaluation | None
    single: BesideDetector | None
    untrained: tuple[str, ...]

    @property
    def verdict(self) -> Literal["ship", "undecided"]:
        """The verdict of a chain that is shipped, so never 'do not ship'."""
        shipped = self.evaluation is not None and self.evaluation.verdict == "ship"
        return "ship" if shipped else "undecided"

    @property
    def record(self) -> dict[str, Any]:
        """As JSON, for measured.json."""
        measured = self.evaluation.measured if self.evaluation else None
        overall = measured.overall if measured else {}
        return {
            "photos": len(self.test.samples),
            "truth": self.test.source,
            "not_counted": self.test.notes,
            "verdict": self.verdict,
            "overall": {name: measure.model_dump() for name, measure in overall.items()},
            "agreement": self.agreement.record() if self.agreement else None,
            "without_trained_model": self.untrained,
            "sure": self.evaluation.sure.record if self.evaluation else None,
            "beside_one_detector": self.single.record if self.single else None,
        }

    @property
    def reasons(self) -> tuple[str, ...]:
        return self.evaluation.reasons if self.evaluation else (self.test.source,)


def make_chain(
    request: ChainRequest, store: Store, threads: int = 1, notify: Notify = lambda *_: None
) -> Package:
    """Make the package of the chain, save it with its report, and return it.

    Raises ConfigError if the two packages cannot be chained, AgreementNotMet if the packed chain
    does not answer as the two trained models do, or fails its selftest, GateNotMet if it surely
    misses a minimum of its gate."""
    check_parts(*request.parts)
    if request.target not in CHAIN_TARGETS:
        raise ConfigError(
            f"A chain cannot be packed for '{request.target}'.",
            f"There are: {', '.join(CHAIN_TARGETS)}.",
        )
    content = chain_content(request.name, *request.parts, request.rule)
    target: Target = TARGETS[request.target]()
    files = target.files(content)
    files |= _processors(request, files)
    test = chain_test(*request.parts, content.description["labels"], store, request.truth)
    result, report = _measured(request, content, files, test, store, threads, notify)
    notify("selftest", 0, 1)
    files = _finished(request, content, files, result, target)
    package = _package(request, content, files, result, report, store)
    store.save(package)
    return package


def note_chain(package: Package, store: Store) -> None:
    """Note `package`, a chain that no run made, as the newest of its name: `aiwf gc` leaves these
    and what they were made of."""
    ids = store.noted(f"{CHAINS}/{package.name}") or []
    older = [id for id in ids if id != package.ref.id]
    store.note(f"{CHAINS}/{package.name}", [*older, package.ref.id])


def _processors(request: ChainRequest, files: dict[str, bytes]) -> dict[str, bytes]:
    """instruction_sets.json, if the parts say for which processors they were verified. Raises
    ConfigError if it is none in common with this machine."""
    common = common_instruction_sets(*request.parts)
    if common is None:
        return {}
    found = {INSTRUCTION_SETS: spelled(common)}
    with TemporaryDirectory() as name:
        write_folder(Path(name), found)
        check_instruction_set(Path(name))
    return found


def _measured(
    request: ChainRequest,
    content: Content,
    files: dict[str, bytes],
    test: ChainTest,
    store: Store,
    threads: int,
    notify: Notify,
) -> tuple[ChainResult, Report | None]:
    if not test.samples:
        return ChainResult(test, None, None, None, ()), None
    labels, total = content.description["labels"], len(test.samples)
    values = packed_answers(
        content, files, test, store, lambda done: notify("photos, packed", done, total)
    )
    packed = predicted(test, labels, values)
    with reference_of(content, *request.parts, store) as reference:
        native = trained_answers(
            reference, test, store, threads, lambda *done: notify("photos, trained models", *done)
        )
    trained = predicted(test, labels, native)
    same = agreement(trained, packed, request.parts, request.max_drop)
    if same.failures:
        raise AgreementNotMet(
            f"The packed chain does not answer as its two trained models: "
            f"{'; '.join(same.failures)}.",
            "Pack the two models again in float32 (deploy.ladder), and chain those packages.",
        )
    if not test.measurable:
        return ChainResult(test, same, None, None, reference.untrained), None
    evaluation = evaluated(packed, values, request.gate or {"ap50": LEAST_AP50})
    if evaluation.verdict == "do not ship":
        raise GateNotMet(
            " ".join(["No chain is made of these two packages.", *evaluation.reasons]),
            "Measure each alone (`aiwf evaluate`): the classifier on crops of the same margin.",
        )
    single = _beside(request, test, packed, store, threads, notify)
    result = ChainResult(test, same, evaluation, single, reference.untrained)
    return result, _report(request, content, result, evaluation, values, store)


def _beside(
    request: ChainRequest,
    test: ChainTest,
    packed: Any,
    store: Store,
    threads: int,
    notify: Notify,
) -> BesideDetector | None:
    """The chain beside a single detector that answers the same labels; None if there is none."""
    part = request.against or request.detector
    if not set(part.labels) <= set(packed.labels):
        return None
    answered = single_answers(
        part, test, store, threads, lambda *done: notify("photos, single detector", *done)
    )
    threshold = kind_of(part.description).least(part.description)
    return beside(part.name, answered, threshold, packed, part.labels)


def _report(
    request: ChainRequest,
    content: Content,
    result: ChainResult,
    evaluation: Evaluation,
    values: list[Any],
    store: Store,
) -> Report:
    """The chain's report, saved: the page of its mistakes, its metrics and its predictions."""
    packed, description = evaluation.predicted, content.description
    modality: Modality = MODALITIES[description["modality"]]()
    page = Boxes().page(
        evaluation,
        _about(request, result),
        lambda row: store.get(packed.files[row]),
        modality,
        WORST,
    )
    report = Report(
        task=description["task"],
        labels=tuple(description["labels"]),
        verdict=evaluation.verdict,
        reasons=evaluation.reasons,
        overall=evaluation.measured.overall,
        labels_measured=evaluation.measured.labels,
        threshold=SHOWN_FROM,
        files={
            "report.html": store.add(page.encode()),
            "metrics.json": store.add(evaluation.record()),
            "predictions.json": store.add(spelled_predictions(packed, values)),
        },
        parents=_parents(request, store),
    )
    store.save(report)
    return report


def _about(request: ChainRequest, result: ChainResult) -> About:
    tested = counted(len(result.test.samples), "test photo")
    return About(
        title=f"{request.name}: a chain",
        subject=f"{request.detector.name}, then {request.classifier.name}; {tested}",
        noun="photo",
        model=[
            ("Detector", request.detector.name),
            ("Classifier of its boxes", request.classifier.name),
            ("Margin around a box", f"{request.rule.margin:g} of its sides"),
        ],
        data=[("Truth", result.test.source)],
        lineage=[("Detector", request.detector.id), ("Classifier", request.classifier.id)],
    )


def _finished(
    request: ChainRequest,
    content: Content,
    files: dict[str, bytes],
    result: ChainResult,
    target: Target,
) -> dict[str, bytes]:
    """All files of the package, verified. Raises AgreementNotMet if its selftest fails."""
    tolerance = max(part.tolerance for part in request.parts)
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder, {**files, SEAL: seal(files)})
        with ChainPredictor.loaded(folder, content.description) as predictor:
            own = golden_samples(predictor, *request.parts, content.golden)
            answers = expected(predictor, {**content.golden, **own}, tolerance)
        files = {**files, **own, GOLDEN: spelled(answers)}
        files["report.html"] = chain_page(request, content, result, len(own)).encode()
        files["measured.json"] = spelled(result.record)
        files["README.md"] += chain_readme(request, content, len(own)).encode()
        files[SEAL] = seal(files)
        write_folder(folder, files)
        target.verify(folder, content)
    return files


def _package(
    request: ChainRequest,
    content: Content,
    files: dict[str, bytes],
    result: ChainResult,
    report: Report | None,
    store: Store,
) -> Package:
    nothing = Measure(value=1.0, low=0.0, high=1.0, n=0)
    measured = result.evaluation.measured if result.evaluation else None
    return Package(
        files={name: store.add(data) for name, data in sorted(files.items())},
        parents=(*_parents(request, store), *([report.ref] if report else [])),
        name=request.name,
        target=request.target,
        backend=content.backend,
        format=str(content.description["format"]),
        numeric=numeric_of(*request.parts),
        size_bytes=sum(len(data) for data in files.values()),
        overall=measured.overall if measured else {},
        labels_measured=measured.labels if measured else {},
        agreement=result.agreement.same if result.agreement else nothing,
        gate=dict(request.gate),
        verdict=result.verdict,
        reasons=result.reasons,
    )


def _parents(request: ChainRequest, store: Store) -> tuple[Ref, ...]:
    """Both packages that have a record, and the detector's data, which the test is from."""
    packages = tuple(part.package.ref for part in request.parts if part.package)
    dataset = dataset_of(request.detector, store)
    return (*packages, *([dataset.ref] if dataset else []))
