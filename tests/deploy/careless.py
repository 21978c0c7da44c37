"""An engine that leaves its option away: on x86-64 without VNNI its pair sums saturate."""

from stages.deploy.exporters.onnx import Onnx
from stages.runtime.backends.sums import Sums
from stages.runtime.processor import X86


class Careless(Onnx):
    def sums(self, numeric: str, instruction_set: str) -> Sums:
        known = super().sums(numeric, instruction_set)
        careless = instruction_set == X86 and known != Sums.FLOAT
        return Sums.SATURATING_PAIRS if careless else known
