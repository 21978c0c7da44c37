"""Holds the table of samples against expectations, through Great Expectations."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.config import EtlConfig
from stages.etl.table import Line
from stages.runtime.errors import ConfigError
from stages.runtime.registry import nearest

SUITE = Path(__file__).with_name("suite.json")
SAID = ("element_count", "missing_count", "unexpected_count", "observed_value")
Expectation = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of one expectation. `rows`: the offending lines' row numbers, ascending."""

    expectation: Expectation
    success: bool
    rows: tuple[int, ...]
    said: Mapping[str, Any]

    @property
    def meta(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.expectation.get("meta") or {}
        return found

    @property
    def severity(self) -> str:
        return str(self.expectation.get("severity", "critical"))


def suite(config: EtlConfig, labels: Sequence[str]) -> tuple[list[Expectation], list[Expectation]]:
    """The expectations whose offenders are set aside, and those about the samples that stay.

    `labels` are those of all samples, broken ones too."""
    facts = {**dict(config), "labels": list(labels)}
    default = json.loads(SUITE.read_text(encoding="utf-8"))
    every = [*(_filled(one, facts) for one in default), *map(_checked, config.expectations)]
    alone = [one for one in every if (one.get("meta") or {}).get("quarantine")]
    return alone, [one for one in every if one not in alone]


def validate(lines: Sequence[Line], expectations: Sequence[Expectation]) -> list[Outcome]:
    """Hold `lines` against `expectations`; outcomes in their order.

    Raises ConfigError for an expectation that does not exist or does not fit the table."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import pandas

    columns = {column: None for line in lines for column in line}
    table = pandas.DataFrame(
        [{**columns, **line} for line in lines], columns=list(columns) or ["row"]
    )
    results = _results(table, expectations)
    return [_outcome(one, results[place]) for place, one in enumerate(expectations)]


def _results(table: Any, expectations: Sequence[Expectation]) -> dict[int, Any]:
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("samples").add_dataframe_asset("manifest")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": table})
    built = [_built(one, place) for place, one in enumerate(expectations)]
    form = {"result_format": "COMPLETE", "unexpected_index_column_names": ["row"]}
    found = batch.validate(
        gx.ExpectationSuite(name="samples", expectations=built), result_format=form
    )
    results = found.to_json_dict()["results"]
    return {one["expectation_config"]["meta"]["place"]: one for one in results}


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
        known = list_registered_expectation_implementations()
        raise ConfigError(
            f"etl.expectations: there is no '{expectation['type']}'.",
            f"{nearest(expectation['type'], known)}Great Expectations' gallery lists them all.",
        ) from None
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"etl.expectations: '{expectation['type']}' cannot take {dict(expectation['kwargs'])}: "
            f"{' '.join(str(error).split())}",
            "Great Expectations' gallery tells each one's arguments.",
        ) from error


def _outcome(expectation: Expectation, result: Mapping[str, Any]) -> Outcome:
    _check_ran(expectation, result)
    found = result["result"]
    rows = sorted(int(one["row"]) for one in found.get("unexpected_index_list") or [])
    said = {key: found[key] for key in SAID if found.get(key) is not None}
    return Outcome(expectation, bool(result["success"]), tuple(rows), said)


def _check_ran(expectation: Expectation, result: Mapping[str, Any]) -> None:
    raised = result["exception_info"]
    failed = [raised] if "raised_exception" in raised else list(raised.values())
    for one in failed:
        if one["raised_exception"]:
            raise ConfigError(
                f"etl.expectations: '{expectation['type']}' with {dict(expectation['kwargs'])} "
                f"could not be checked: {one['exception_message']}",
                "Columns are file, label, split, group, bytes, width, height, short_side, "
                "long_side and extra.NAME for a column NAME of your own.",
            )


def _filled(expectation: dict[str, Any], facts: Mapping[str, Any]) -> Expectation:
    """`expectation` with each "$name" in its arguments replaced by that one of `facts`."""
    kwargs = {
        key: facts[value[1:]] if str(value).startswith("$") else value
        for key, value in expectation["kwargs"].items()
    }
    return {**expectation, "kwargs": kwargs}


def _checked(expectation: dict[str, Any]) -> Expectation:
    known = ["type", "kwargs", "severity", "meta"]
    for key in expectation:
        if key not in known:
            raise ConfigError(
                f"etl.expectations: there is no key '{key}'.",
                f"{nearest(key, known)}There are: {', '.join(known)}.",
            )
    if not isinstance(expectation.get("type"), str):
        raise ConfigError("etl.expectations: an entry has no type.", "Write type: expect_...")
    if expectation.get("severity", "critical") not in ("critical", "warning"):
        raise ConfigError(
            f"etl.expectations: severity is '{expectation['severity']}'.",
            "There are: critical, warning.",
        )
    return {"kwargs": {}, **expectation}
