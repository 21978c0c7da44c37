"""The computed cost of searched networks: what takes time counts, each thing alone."""

import pytest

from stages.models.genotype import macs_of, parse
from stages.train.cost.architecture_cost import SECONDS, network_seconds, workload_of

SHAPE = (3, 32, 32)
TEXT = (
    "stem 8, widths 8 16 16, repeats 1 1 1, down conv3, add; cell none none 1 none none none; "
    "motif none {} none"
)
TWO_PATHS = (
    "stem 8, widths 8 16 16, repeats 1 1 1, down conv3, add; cell none none 1 none none none; "
    "motif pw pw pw"
)


def seconds(operation: str, batch: int = 32) -> float:
    return network_seconds(parse(TEXT.format(operation)), SHAPE, batch)


def test_each_sort_of_work_is_counted_apart():
    pointwise, depthwise, pooling = (
        workload_of(parse(TEXT.format(name)), SHAPE) for name in ("pw", "dw3", "max3")
    )

    assert pointwise.calls == depthwise.calls == pooling.calls + 3 / 32
    assert pointwise.depthwise_macs == pooling.depthwise_macs == 0
    # maps of 16, 8 and 4 positions a side, of which each takes 9 multiply-accumulates
    assert depthwise.depthwise_macs == 9 * (8 * 16**2 + 16 * 8**2 + 16 * 4**2)
    assert pooling.pooled_values == depthwise.depthwise_macs / 9
    assert pointwise.pooled_values == depthwise.pooled_values == 0


def test_all_multiply_accumulates_but_the_heads_are_counted():
    genotype = parse(TEXT.format("sep5"))
    workload = workload_of(genotype, SHAPE)

    assert workload.macs + workload.depthwise_macs == macs_of(genotype, SHAPE, 0)


def test_a_pooling_takes_time_though_it_has_no_multiply_accumulates():
    assert seconds("max3") > 1.1 * seconds("skip")


def test_branches_cost_more_than_a_path_of_as_much_arithmetic():
    branched, path = parse(TWO_PATHS), parse(TEXT.format("conv3"))

    assert macs_of(branched, SHAPE, 10) < macs_of(path, SHAPE, 10)
    assert network_seconds(branched, SHAPE) > network_seconds(path, SHAPE)


def test_the_windows_of_a_larger_batch_share_its_calls():
    small, large = seconds("pw", batch=32), seconds("pw", batch=128)

    calls = workload_of(parse(TEXT.format("pw")), SHAPE, batch=32).calls
    assert small - large == pytest.approx(SECONDS.calls * calls * 3 / 4)
