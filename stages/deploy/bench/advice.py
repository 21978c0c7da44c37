"""Advice on how to deploy: six kinds of demand, each answered with one recipe and what it measured
here.

The demands are those by which deep learning is usually put to use: a demonstration; a server that
few people use; a server that many use; an embedded board of NVIDIA; another board or a phone; and
what no existing engine can do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.config.device_profile import DeviceProfile
from stages.deploy.bench.measured import Bench, BenchRow
from stages.runtime.errors import ConfigError

NOT_HERE = "not measured here"


@dataclass(frozen=True)
class Demand:
    """A kind of demand. `key`: as in --demand; `question`: what says that it is this one; `recipe`:
    what to do, with fields for the engine and number format; `settings`: of a pipeline's `deploy`;
    `engines`: those that come into question, the first where nothing was measured; `orders_by`: the
    figure that decides; `hardware`: what it would have to be measured on, "" for this machine."""

    key: str
    question: str
    recipe: str
    target: str
    engines: tuple[str, ...]
    orders_by: str
    hardware: str = ""


DEMANDS = (
    Demand(
        "demo",
        "Only to show what it does, on a laptop or in class?",
        "`aiwf studio` to try the package in the browser, or `aiwf predict PACKAGE photo.jpg`.",
        "device_sdk",
        ("onnxruntime",),
        "load_ms",
    ),
    Demand(
        "server",
        "A server that few people use, where neither throughput nor latency matters?",
        "`aiwf serve PACKAGE`, or the package's own Dockerfile.",
        "cloud_api",
        ("onnxruntime", "openvino"),
        "memory_mb",
    ),
    Demand(
        "throughput",
        "A server with many requests, where throughput and cost matter?",
        "The package's service with one process for each core behind a balancer; the engine and "
        "number format that need the least processor time.",
        "cloud_api",
        ("onnxruntime", "openvino"),
        "cpu_ms",
    ),
    Demand(
        "nvidia",
        "An embedded board of NVIDIA (Jetson), where latency matters?",
        "Take the package in float16: its ONNX file is what TensorRT's trtexec reads on the board. "
        "Run the package's selftest there with ONNX Runtime first.",
        "device_sdk",
        ("onnxruntime",),
        "p95_ms",
        hardware="a Jetson",
    ),
    Demand(
        "device",
        "Another board or a phone, where latency matters?",
        "Name it in train.device.profile (`aiwf devices` lists them) or set its limits there, so "
        "that only networks that keep them are trained, and take an engine for ARM. For a program "
        "in C++ set deploy.targets to ncnn or mnn: a folder in that engine's own format.",
        "device_sdk",
        ("ncnn", "mnn", "onnxruntime"),
        "p95_ms",
        hardware="the board or phone",
    ),
    Demand(
        "custom",
        "None of these is fast or small enough?",
        "Write an engine of your own and add it by entry points; the numpy engine is the reference "
        "for its answers, and `aiwf conformance` compares it.",
        "device_sdk",
        ("numpy",),
        "size_mb",
        hardware="your engine",
    ),
)


@dataclass(frozen=True)
class Advice:
    """The answer to a demand: its recipe, the row of the benchmark that it rests on (None: nothing
    was measured), how many `alternatives` came into question, and the `profile` of the device that
    it is for (None: none was named)."""

    demand: Demand
    row: BenchRow | None
    alternatives: int
    profile: DeviceProfile | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What a pipeline's YAML says for it."""
        engine = self.row.engine if self.row else in_question(self.demand, self.profile)[0]
        numeric = self.row.numeric if self.row else "float32"
        ladder = list(dict.fromkeys([numeric, "float32"]))
        deploy = {"targets": [self.demand.target], "engine": engine, "ladder": ladder}
        if self.profile is None:
            return {"deploy": deploy}
        return {"train": {"device": {"profile": self.profile.name}}, "deploy": deploy}

    @property
    def published(self) -> list[str]:
        """What others measured on the device, each line with its source."""
        rows = self.profile.latencies if self.profile else ()
        return [
            f"{row.network}, {row.numeric}: {row.milliseconds:g} ms ({row.source})" for row in rows
        ]

    @property
    def figures(self) -> str:
        """What was measured, and on what; or that nothing was."""
        if self.row is None:
            return f"{NOT_HERE}: no benchmark of an engine that comes into question."
        single = self.row.costs[1]
        text = (
            f"{self.row.engine} {self.row.numeric}: {self.row.size_mb:.2f} MB, loads in "
            f"{single.load_ms:.0f} ms, p50 {single.p50_ms:.3g} ms, p95 {single.p95_ms:.3g} ms, "
            f"{single.cpu_ms:.3g} ms of a core, {single.memory_mb:.0f} MB of memory; "
            f"{self.row.agreeing} of {self.row.golden} golden samples keep their answer."
        )
        hardware = self.profile.title if self.profile else self.demand.hardware
        if not hardware:
            return text
        return f"On {hardware}: {NOT_HERE}. On this machine, {text}"


def demand_of(key: str) -> Demand:
    """The demand with this `key`. Raises KeyError."""
    return {demand.key: demand for demand in DEMANDS}[key]


def advice(demand: Demand, bench: Bench | None, profile: DeviceProfile | None = None) -> Advice:
    """The recipe for `demand`, on the device of `profile` if one is named, with the row of `bench`
    that has the best figure among the engines in question and keeps every golden sample.

    Raises ConfigError if none of the demand's engines runs on the device."""
    engines = in_question(demand, profile)
    rows = _sound(engines, bench.rows if bench else ())
    best = min(rows, key=lambda row: _figure(row, demand.orders_by), default=None)
    return Advice(demand, best, max(len(rows) - 1, 0), profile)


def in_question(demand: Demand, profile: DeviceProfile | None) -> tuple[str, ...]:
    """The engines of `demand` that run on the device of `profile`, or all.

    Raises ConfigError if none does."""
    if profile is None:
        return demand.engines
    found = tuple(name for name in demand.engines if name in profile.engines)
    if not found:
        vendors = "; ".join(f"{other.name}: {other.note}" for other in profile.other_engines)
        raise ConfigError(
            f"None of {', '.join(demand.engines)} runs on {profile.title}.",
            f"What runs there: {', '.join(profile.engines) or vendors or 'nothing of ours'}.",
        )
    return found


def _sound(engines: Sequence[str], rows: Sequence[BenchRow]) -> list[BenchRow]:
    return [
        row for row in rows if row.engine in engines and row.costs and row.agreeing == row.golden
    ]


def _figure(row: BenchRow, name: str) -> float:
    figures: Mapping[str, float] = {**row.costs[1].record, "size_mb": row.size_mb or 0.0}
    return figures[name]
