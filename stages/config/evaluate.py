"""The parts of a pipeline about the evaluate and deploy stages."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from stages import parts
from stages.config.device import DeviceCost
from stages.config.gate import parse_gate
from stages.config.section import Section, Share
from stages.runtime.crops import LARGEST_MARGIN
from stages.runtime.errors import ConfigError, UnknownPart
from stages.runtime.processor import INSTRUCTION_SETS, InstructionSet
from stages.runtime.registry import nearest

MEANS = tuple(
    f"{kind}_{name}" for kind in ("macro", "micro") for name in ("precision", "recall", "f1")
)
GATED = {  # by kind of answer
    "labels": ("accuracy", "balanced_accuracy", *MEANS),
    "boxes": ("ap50", "ap50_95", *MEANS),
}
LABEL_GATE = re.compile(r"(precision|recall|f1) of (.+)")
EVERY_LABEL = "every label"
CHAIN_TARGETS = ("cloud_api", "device_sdk")  # whose packages can hold two networks


class EvaluateConfig(Section):
    """The evaluate stage: measuring on the test split."""

    gate: dict[str, Share] = Field(
        {},
        description="Minimum metrics for shipping: accuracy, macro_recall, ..., for boxes ap50, "
        "ap50_95, ..., or 'recall of LABEL', 'recall of every label' (also precision, f1). They "
        "apply to the trained model and to each package: a number format that misses one is not "
        "shipped, and the next one is tried. Empty: better than always guessing the commonest "
        "label, for boxes ap50 of 0.5.",
    )
    precision: Share | None = Field(
        None,
        description="Required precision of sure answers; it determines the score from which an "
        "answer is sure. Empty: 0.95, and boxes are shown from the threshold with the best F1.",
    )
    worst: int = Field(24, ge=0, le=200, description="Mistakes shown in the report, worst first.")

    @field_validator("gate", mode="before")
    @classmethod
    def as_text(cls, value: Any) -> Any:
        """Accept a line of text, as Airflow's form and a terminal have it: 'accuracy=0.9'."""
        return parse_gate(value) if isinstance(value, str) else value

    def check_gate(self, answers: str) -> None:
        """Raise UnknownPart for a gate on a metric that `answers`, a kind on the board, lack."""
        allowed = GATED.get(answers, ())
        for name in self.gate:
            if name not in allowed and not LABEL_GATE.fullmatch(name):
                raise UnknownPart(
                    f"evaluate.gate: no metric is called '{name}'.",
                    f"{nearest(name, list(allowed))}There are: {', '.join(allowed)}, "
                    "and precision, recall or f1 of a label, as in 'recall of every label'.",
                )


def config_of_gate(gate: Mapping[str, float]) -> EvaluateConfig:
    """The config that measures with `gate`. Raises ConfigError for a minimum that is no share."""
    try:
        return EvaluateConfig(gate=dict(gate))
    except ValidationError as error:
        problem = error.errors()[0]
        raise ConfigError(
            f"The gate cannot be: {'.'.join(map(str, problem['loc'][1:]))}: {problem['msg']}.",
            "Write shares from 0 to 1, as accuracy=0.9.",
        ) from error


def check_numeric(name: str) -> str:
    """Return `name`, or raise UnknownPart if no compressor makes such a number format."""
    allowed = sorted(parts.numerics())
    if name not in allowed:
        raise UnknownPart(
            f"No number format is called '{name}'.",
            f"{nearest(name, allowed)}There are: {', '.join(allowed)}.",
        )
    return name


class Chain(Section):
    """A classifier of what is in the boxes of a detector; both become one package."""

    classifier: str = Field(
        "",
        description="Names what is in each box that this pipeline's detector finds: a run, a "
        "pipeline for its newest run, or package@id of the store. Packages for cloud_api and "
        "device_sdk then hold both networks. Its package@id is filled in when a run is planned. "
        "Empty: the detector alone.",
    )
    labels: tuple[str, ...] = Field(
        (), description="The detector's labels whose boxes are classified; empty: all."
    )
    margin: float | None = Field(
        None,
        ge=0,
        le=LARGEST_MARGIN,
        description="Around a box, as a share of its sides. Empty: that of the crops which the "
        "classifier was trained on, or 0.1.",
    )
    truth: str = Field(
        "",
        description="A run, a pipeline for its newest run, or dataset@id, whose boxes on the same "
        "photos have the final labels; its dataset@id is filled in when a run is planned. Not "
        "needed if the data of this pipeline have them.",
    )

    @property
    def artifacts(self) -> tuple[str, ...]:
        """What is named, kind@id once a run is planned."""
        return tuple(name for name in (self.classifier, self.truth) if name)

    @model_validator(mode="after")
    def has_a_classifier(self) -> "Chain":
        """Refuse what is said about a chain that is none."""
        if not self.classifier and (self.labels or self.truth or self.margin is not None):
            raise ValueError("deploy.chain names no classifier. Set deploy.chain.classifier")
        return self


