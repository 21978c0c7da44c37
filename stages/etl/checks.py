"""Checks the table of samples against expectations, with Great Expectations."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from stages.config import EtlConfig
from stages.etl import suites
from stages.etl.table import ANNOTATION, Line, annotations_of
from stages.runtime.errors import ConfigError
from stages.runtime.registry import nearest

SUITES = Path(suites.__file__).parent
FACTS = ("element_count", "missing_count", "unexpected_count", "observed_value")
Expectation = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """The result of one expectation. `bad`: the lines, or records of annotations, that break it."""

    expectation: Expectation
    success: bool
    bad: tuple[Line, ...]
    facts: Mapping[str, Any]

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the suite says about the expectation: check, reason, remedy."""
        found: Mapping[str, Any] = self.expectation.get("meta") or {}
        return found

    @property
    def severity(self) -> str:
        """The expectation's severity; 'critical' by default."""
        return str(self.expectation.get("severity", "critical"))


def suite(
    config: EtlConfig, names: Sequence[str], labels: Sequence[str]
) -> tuple[list[Expectation], list[Expectation]]:
    """The expectations of the suites `names` and of `config`: first those whose offenders are
    quarantined, then those about the remaining samples. `labels`: those of all samples, including
    broken ones."""
    facts = {**dict(config), "labels": list(labels)}
    every = [
        *(_filled(expectation, facts) for expectation in _default(names)),
        *map(_checked, config.expectations),
    ]
    alone = [
        expectation for expectation in every if (expectation.get("meta") or {}).get("quarantine")
    ]
    return alone, [expectation for expectation in every if expectation not in alone]


def columns_of(names: Sequence[str]) -> list[str]:
    """The columns of lines that the suites `names` check."""
    return [
        expectation["kwargs"]["column"]
        for expectation in _default(names)
        if not _is_of_annotations(expectation)
    ]


def _default(names: Sequence[str]) -> list[dict[str, Any]]:
    texts = ((SUITES / f"{name}.json").read_text(encoding="utf-8") for name in names)
    return list(chain.from_iterable(json.loads(text) for text in texts))


def _is_of_annotations(expectation: Expectation) -> bool:
    return (expectation.get("meta") or {}).get("of") == "annotations"


def validate(lines: Sequence[Line], expectations: Sequence[Expectation]) -> list[Outcome]:
    """Check `lines`, or their annotations (meta: {of: annotations}), against `expectations`; the
    outcomes are in the order of these.

    Raises ConfigError for an expectation that does not exist or does not fit the table."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    found: dict[int, Outcome] = {}
    for of_annotations in (False, True):
        chosen = [
            expectation
            for expectation in expectations
            if _is_of_annotations(expectation) == of_annotations
        ]
        if not chosen:
            continue
        rows = annotations_of(lines) if of_annotations else lines
        table = _frame(rows, ANNOTATION if of_annotations else ())
        for expectation, result in zip(chosen, _results(table, chosen), strict=True):
            found[id(expectation)] = _outcome(expectation, result, rows)
    return [found[id(expectation)] for expectation in expectations]


def _results(table: Any, expectations: Sequence[Expectation]) -> list[Any]:
    """The result of each of `expectations`, in order; they identify offenders by column `at`."""
    gx = _great_expectations()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("samples").add_dataframe_asset("manifest")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": table})
    built = [_built(expectation, place) for place, expectation in enumerate(expectations)]
    form = {"result_format": "COMPLETE", "unexpected_index_column_names": ["at"]}
    found = batch.validate(
        gx.ExpectationSuite(name="samples", expectations=built), result_format=form
    )
    results = {
        result["expectation_config"]["meta"]["place"]: result
        for result in found.to_json_dict()["results"]
    }
    return [results[place] for place in range(len(expectations))]


def _great_expectations() -> Any:
    """The library, imported without the hundreds of lines that it logs meanwhile."""
    import logging

    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations

    return great_expectations


def _frame(rows: Sequence[Line], columns: Sequence[str]) -> Any:
    """`rows` as a data frame of `columns` and of all columns with plain values, and the column
    `at`, a row's index."""
    import pandas

    plain = (key for row in rows for key, value in row.items() if _plain(value))
    every = ["at", *dict.fromkeys([*columns, *plain])]
    table = [{key: row.get(key) for key in every} | {"at": at} for at, row in enumerate(rows)]
    return pandas.DataFrame(table, columns=every)


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _built(expectation: Expectation, place: int) -> Any:
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    plain = {key: expectation[key] for key in ("type", "kwargs") if key in expectation}
    severity = expectation.get("severity", "critical")
    try:
        configured = ExpectationConfiguration(**plain, severity=severity, meta={"place": place})
        return configured.to_domain_obj()
    except ExpectationNotFoundError:
        registered = list_registered_expectation_implementations()
        raise ConfigError(
            f"etl.expectations: there is no '{expectation['type']}'.",
            f"{nearest(expectation['type'], registered)}"
            "Great Expectations' gallery lists them all.",
        ) from None
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"etl.expectations: '{expectation['type']}' cannot take {dict(expectation['kwargs'])}: "
            f"{' '.join(str(error).split())}",
            "Great Expectations' gallery lists the arguments of each.",
        ) from error


def _outcome(expectation: Expectation, result: Mapping[str, Any], rows: Sequence[Line]) -> Outcome:
    _check_ran(expectation, result)
    found = result["result"]
    places = sorted(int(entry["at"]) for entry in found.get("unexpected_index_list") or [])
    facts = {key: found[key] for key in FACTS if found.get(key) is not None}
    return Outcome(expectation, bool(result["success"]), tuple(rows[at] for at in places), facts)


def _check_ran(expectation: Expectation, result: Mapping[str, Any]) -> None:
    raised = result["exception_info"]
    failed = [raised] if "raised_exception" in raised else list(raised.values())
    for failure in failed:
        if failure["raised_exception"]:
            raise ConfigError(
                f"etl.expectations: '{expectation['type']}' with {dict(expectation['kwargs'])} "
                f"could not be checked: {failure['exception_message']}",
                "Columns are file, label, split, group, bytes, the facts of a sample (as width and "
                "height), and extra.NAME for a column NAME of your own; with "
                "meta: {of: annotations} file, label, split, group, box_side and box_aspect.",
            )


def _filled(expectation: dict[str, Any], facts: Mapping[str, Any]) -> Expectation:
    """`expectation` with each "$name" in its arguments replaced by the value in `facts`."""
    kwargs = {
        key: facts[value[1:]] if str(value).startswith("$") else value
        for key, value in expectation["kwargs"].items()
    }
    return {**expectation, "kwargs": kwargs}


def _checked(expectation: dict[str, Any]) -> Expectation:
    allowed = ["type", "kwargs", "severity", "meta"]
    for key in expectation:
        if key not in allowed:
            raise ConfigError(
                f"etl.expectations: there is no key '{key}'.",
                f"{nearest(key, allowed)}There are: {', '.join(allowed)}.",
            )
    if not isinstance(expectation.get("type"), str):
        raise ConfigError("etl.expectations: an entry has no type.", "Write type: expect_...")
    if expectation.get("severity", "critical") not in ("critical", "warning"):
        raise ConfigError(
            f"etl.expectations: severity is '{expectation['severity']}'.",
            "There are: critical, warning.",
        )
    return {"kwargs": {}, **expectation}
