"""aiwf up, down, status."""

from stages.settings import Settings


def up() -> None:
    """Start Airflow and MLflow on this machine and wait until they are ready."""
    from stages.local import up as start

    print("\n".join(start(Settings(), _say)))


def down() -> None:
    """Stop what `aiwf up` started, and nothing else."""
    from stages.local import down as stop

    ended = stop(Settings(), _say)
    print(f"{ended} processes ended." if ended else "Nothing was running.")


def status() -> None:
    """Say which servers run, and where."""
    from stages.local import status as states

    for one in states(Settings()):
        facts = [f"pid {one.pid}" if one.pid else "", one.address]
        print(f"{one.name:<22} {one.state:<9} {'  '.join(fact for fact in facts if fact)}")


def _say(text: str) -> None:
    print(text, flush=True)
