"""Narrows the layers of a network to the weights of a pruned one, whose shapes say how many
channels each layer has."""

from collections.abc import Mapping

import paddle
from paddle import nn

from stages.models.weights import Array


def narrow(layer: nn.Layer, arrays: Mapping[str, Array], prefix: str = "") -> bool:
    """Replace the parameters of `layer`, in place, for which `arrays` has fewer channels; their
    values are still to be filled in. Returns whether there are any. `arrays`: by the names of the
    layer's `state_dict` behind `prefix`.

    An array that is missing, wider or of another kernel is left to `network.fill`, which refuses
    it."""
    narrowed = False
    for path, part in layer.named_sublayers(include_self=True):
        inside = f"{prefix}{path}." if path else prefix
        for name, parameter in list(part._parameters.items()):
            array = arrays.get(inside + name)
            if parameter is not None and array is not None and _is_narrower(array, parameter):
                part._parameters[name] = _parameter(array, parameter)
                _note_width(part)
                narrowed = True
    return narrowed


def _is_narrower(array: Array, parameter: paddle.Tensor) -> bool:
    """Whether `array` has the rank and kernel of `parameter`, but fewer channels."""
    shape = tuple(parameter.shape)
    if array.shape == shape or array.ndim != len(shape) or array.shape[2:] != shape[2:]:
        return False
    return all(0 < side <= most for side, most in zip(array.shape, shape, strict=True))


def _parameter(array: Array, parameter: paddle.Tensor) -> paddle.Tensor:
    """A new parameter of the shape of `array`, trained or not as `parameter` is."""
    replacement = paddle.create_parameter(list(array.shape), "float32")
    replacement.stop_gradient = parameter.stop_gradient
    return replacement


def _note_width(layer: nn.Layer) -> None:
    """Set the numbers of channels that `layer` itself knows to those of its weight."""
    weight = layer._parameters["weight"]
    if isinstance(layer, nn.Conv2D):
        depthwise = layer._groups > 1
        layer._out_channels = weight.shape[0]
        layer._in_channels = weight.shape[0] if depthwise else weight.shape[1]
        layer._groups = weight.shape[0] if depthwise else 1
    elif isinstance(layer, nn.BatchNorm2D):
        layer._num_features = weight.shape[0]
