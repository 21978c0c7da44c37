"""The steps around a network as C: for pictures resize and normalise, for sounds log-mel levels in
windows; after it the mean of windows, rejecting and softmax."""

from collections.abc import Mapping, Sequence
from math import pi
from typing import Any, NamedTuple

import numpy as np

from stages.deploy.c_source.writer import array, filled, number
from stages.runtime.errors import ConfigError
from stages.runtime.spectrograms import hann, log_mel, mel_filters
from stages.runtime.windows import MOST, windows

PICTURE = ("decode_picture", "resize", "normalise", "to_channels_first")
SOUND = ("decode_sound", "log_mel", "windows")
AFTER = ("mean_of_windows", "reject", "softmax")
MOST_SIDE = 640  # pixels; a define, which a firmware may set


class StepsSource(NamedTuple):
    """How the C function that takes a sample is called, in the places that call it: `facts` for the
    templates."""

    facts: Mapping[str, Any]
    files: Mapping[str, bytes]


def steps_source(description: Mapping[str, Any], title: str) -> StepsSource:
    """The C files of the steps of a package.json, and how they are called.

    Raises ConfigError, naming each step that cannot be written as C."""
    before = {step["step"]: step.get("args", {}) for step in description["before"]}
    names = [step["step"] for step in description["before"]]
    _check([step["step"] for step in description["after"]], names)
    sound = tuple(names) == SOUND
    facts = {"title": title, **(_sound(before, title) if sound else _picture(before, description))}
    facts["after"] = _after(description["after"])
    source = "steps_sound.c" if sound else "steps_picture.c"
    files = {name: filled(name, facts) for name in ("steps.h", "steps_after.h", "steps_after.c")}
    return StepsSource(facts, {**files, "steps.c": filled(source, facts)})


def _check(after: Sequence[str], before: Sequence[str]) -> None:
    wrong = [name for name in after if name not in AFTER]
    if tuple(before) not in (PICTURE, SOUND):
        wrong += [name for name in before if name not in {*PICTURE, *SOUND}] or [", ".join(before)]
    if wrong:
        raise ConfigError(
            f"microcontroller: these steps cannot be written as C: {', '.join(wrong)}.",
            f"It takes {', '.join(PICTURE)}; or {', '.join(SOUND)}; then {', '.join(AFTER)}. "
            "Choose another model family in train.families, or another target.",
        )


def _picture(before: Mapping[str, Any], description: Mapping[str, Any]) -> dict[str, Any]:
    _, height, width = description["input_shape"]
    mean, std = (np.asarray(before["normalise"][name], np.float32) for name in ("mean", "std"))
    call = "classify_picture({data}, {first}, {second}, {scores})"
    return {
        "height": height,
        "width": width,
        "scales": ", ".join(map(number, np.float32(1) / (np.float32(255) * std))),
        "offsets": ", ".join(map(number, mean / std)),
        "fit": _fit(before["resize"]),
        "settings": f"#ifndef STEPS_MOST_SIDE\n#define STEPS_MOST_SIDE {MOST_SIDE} /* pixels of a "
        "picture */\n#endif",
        "entry": "classify_picture(const uint8_t *rgb, int32_t height, int32_t width, "
        "float *scores)",
        "entry_name": "classify_picture",
        "entry_comment": "rgb: the pixels' red, green and blue, row by row from the top left.",
        "entry_call": call.format(
            data="(const uint8_t *)data",
            first="sample->first",
            second="sample->second",
            scores="found",
        ),
        "entry_bytes": "(sample->first <= STEPS_MOST_SIDE && sample->second <= STEPS_MOST_SIDE\n"
        "             ? (int64_t)3 * sample->first * sample->second : 0)",
        "library_call": call.format(data="sample", first="1", second="1", scores="scores"),
        "element": "uint8_t",
        "example_size": 3 * height * width,
        "example_call": call.format(data="sample", first=height, second=width, scores="scores"),
    }


def _fit(resize: Mapping[str, Any]) -> str:
    """C that sets which part of a picture is read, and which part of the input is written."""
    match resize.get("fit", "stretch"):
        case "crop":
            return """\
    const double ratio = (double)HEIGHT / WIDTH;
    const double wide = width < height / ratio ? width : height / ratio;
    const double high = height < width * ratio ? height : width * ratio;
    columns.begin = (float)((width - wide) / 2);
    columns.end = (float)((width - wide) / 2 + wide);
    rows.begin = (float)((height - high) / 2);
    rows.end = (float)((height - high) / 2 + high);"""
        case "letterbox":
            fill = int(resize.get("fill", 128))
            return f"""\
    const double down = (double)HEIGHT / height, along = (double)WIDTH / width;
    const double scale = down < along ? down : along;
    const uint8_t grey[3] = {{{fill}, {fill}, {fill}}};
    rows.out = rint(height * scale) < 1 ? 1 : (int32_t)rint(height * scale);
    columns.out = rint(width * scale) < 1 ? 1 : (int32_t)rint(width * scale);
    rows.first = (HEIGHT - rows.out) / 2;
    columns.first = (WIDTH - columns.out) / 2;
    for (int32_t at = 0; at < HEIGHT * WIDTH; at++) {{
        write_pixel(input, at / WIDTH, at % WIDTH, grey);
    }}"""
    return "    /* The whole picture fills the input, whatever its proportions. */"


