"""aiwf up, down, status."""

from stages.settings import Settings


def up() -> None:
    """Start Airflow and MLflow on this machine and wait until they are ready."""
    from stages.local import up as start

    print("\n".join(start(Settings(), _print_now)))


def down() -> None:
    """Stop what `aiwf up` started, and nothing else."""
    from stages.local import down as stop

    ended = stop(Settings(), _print_now)
    print(f"{ended} processes ended." if ended else "Nothing was running.")


def status() -> None:
    """Say which servers run, and where."""
    from stages.local import status as states

    for server in states(Settings()):
        facts = [f"pid {server.pid}" if server.pid else "", server.address]
        print(f"{server.name:<22} {server.state:<9} {'  '.join(fact for fact in facts if fact)}")


def _print_now(text: str) -> None:
    print(text, flush=True)
