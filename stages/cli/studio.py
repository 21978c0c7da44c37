"""aiwf studio: the pages in a browser."""

from typing import Annotated

import typer

from stages.settings import Settings


def studio(
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="0: any that is free. Default: AIWF_STUDIO_PORT, 8600."
        ),
    ] = None,
    lan: Annotated[
        bool,
        typer.Option(
            "--lan", help="Also for other devices of this network, such as a phone, with HTTPS."
        ),
    ] = False,
) -> None:
    """Serve the studio on this machine until Ctrl-C: bring data, train, see results, try."""
    from stages.studio.app import serve

    settings = Settings()
    serve(settings, settings.studio_port if port is None else port, lan)
