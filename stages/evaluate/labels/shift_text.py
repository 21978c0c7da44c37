"""Describes a distribution shift from training to test."""

from stages.evaluate.formatting import interval, percent
from stages.evaluate.labels.shift import Shift
from stages.evaluate.labels.traits import SHARE, SURE, Trait

EASILY, CLEARLY = 0.8, 0.65  # shares of pairs that are told apart
MOST = 4  # traits that are named


def summary(shift: Shift) -> str:
    """Whether there is a shift, how certain that is, and what differs."""
    if not shift.found:
        return f"No shift was found. {_pairs(shift)}They do not surely differ in {_names(shift)}."
    return f"{_begin(shift)} {_pairs(shift)}{_why(shift)}"


def advice(shift: Shift | None) -> list[str]:
    """What to do about a shift, if one was found; its section has the numbers."""
    if shift is None or not shift.found:
        return []
    what = f" ({reasons(shift)})" if shift.reasons else ""
    return [
        f"The test {shift.noun}s differ from those of training{what}: see below. If they are like "
        f"those that the model will be used on, add such {shift.noun}s to training; if not, test "
        "on others."
    ]


def mixed(shift: Shift) -> str:
    """What a different mixture of labels means; empty if the mixtures do not differ."""
    if shift.mixture > SURE:
        return ""
    return (
        "The shares of the labels differ between test and training. That is no shift of the "
        f"{shift.noun}s themselves, but accuracy depends on these shares; balanced accuracy does "
        "not."
    )


def _begin(shift: Shift) -> str:
    if shift.p > SURE or shift.apart is None:
        return f"The test {shift.noun}s differ from those of training."
    value = shift.apart.value
    how = (
        "easily" if value >= EASILY else "clearly" if value >= CLEARLY else "slightly, but surely,"
    )
    return f"The test {shift.noun}s can be {how} told from those of training."


def _pairs(shift: Shift) -> str:
    """The AUC of the classifier, in words."""
    if shift.apart is None:
        return ""
    return (
        f"Of a test and a training {shift.noun} with one label, a classifier tells which is which "
        f"in {percent(shift.apart.value)} ({interval(shift.apart)}) of all pairs; without a shift "
        f"it would be 50 % (p = {shift.p:.3f}). "
    )


def _why(shift: Shift) -> str:
    if not shift.reasons:
        return (
            f"In {_names(shift)} they do not surely differ, so look at the {shift.noun}s below: "
            "the difference may be in the background, or in how they were taken."
        )
    return f"What differs most: {reasons(shift)} in the test."


def reasons(shift: Shift) -> str:
    """What surely differs, as 'less brightness, more width'; empty if nothing does."""
    return ", ".join(_differs(trait) for trait in shift.reasons[:MOST])


def _differs(trait: Trait) -> str:
    """As 'less brightness'."""
    return f"{'more' if trait.share_higher > 0.5 else 'less'} {trait.name}"


def _names(shift: Shift) -> str:
    """The names of the compared traits."""
    kinds = [trait for trait in shift.traits if trait.name.startswith(SHARE)]
    names = [_plain(trait) for trait in shift.traits if trait not in kinds]
    named = [*names, "type of file"] if len(kinds) > 1 else names
    return ", ".join(named[:-1]) + f" and {named[-1]}"


def _plain(trait: Trait) -> str:
    """A trait's name without its unit."""
    return trait.name.partition(" in ")[0]


def number(value: float) -> str:
    """A trait's value, short."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
