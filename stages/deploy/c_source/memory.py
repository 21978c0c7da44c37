"""Plans where each buffer lies in one static arena, by when it is needed.

Buffers that are needed at the same time do not overlap; the largest are placed first, each at the
lowest place that is free (greedy by size: Pisarchyk and Lee 2020, Efficient Memory Management for
Deep Neural Net Inference, arXiv 2001.03288)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stages.deploy.c_source.lowering import Operation, Plan

ALIGNMENT = 8  # bytes


@dataclass(frozen=True)
class Layout:
    """The offset in bytes of each buffer in the arena, and the arena's size."""

    offsets: Mapping[str, int]
    size: int


@dataclass
class _Block:
    """Buffers that share one place: first and last operation at which it is needed."""

    name: str
    size: int
    begin: int
    end: int


def layout(plan: Plan) -> Layout:
    """Place all buffers of `plan`."""
    blocks, shared = _blocks(plan)
    placed: dict[str, int] = {}
    for block in sorted(blocks.values(), key=lambda block: (-block.size, block.begin, block.name)):
        neighbours = [
            blocks[name]
            for name in placed
            if blocks[name].begin <= block.end and block.begin <= blocks[name].end
        ]
        placed[block.name] = _lowest(block.size, [(placed[b.name], b.size) for b in neighbours])
    size = max(placed[block.name] + block.size for block in blocks.values())
    offsets = {name: placed[shared.get(name, name)] for name in plan.sizes}
    return Layout(offsets, _aligned(size))


def _blocks(plan: Plan) -> tuple[dict[str, _Block], dict[str, str]]:
    """The blocks by name, and for each buffer that is written over another its block's name."""
    spans = _spans(plan)
    shared: dict[str, str] = {}
    blocks: dict[str, _Block] = {}
    for name, (begin, end) in sorted(spans.items(), key=lambda item: item[1][0]):
        writer = plan.operations[begin] if begin >= 0 else None
        over = _overwritten(writer, begin, spans, plan.sizes) if writer else None
        if over is None:
            blocks[name] = _Block(name, _aligned(plan.sizes[name]), begin, end)
        else:
            shared[name] = shared.get(over, over)
            blocks[shared[name]].end = max(end, blocks[shared[name]].end)
    return blocks, shared


def _overwritten(
    writer: Operation,
    place: int,
    spans: Mapping[str, tuple[int, int]],
    sizes: Mapping[str, int],
) -> str | None:
    """The buffer that `writer` may write over: its first operand, if nothing needs that later."""
    first = writer.operands[0]
    if not writer.in_place or not isinstance(first, str):
        return None
    fits = sizes[writer.output] <= sizes[first]
    return first if fits and spans[first][1] == place and first not in writer.reads[1:] else None


def _spans(plan: Plan) -> dict[str, tuple[int, int]]:
    """The operations, by number, between which each buffer is needed; the input's from -1 on."""
    spans = {plan.input.buffer: (-1, -1)}
    for place, operation in enumerate(plan.operations):
        for name in operation.reads:
            spans[name] = (spans[name][0], place)
        begin = spans.get(operation.output, (place, place))[0]
        spans[operation.output] = (begin, place)
    last = plan.output.buffer
    spans[last] = (spans[last][0], len(plan.operations))
    return spans


def _lowest(size: int, taken: Sequence[tuple[int, int]]) -> int:
    """The lowest offset at which `size` bytes are free between those `taken`, each (offset,
    size)."""
    offset = 0
    for begin, length in sorted(taken):
        if offset + size <= begin:
            break
        offset = max(offset, begin + length)
    return offset


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
