"""Glue sessions on this machine, for the real kernel: `sessions serve` and `install-profile`."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from stedi_glue.entry.options import Engine, Lake
from stedi_glue.entry.terminal import console
from stedi_glue.errors import UsageError, suggest
from stedi_glue.settings import Settings

# As in stedi_glue/sessions/profile.py, which is imported late: '--help' must be instant.
NAME = "stedi-local"
PORT = 8998
ENGINES = ("sail", "spark")

app = typer.Typer(
    help="Run Glue interactive sessions on this machine, for the kernel of aws-glue-sessions.",
    no_args_is_help=True,
)

ProfileName = Annotated[str, typer.Option("--profile", help="The AWS profile's name.")]


@app.command()
def serve(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 chooses a free one.")
    ] = PORT,
    host: Annotated[str, typer.Option(help="A loopback address, IPv4 or IPv6.")] = "127.0.0.1",
    profile: ProfileName = NAME,
    lake: Lake = None,
    engine: Engine = None,
) -> None:
    """Answer the Glue sessions API until interrupted; requests must be signed by the profile."""
    from stedi_glue.sessions.profile import Profile
    from stedi_glue.sessions.server import LOOPBACK, Endpoint

    settings = Settings.load(lake=lake, engine=engine)
    if settings.engine not in ENGINES:
        choice = suggest(settings.engine, ENGINES)
        raise UsageError(f"Sessions cannot run on the engine '{settings.engine}'{choice}")
    root = settings.lake if "://" in settings.lake else str(Path(settings.lake).absolute())
    credential = Profile.mine(profile).credential()
    with Endpoint(credential, settings.engine, root, port, host) as endpoint:
        out = console(stderr=True)
        out.print(f"Glue sessions at {endpoint.url}, for profile {profile} and lake {root}.")
        if endpoint.host != LOOPBACK:
            out.print(f"The profile leads to {LOOPBACK}: change endpoint_url in your AWS config.")
        out.print("Interrupt to stop; every session ends with it.")
        # A service manager's way to stop it is ours.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            endpoint.serve_forever()


@app.command()
def install_profile(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="The port that 'serve' listens on.")
    ] = PORT,
    profile: ProfileName = NAME,
    remove: Annotated[bool, typer.Option("--remove", help="Remove it instead.")] = False,
) -> None:
    """Write the AWS profile that points the kernel at the local endpoint, with a new secret."""
    from stedi_glue.sessions.profile import Profile

    mine = Profile.mine(profile)
    out = console()
    if remove:
        there = mine.remove()
        out.print(f"Removed profile {profile}." if there else f"There was no profile {profile}.")
        return
    mine.install(port)
    out.print(f"Wrote profile {profile} for http://127.0.0.1:{port}; use it with:")
    out.print(f"  %profile {profile}")
