"""What a process of its own does for what is live: compares and publishes with MLflow's libraries,
tests use for drift, and makes a revision of what people accepted."""

from typing import Any

from stages.settings import Settings


def put_forward(settings: Settings, pipeline: str, package: str) -> dict[str, Any]:
    """Register `package` as the challenger of `pipeline` and compare it with the champion."""
    from stages.publish import publishing

    found = publishing.put_forward(pipeline, package, settings)
    return {
        "champion": found.champion.package if found.champion else "",
        "comparison": found.comparison.record if found.comparison else None,
    }


def published(
    settings: Settings, pipeline: str, package: str, champion: str, because: str
) -> dict[str, Any]:
    """Publish `package`, if `champion` is still live."""
    from stages.publish import publishing

    done = publishing.publish(pipeline, package, settings, champion=champion, because=because)
    return done.move._asdict()


def rolled_back(settings: Settings, pipeline: str, champion: str, why: str) -> dict[str, Any]:
    """Let the package before `champion` answer again."""
    from stages.publish import publishing

    return publishing.roll_back(pipeline, settings, champion=champion, why=why)._asdict()


def weeks_of_use(settings: Settings, pipeline: str, package: str) -> list[dict[str, Any]]:
    """The weeks of use of `pipeline` against what `package` was trained on."""
    from stages.publish import drift

    return [
        {
            "week": week.week,
            "inputs": week.inputs,
            "auc": week.auc.model_dump() if week.auc else None,
            "differs": week.differs,
        }
        for week in drift.weeks_of_use(pipeline, package, settings)
    ]


def revised_by_use(settings: Settings, pipeline: str) -> dict[str, Any]:
    """Make a revision of the pipeline's data with the inputs that people accepted."""
    from stages.studio.use_revision import revision_of_use

    return revision_of_use(pipeline, settings)._asdict()