def _sound(before: Mapping[str, Any], title: str) -> dict[str, Any]:
    mel, segments = _arguments(log_mel, before["log_mel"]), _arguments(windows, before["windows"])
    rate, window = before["decode_sound"]["rate"], mel["window"]
    fft = mel["fft"] or window
    if fft & (fft - 1):
        raise ConfigError(
            f"microcontroller: log_mel with a transform of {fft} samples cannot be written as C.",
            "Give a power of 2 as fft, or leave this target out of deploy.targets.",
        )
    return {
        **{name: mel[name] for name in ("window", "hop", "bands")},
        "fft": fft,
        "frames": segments["frames"],
        "step": max(1, round(segments["frames"] * (1 - segments["overlap"]))),
        "before": window // 2 if mel["centre"] else 0,
        "behind": window - window // 2 if mel["centre"] else 0,
        "power": _power(mel["power"]),
        "log": _log(mel["log"], mel["floor"]),
        "tables": _tables(mel, fft, segments["silence"]),
        "settings": _sound_settings(rate),
        **_sound_calls(rate),
    }


def _sound_settings(rate: int) -> str:
    return f"""\
#define STEPS_RATE {rate} /* samples a second of the waveform */
#ifndef STEPS_SAMPLE
#define STEPS_SAMPLE float /* of a waveform; for 16 bits: int16_t, with a full scale of 32768 */
#define STEPS_FULL_SCALE 1.0f
#endif
#define STEPS_MOST_WINDOWS {MOST}"""


def _sound_calls(rate: int) -> dict[str, Any]:
    call = "classify_sound({data}, {first}, {scores})"
    return {
        "entry": "classify_sound(const STEPS_SAMPLE *waveform, int32_t count, float *scores)",
        "entry_name": "classify_sound",
        "entry_comment": f"waveform: count samples of one channel, {rate} a second.",
        "entry_call": call.format(
            data="(const STEPS_SAMPLE *)data", first="sample->first", scores="found"
        ),
        "entry_bytes": "(int64_t)sizeof(STEPS_SAMPLE) * sample->first",
        "library_call": call.format(data="sample", first="3", scores="scores"),
        "element": "STEPS_SAMPLE",
        "example_size": rate,
        "example_call": call.format(data="sample", first=rate, scores="scores"),
    }


def _arguments(step: Any, args: Mapping[str, Any]) -> dict[str, Any]:
    """`args` of a step with its defaults."""
    from inspect import signature

    parameters = signature(step).parameters.values()
    defaults = {item.name: item.default for item in parameters if item.default is not item.empty}
    return {**defaults, **args}


def _power(power: float) -> str:
    if power == 2:
        return "energy"
    return "sqrtf(energy)" if power == 1 else f"powf(energy, {number(power / 2)})"


def _log(kind: str, floor: float) -> str:
    least = number(floor)
    if kind == "natural":
        return f"logf(level + {least})"
    return f"10.0f * log10f(level > {least} ? level : {least})"


def _tables(mel: Mapping[str, Any], fft: int, silence: float | Sequence[float]) -> str:
    """The Hann window, the transform's turns, the mel filters and the level of silence."""
    turns = 2 * pi * np.arange(fft // 2) / fft
    filters = mel_filters(
        *(mel["rate"], fft, mel["bands"], mel["low"], mel["high"], mel["scale"], mel["norm"])
    )
    weights = [values for _, values in filters]
    tables = {
        "hann": hann(mel["window"]),
        "cosines": np.cos(turns).astype(np.float32),
        "sines": np.sin(turns).astype(np.float32),
        "filters": np.concatenate([*weights, np.zeros(1, np.float32)]),
        "starts": np.array([first for first, _ in filters], np.int32),
        "lengths": np.array([len(values) for values in weights], np.int32),
        "silence": np.broadcast_to(np.asarray(silence, np.float32), mel["bands"]),
    }
    return "\n".join(array(name, values) for name, values in tables.items())


def _after(steps: Sequence[Mapping[str, Any]]) -> str:
    """C that turns mean logits in `scores` into the steps' result."""
    lines = []
    for step in steps:
        args = step.get("args", {})
        if step["step"] == "reject":
            lines.append(f"    scores[{args['other']}] -= {number(args['threshold'])};")
        elif step["step"] == "softmax":
            lines.append(SOFTMAX)
    return "\n".join(lines)


SOFTMAX = """\
    float largest = scores[0], sum = 0;
    for (int32_t label = 1; label < MODEL_OUTPUTS; label++) {
        largest = scores[label] > largest ? scores[label] : largest;
    }
    for (int32_t label = 0; label < MODEL_OUTPUTS; label++) {
        sum += scores[label] = expf(scores[label] - largest);
    }
    for (int32_t label = 0; label < MODEL_OUTPUTS; label++) {
        scores[label] /= sum;
    }"""
