"""`spanfit push`: a model for everybody, or for a team."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spanfit.cli import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanfit.upload import Push, UploadFile

HELP = """Upload a model to the Hugging Face hub: weights, tokenizer, spanfit.json, card, scores.

The repository is made where there is none. It needs a token: `hf auth login`, or HF_TOKEN in the
environment. Whoever may see the repository uses the model by its name, here and in transformers.

Example: spanfit push runs/qa-001 my-org/harbour-answers --private
"""


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("push", help=HELP)(push)


def push(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or a model folder.")],
    repository: Annotated[
        str, typer.Argument(metavar="REPO", help="ORGANISATION/NAME on the hub.")
    ],
    private: Annotated[
        bool, typer.Option("--private", help="Make a new repository private.")
    ] = False,
    revision: Annotated[
        str | None, typer.Option(metavar="BRANCH", help="A branch, made where there is none.")
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option("--license", metavar="NAME", help="Put it into the card, e.g. apache-2.0."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be uploaded.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was done as JSON, for a program.")
    ] = False,
) -> None:
    """Upload a model."""
    from spanfit.upload import check_name, find_licence, list_upload
    from spanfit.upload import push as upload

    check_name(repository)
    files = list_upload(run)
    _say_files(files, repository, revision)
    if licence is None and find_licence(files) is None:
        console.note("the card names no licence, so nobody may be sure to use the model: --license")
    command = ["spanfit", "push", str(run), repository] + ["--private"] * private
    command += ["--revision", revision] if revision else []
    command += ["--license", licence] if licence else []
    if dry_run:
        if as_json:
            console.print_json({"repository": repository, "files": _to_json(files)})
        console.next_step(shlex.join(command))
        return
    done = upload(run, repository, private=private, revision=revision, licence=licence)
    for name in done.removed:
        console.note(f"removed from the repository, where it was of an earlier push: {name}")
    if private and not done.is_new:
        console.note("the repository was there already: whether it is private stays as it was")
    if as_json:
        console.print_json(_describe(done))
    else:
        console.plain(f"{'made' if done.is_new else 'updated'}: {done.url} at {done.commit[:12]}")
    _say_next(run, done)


def _say_files(files: Sequence[UploadFile], repository: str, revision: str | None) -> None:
    """What will be uploaded, with sizes, before it is."""
    total = _size(sum(item.size for item in files))
    branch = f", branch {revision}" if revision else ""
    console.note(f"{len(files)} files, {total}, to {repository}{branch}:")
    for item in files:
        console.note(f"  {_size(item.size):>9}  {item.name}")


def _size(n_bytes: int) -> str:
    """Bytes as people count them: 1.2 MB."""
    amount, unit = float(n_bytes), "B"
    for larger in ("kB", "MB", "GB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def _to_json(files: Sequence[UploadFile]) -> list[dict[str, Any]]:
    return [{"name": item.name, "bytes": item.size} for item in files]


def _describe(done: Push) -> dict[str, Any]:
    return {
        "repository": done.repository,
        "revision": done.revision,
        "model": done.model,
        "url": done.url,
        "commit": done.commit,
        "is_new": done.is_new,
        "files": _to_json(done.files),
        "removed": list(done.removed),
    }


def _say_next(run: Path, done: Push) -> None:
    from spanfit.cli.training import USE
    from spanfit.settings import find_settings

    _, settings = find_settings(run)
    console.next_step(f"spanfit {USE[settings.task].format(shlex.quote(done.model))}")