class DeployConfig(Section):
    """The deploy stage: compressing, verifying and packing."""

    targets: tuple[Annotated[str, AfterValidator(parts.TARGETS.check)], ...] = Field(
        ("device_sdk", "cloud_api"),
        min_length=1,
        description="Kinds of package to make. `device_sdk`: a folder that answers wherever Python "
        "is. `cloud_api`: an HTTP service. `openvino`, `ncnn`, `mnn` and `litert`: folders in that "
        "engine's own format, for programs that call it; they use that engine, whatever "
        "deploy.engine says. "
        "`microcontroller`: classification by a small network as C99 source without allocation, "
        "and as an Arduino library. `executable`: classification as one program without Python. "
        "`android`: an Android library (AAR), run on a computer's JVM; your NDK compiles it. "
        "`ios`: a Swift package, and with coremltools the network for Core ML; not run.",
    )
    engine: Annotated[str, AfterValidator(parts.ENGINES.check)] = Field(
        "onnxruntime",
        description="Engine that runs the network in the package. Its library has to be installed "
        "where the pipeline runs, too.",
    )
    ladder: tuple[Annotated[str, AfterValidator(check_numeric)], ...] = Field(
        ("int8", "float16", "float32"),
        min_length=1,
        description="Number formats to try, in this order; the first that agrees with the trained "
        "model is shipped. Formats that the engine does not run are skipped. `int8_finetuned` is "
        "int8 that is fine-tuned on the calibration samples, for up to about two minutes of a "
        "core: name it behind int8.",
    )
    compress: Literal["ladder", "auto"] = Field(
        "ladder",
        description="Which number format ships. `ladder`: the first of deploy.ladder that agrees "
        "with the trained model. `auto`: of all that the engine runs, the one that deploy.prefer "
        "names, without int8_finetuned; all that agree are compared on the package's page.",
    )
    prefer: Literal["size", "latency"] = Field(
        "size",
        description="With `compress: auto`: the smallest network file, or the shortest time of the "
        "untrained network, which is measured on this machine when a run is planned and stands in "
        "its lock.",
    )
    compress_minutes: float = Field(
        10.0,
        gt=0,
        le=1440,
        description="With `compress: auto`: minutes of the reference machine for number formats "
        "that are tested after one agreed, computed and not measured.",
    )
    latencies: tuple[DeviceCost, ...] = Field(
        (),
        description="What was measured for `prefer: latency`; filled in when a run is planned.",
    )
    fastest_first: dict[str, tuple[str, ...]] = Field(
        {},
        description="Number formats by engine and input, the fastest first; filled in when a run "
        "is planned.",
    )
    second_numeric: Literal["off", "auto"] = Field(
        "off",
        description="`auto`: a number format that agrees here, but cannot be verified for some of "
        "the instruction_sets, is shipped together with the next one that is, and the package "
        "chooses by the processor when it is loaded; for device_sdk and cloud_api. `off`: only the "
        "next one is shipped. Not with `compress: auto` and `prefer: size`.",
    )
    max_drop: Share = Field(
        0.02,
        description="Largest drop compared with the trained model: in accuracy, or AP50 of boxes, "
        "and in recall of a label.",
    )
    calibration: int = Field(
        64, ge=1, le=2000, description="Training samples that calibrate the ranges of int8."
    )
    golden_samples: Literal["test", "generated"] = Field(
        "test",
        description="Samples in a package for its selftest. `test`: up to 24 small copies of test "
        "samples (one of each label if there are more, up to 200; 1 MB in all), those whose "
        "answers change first, and 8 generated ones. `generated`: only generated ones, if none of "
        "your samples may be shipped; they cover fewer labels.",
    )
    instruction_sets: tuple[InstructionSet, ...] = Field(
        INSTRUCTION_SETS,
        min_length=1,
        description="Processors for which a package is verified: x86-64 with VNNI and without "
        "(Intel before the 11th generation, AMD before Zen 4), arm64 with the dot product and "
        "without. A number format that cannot be verified for one of them, by measurement or "
        "computation, is not shipped.",
    )
    emulated_samples: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Test samples to answer under qemu-user on an emulated processor without VNNI; "
        "0: no emulation.",
    )
    chain: Chain = Field(
        Chain(), description="What names the content of a detector's boxes, in one package with it."
    )

    @field_validator("chain", mode="before")
    @classmethod
    def by_classifier(cls, value: Any) -> Any:
        """Accept the classifier alone."""
        return {"classifier": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def refuse_two_networks_for_size(self) -> "DeployConfig":
        """Refuse second_numeric where the smallest package is wanted: two networks are larger than
        the one of them that is verified for every processor."""
        if (self.compress, self.prefer, self.second_numeric) == ("auto", "size", "auto"):
            raise ValueError(
                "deploy.second_numeric: auto ships two networks, and with deploy.compress: auto "
                "and deploy.prefer: size the smallest package is wanted. Set "
                "deploy.second_numeric: off, or deploy.prefer: latency"
            )
        return self

    @model_validator(mode="after")
    def refuse_half_a_chain(self) -> "DeployConfig":
        """Refuse packages that would hold the detector of a chain alone, or several of it."""
        if not self.chain.classifier:
            return self
        alone = [target for target in self.targets if target not in CHAIN_TARGETS]
        if alone:
            raise ValueError(
                f"deploy.chain: a package for {' or '.join(alone)} holds one network. Take it out "
                f"of deploy.targets; there {' and '.join(CHAIN_TARGETS)} hold both"
            )
        if self.second_numeric == "auto":
            raise ValueError(
                "deploy.second_numeric: auto ships two networks of one detector, of which the "
                "processor chooses, and a chain takes one. Set deploy.second_numeric: off"
            )
        return self

    def engine_of(self, target: str) -> str:
        """The engine of the package for `target`: the one of that name, if there is one."""
        return target if target in parts.ENGINES else self.engine

    def fastest_of(self, engine: str, model_input: str) -> tuple[str, ...]:
        """The number formats of `engine` for `model_input`, the fastest first; empty if they were
        not measured."""
        return self.fastest_first.get(f"{engine} {model_input}", ())

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines of all targets, each once."""
        return tuple(dict.fromkeys(map(self.engine_of, self.targets)))

    def for_target(self, target: str) -> "DeployConfig":
        """The part that is about `target` alone, without what was measured: only the order of
        number formats decides."""
        changes = {"targets": (target,), "engine": self.engine_of(target), "latencies": ()}
        return self.model_copy(update=changes)
