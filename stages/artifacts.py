"""The four artifacts: Dataset, Model, Report, Package. None contains a time, path or run id."""

import hashlib
import json
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict


class Ref(NamedTuple):
    """An artifact's kind and id: all that is passed between stages."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}@{self.id[:12]}"


def canonical(record: Any) -> bytes:
    """`record` as canonical JSON: equal content gives equal bytes."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def digest_of(data: bytes) -> str:
    """The sha256 of `data`, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class Record(BaseModel):
    """The base of records: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Artifact(Record):
    """The base of artifacts. `files`: digests of blobs by relative name. `parents`: the artifacts
    that it was made from."""

    kind: str
    files: dict[str, str] = {}
    parents: tuple[Ref, ...] = ()

    @property
    def ref(self) -> Ref:
        return Ref(self.kind, digest_of(canonical(self.model_dump(mode="json"))))


class Finding(Record):
    """One failed expectation: which check, how severe, how many rows, some of them by name."""

    check: str
    severity: Literal["critical", "warning"]
    count: int
    message: str
    samples: tuple[str, ...] = ()


class Step(Record):
    """A named pre- or postprocessing function of the runtime, with its arguments."""

    step: str
    args: dict[str, Any] = {}


class Box(NamedTuple):
    """A labelled box in pixels of the upright picture, from its left and top edge.

    0 <= left < right <= width, 0 <= top < bottom <= height."""

    label: str
    left: float
    top: float
    right: float
    bottom: float


class Measure(Record):
    """A number with its 95 % interval and the count of samples it rests on."""

    value: float
    low: float
    high: float
    n: int


class Dataset(Artifact):
    """Files: manifest.csv (every sample), validation.json, page.html, and quarantine.csv."""

    kind: Literal["dataset"] = "dataset"
    task: str
    labels: tuple[str, ...]
    revision: str
    counts: dict[str, dict[str, int]]  # split -> label -> samples; for boxes -> label -> boxes
    samples: dict[str, int] = {}  # split -> samples
    groups: dict[str, int] = {}  # split -> groups that the data names; empty if it names none
    provided_splits: tuple[str, ...] = ()  # those that came with the data; the others were drawn
    facts: dict[str, float] = {}  # the modality's facts of the training set, as window_seconds
    augmentations: tuple[dict[str, Any], ...] = ()  # applied to the train split only
    views: int = 0  # augmented copies of each training sample
    seed: int = 0
    findings: tuple[Finding, ...] = ()

    @property
    def train_and_validation(self) -> int:
        """The number of samples in train and validation."""
        return sum(self.samples.get(split, 0) for split in ("train", "validation"))


class Model(Artifact):
    """Files: weights.npz, graph.json and graph.pdiparams (native graph), trials.json.

    `before` and `after`: the runtime's steps around the network."""

    kind: Literal["model"] = "model"
    task: str
    labels: tuple[str, ...]
    family: str
    input_shape: tuple[int, ...]  # of one window: channels, height, width
    before: tuple[Step, ...]
    after: tuple[Step, ...]
    hyperparameters: dict[str, Any]
    selection: dict[str, Any]  # the rule that selected it, with its numbers
    weights: dict[str, str] = {}  # name of the pretrained weights -> sha256 of the file


class Report(Artifact):
    """Files: report.html, predictions.json (test split), metrics.json.

    `overall`: metric -> measure. `labels_measured`: label -> metric -> measure. `gate`: the
    pipeline's minimum metrics, as written there; empty if it sets none. `threshold`: for boxes, the
    least score that is shown. `sure_from`: the score from which an answer is sure; None if at no
    score enough answers are right. `held_out`: metric -> measure on samples held out of training,
    over the labels that the test has, too."""

    kind: Literal["report"] = "report"
    task: str
    labels: tuple[str, ...]
    verdict: Literal["ship", "do not ship", "undecided"]
    reasons: tuple[str, ...]
    overall: dict[str, Measure]
    labels_measured: dict[str, dict[str, Measure]]
    threshold: float
    sure_from: float | None = None
    gate: dict[str, float] = {}
    held_out: dict[str, Measure] = {}


class Package(Artifact):
    """Files: everything in the package's folder, by relative name.

    `overall`, `labels_measured`: the metrics of this package. `verdict`, `reasons`: the comparison
    of these with the report's `gate`; '' in older packages. `rungs`: for each number format that
    was tried whether it was selected, and why. Latencies are saved separately, as they are never
    equal twice."""

    kind: Literal["package"] = "package"
    name: str
    target: str
    backend: str
    format: str
    numeric: str
    size_bytes: int
    overall: dict[str, Measure]
    labels_measured: dict[str, dict[str, Measure]]
    agreement: Measure
    gate: dict[str, float] = {}
    verdict: Literal["", "ship", "undecided"] = ""
    reasons: tuple[str, ...] = ()
    rungs: tuple[dict[str, Any], ...] = ()


KINDS: dict[str, type[Artifact]] = {
    "dataset": Dataset,
    "model": Model,
    "report": Report,
    "package": Package,
}
