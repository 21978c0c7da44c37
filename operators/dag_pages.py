"""Writes the description of a pipeline on its page in Airflow."""

from stages.config import PipelineConfig
from stages.runtime.neutral import line, shown


def about(pipeline: PipelineConfig, file: str) -> str:
    """A few lines of Markdown: what goes in, what each task does, how to run it."""
    data, train, deploy = pipeline.data, pipeline.train, pipeline.deploy
    revision = f"revision `{data.revision}`" if data.revision else "its newest revision"
    trials = (
        f"{train.trials} trials" if train.trials else f"what {train.budget_minutes:g} minutes allow"
    )
    when = " and ".join(_starts(pipeline)) or "when triggered"
    gate = ", ".join(f"{name} ≥ {least:g}" for name, least in pipeline.evaluate.gate.items())
    requirement = f"asks for {gate}" if gate else "better than guessing: no minimum is set"
    families = ", ".join(train.families) or "all families whose weights are at hand"
    return f"""### {pipeline.name}: {pipeline.task.replace("_", " ")}

From `{line(file).replace("`", "'")}`. Runs {when}.

| task | does |
|---|---|
| etl | reads `{data.name}` at {revision}; checks, splits, augments |
| train | searches over {families}: {trials} |
| evaluate | measures on the test split; {requirement} |
| verdict | green: ship; red: do not ship; skipped: undecided |
{_approving(pipeline)}{_deploying(deploy.targets, deploy.ladder)}

**Trigger** opens a form with every setting. What was done before with the same data,
settings and code is reused. A task's *Details* have its links to MLflow and to
its page.
"""


def _starts(pipeline: PipelineConfig) -> list[str]:
    """What starts a run by itself, in words."""
    starts = [f"by the schedule `{pipeline.schedule}`"] if pipeline.schedule else []
    if pipeline.airflow.runs_on_data:
        starts.append(f"when `{pipeline.data.name}` has a new revision")
    return starts


def _approving(pipeline: PipelineConfig) -> str:
    """The row of the task that waits for a person, if there is one."""
    approval = pipeline.airflow.approval
    if approval is None:
        return ""
    users = ", ".join(approval.assigned_users) or "a person"
    hours = f"{approval.response_hours:g} hours"
    return f"| approve | waits until {users} approves; refused after {hours} without an answer |\n"


def about_own_test(pipeline: str) -> str:
    """The page of the DAG that measures on a person's own samples."""
    return f"""### {pipeline} on your own samples

**Trigger** opens a form: which annotated samples, which model or package, which minimum. It does
what `aiwf evaluate` does; the task's *Details* have the report.
"""


def about_arrival(pipeline: str, data: str, folder: str) -> str:
    """The page of the DAG that adds what arrives in a folder."""
    return f"""### What arrives for {pipeline}

Adds what arrives in `{line(folder).replace("`", "'")}` as a revision of `{data}`: the newest zip in
it, or without one all its files together. The revision starts {pipeline}. A content that is there
already is skipped; files called `.part` or `.tmp` are waited for.
"""


def _deploying(targets: tuple[str, ...], ladder: tuple[str, ...]) -> str:
    row = "| deploy_{} | packs the best of {} that agrees with the trained model, in the gate |"
    return "\n".join(row.format(target, ", ".join(ladder)) for target in targets)


def about_broken(file: str, problem: str) -> str:
    """The page of a pipeline that cannot be read."""
    quoted = "\n".join(f"    {each}" for each in shown(problem).splitlines())
    return f"""### `{line(file).replace("`", "'")}` cannot be read

{quoted}


Correct the file; this page follows within half a minute. The other pipelines are not touched by it.
"""
