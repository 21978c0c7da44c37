"""Networks of a genotype: counted before they are built, equal when shipped."""

from pathlib import Path

import numpy as np
import pytest

from stages.models.export import export_network
from stages.models.genotype import (
    EVERY_OPERATION,
    canonical,
    macs_of,
    parameters_of,
    parse,
    pooled_values,
)
from stages.parts import FAMILIES
from stages.runtime.errors import ConfigError
from stages.train.architecture.space import architecture_space, genotype_of

SPACE = architecture_space()
DRAWS, EXPORTS = 25, 12
LABELS, SHAPES = 5, {"searched_image": (3, 33, 48), "searched_audio": (1, 64, 27)}
EVERY = parse(EVERY_OPERATION)  # also both merges of a node, and all that a stage may do


def draw(seed: int):
    rng = np.random.default_rng(seed)
    return genotype_of({dimension.name: dimension.sample(rng) for dimension in SPACE})


def layer(genotype, family: str = "searched_image", folds: int = 1, **arguments):
    shape = SHAPES[family]
    return FAMILIES[family].fold_networks(folds, shape, False, genotype=genotype.text, **arguments)


def built_parameters(network) -> int:
    return sum(int(np.prod(each.shape)) for each in network.parameters() if not each.stop_gradient)


def built_counts(network, shape: tuple[int, ...]) -> tuple[int, int]:
    """The multiply-accumulates of the convolutions of `network` for a window of `shape`, and the
    values that its poolings give."""
    import paddle

    macs, pooled = [], []
    for each in network.sublayers():
        if isinstance(each, paddle.nn.Conv2D):
            each.register_forward_post_hook(
                lambda conv, _, out: macs.append(conv.weight.size * out.shape[2] * out.shape[3])
            )
        if isinstance(each, (paddle.nn.MaxPool2D, paddle.nn.AvgPool2D)):
            each.register_forward_post_hook(lambda _, __, out: pooled.append(out.size))
    network.eval()
    with paddle.no_grad():
        network(paddle.zeros([1, *shape]))
    return int(sum(macs)), int(sum(pooled))


@pytest.mark.parametrize("family", SHAPES)
def test_counts_are_those_of_the_built_network(family: str):
    shape = SHAPES[family]
    for genotype in (EVERY, *map(draw, range(DRAWS))):
        network = layer(genotype, family)
        head = genotype.widths[-1] * LABELS

        counted = parameters_of(genotype, shape[0], LABELS)
        assert counted == built_parameters(network) + head + LABELS, genotype.text
        macs, pooled = built_counts(network, shape)
        assert macs_of(genotype, shape, LABELS) == macs + head
        assert pooled_values(genotype, *shape[1:]) == pooled


@pytest.mark.slow
def test_parameters_are_those_of_the_built_network_in_a_thousand_draws():
    for seed in range(1000):
        genotype = draw(seed)
        head = (genotype.widths[-1] + 1) * LABELS

        assert parameters_of(genotype, 3, LABELS) == built_parameters(layer(genotype)) + head


def test_networks_of_several_folds_are_counted_together():
    network = layer(EVERY, folds=3, apart=True)

    heads = 3 * EVERY.widths[-1] * LABELS + LABELS
    assert parameters_of(EVERY, 3, LABELS, folds=3) == built_parameters(network) + heads


def test_a_genotype_is_read_from_its_text():
    for genotype in (EVERY, *map(draw, range(100))):
        assert parse(genotype.text) == genotype
        assert canonical(genotype) == genotype


def test_what_changes_nothing_is_left_out():
    genotype = parse(
        "stem 8, widths 8 8 8, repeats 1 1 1, down conv3, concat; cell none 3 2 1 none 1; "
        "motif conv3 none none; motif pw none sep3; motif max3 none dw3"
    )

    found = canonical(genotype)

    # motif 1 has no path, so it is a skip; what leaves node 1 leads from nowhere
    assert found.text == (
        "stem 8, widths 8 8 8, repeats 1 1 1, down conv3, concat; cell none 1 2 none none skip; "
        "motif max3 none dw3; motif pw none sep3"
    )


def test_draws_are_mostly_different_networks():
    assert len({draw(seed).text for seed in range(500)}) > 490


@pytest.mark.parametrize(
    ("old", "new"),
    [("conv3", "conv9"), ("cell 1", "cell 4"), ("stem 8", "stem 0"), ("residual", "resid")],
)
def test_what_is_no_genotype_is_refused(old: str, new: str):
    with pytest.raises(ConfigError, match="no architecture"):
        parse(EVERY.text.replace(old, new))


def trained_like(genotype, family: str, folds: int) -> dict[str, np.ndarray]:
    """Weights as a training leaves them: batch norms with statistics of their own."""
    rng = np.random.default_rng(1)
    network = layer(genotype, family, folds)
    arrays = {}
    for name, value in network.state_dict().items():
        array = value.numpy()
        if name != "genotype":
            array = rng.normal(0, 0.3, array.shape).astype(np.float32)
        if "variance" in name or name == "scale":
            array = np.abs(array) + 0.5
        arrays[f"backbone.{name}"] = array
    wide = folds * network.features
    arrays["head.out.weight"] = rng.normal(size=(wide, LABELS)).astype(np.float32)
    return arrays | {"head.out.bias": np.zeros(LABELS, np.float32)}


def check_export(genotype, family: str, folds: int, folder: Path) -> None:
    """Assert that ONNX Runtime answers as the built network, within 1e-5 of the largest answer."""
    import onnxruntime
    import paddle

    from stages.models.network import assemble

    arrays = trained_like(genotype, family, folds)
    files = export_network(family, arrays, folder, ("onnx",))
    windows = np.random.default_rng(2).normal(size=(3, *SHAPES[family])).astype(np.float32)
    with paddle.no_grad():
        expected = assemble(family, arrays)(paddle.to_tensor(windows)).numpy()
    session = onnxruntime.InferenceSession(str(files["graph.onnx"]))

    [found] = session.run(None, {session.get_inputs()[0].name: windows})

    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max(), genotype.text


@pytest.mark.parametrize(("family", "folds"), [("searched_image", 1), ("searched_audio", 2)])
def test_the_exported_network_answers_as_the_built_one(family: str, folds: int, tmp_path):
    check_export(EVERY, family, folds, tmp_path)


@pytest.mark.slow
def test_exported_networks_of_random_genotypes_answer_as_the_built_ones(tmp_path):
    for seed in range(EXPORTS):
        check_export(draw(seed), list(SHAPES)[seed % len(SHAPES)], 1 + seed % 3, tmp_path)
