"""Measures a model or package on a person's own annotated samples, which the form names."""

from typing import Any

from airflow.sdk import BaseOperator, Param

from operators.base import run_name
from operators.failures import without_useless_retries
from operators.last_lines import end_with_the_error
from operators.links import PageLink, RunLink, show, show_page
from operators.suggestions import data_names, gates
from stages.config import PipelineConfig
from stages.config.gate import gate_text, parse_gate
from stages.faults import translated
from stages.runtime.errors import ConfigError, GateNotMet
from stages.tracking.links import Page, hearing

REPORT = PageLink("Report")


class OwnTestOperator(BaseOperator):  # type: ignore[misc]
    """Does what `aiwf evaluate` does with the answers of the form; returns the verdict. It fails if
    the form sets a gate that is missed."""

    ui_color = "#fde2b9"
    operator_extra_links = (RunLink(), REPORT)

    def __init__(self, *, pipeline: str, targets: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        end_with_the_error(self)
        self.pipeline = pipeline
        self.targets = targets

    def execute(self, context: Any) -> str:
        with without_useless_retries(), translated():
            return self._measured(context)

    def _measured(self, context: Any) -> str:
        from stages.runner.own_test import evaluate_own_test
        from stages.runner.watch import LogWatch
        from stages.settings import Settings

        answers, pages = context["params"], list[Page]()
        if not answers["samples"]:
            raise ConfigError("No samples are named.", "Name a folder or a data set in the form.")
        with hearing(pages.append):
            own_test = evaluate_own_test(
                self.pipeline,
                self.targets,
                answers["samples"],
                name=answers["subject"] or "",
                gate=parse_gate(answers["gate"] or ""),
                run=run_name(context["dag_run"]),
                settings=Settings(),
                watch=LogWatch(),
            )
        for page in pages[:1]:
            show(context["ti"], page)
            show_page(context["ti"], REPORT, page, "report.html")
        evaluation = own_test.evaluation
        text = f"{own_test.name}: {evaluation.headline}. {' '.join(evaluation.reasons)}"
        if answers["gate"] and evaluation.verdict == "do not ship":
            raise GateNotMet(text, f"{own_test.folder / 'report.html'} says what to do first.")
        return text


def own_test_params(pipeline: PipelineConfig) -> dict[str, Param]:
    """The form: what is measured, on which samples, with which gate."""
    optional = ["null", "string"]
    return {
        "samples": Param(
            "",
            type="string",
            title="Your annotated samples",
            description="A data set of the workspace, NAME or NAME@REVISION, or the absolute path "
            "of a folder on Airflow's machine. Samples that the model was trained on are left out.",
            examples=data_names(pipeline.data.name),
        ),
        "subject": Param(
            None,
            type=optional,
            title="Model or package",
            description="package@id, model@id, or a package's folder or zip; empty: the newest "
            "package of the pipeline, else its newest model.",
        ),
        "gate": Param(
            gate_text(pipeline.evaluate.gate) or None,
            type=optional,
            title="Minimum (shares from 0 to 1)",
            description="As accuracy=0.9, with commas between several. Empty: better than "
            "guessing.",
            examples=gates(pipeline),
        ),
    }
