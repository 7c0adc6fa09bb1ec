"""The command `taskkit`."""

from __future__ import annotations

import sys

import typer

from ..protocol.errors import TaskkitError
from . import (
    account,
    alone,
    backup,
    capacity,
    config,
    demo,
    doctor,
    job,
    jobs,
    lab,
    look,
    offers,
    outcome,
    output,
    rerun,
    run,
    share,
    steer,
    token,
    top,
    up,
)

app = typer.Typer(
    help="CPU-heavy jobs from a notebook cell to Celery workers and back, live.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(up.up)
app.command()(look.status)
app.command()(look.logs)
app.command()(look.down)
app.command()(alone.worker)
app.command()(alone.server)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(lab.lab)
app.command()(demo.demo)
app.command()(doctor.doctor)
app.command()(capacity.capacity)
app.add_typer(token.token, name="token")
app.add_typer(account.account, name="account")
app.add_typer(config.config, name="config")
app.add_typer(share.shares, name="shares", rich_help_panel="Jobs")
for _command in (
    run.run,
    jobs.jobs,
    job.job,
    output.output,
    outcome.wait,
    outcome.result,
    rerun.card,
    rerun.rerun,
    steer.cancel,
    steer.retry,
    share.share,
    offers.workers,
    offers.queues,
    top.top,
):
    app.command(rich_help_panel="Jobs")(_command)


def main() -> None:
    """Run the command line; a failure of ours is one sentence and exit code 1."""
    try:
        app()
    except TaskkitError as error:
        typer.echo(f"taskkit: {error}", err=True)
        sys.exit(1)
