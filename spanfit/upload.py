"""A model for everybody: the folder of a run, pushed to the Hugging Face hub.

What is uploaded is what `model/` holds and no more: config, weights as safetensors, tokenizer,
spanfit.json and model card; and scores.json. Neither optimizer states nor predictions, which hold
the texts of the data, and nothing that has to be unpickled.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spanfit.card_rows import FILE_NAME as CARD
from spanfit.card_rows import PLACE
from spanfit.errors import HubError, ModelError, SpanFitError
from spanfit.hub import is_reachable
from spanfit.model_files import check_folder
from spanfit.settings import FILE_NAME
from spanfit.version import VERSION

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SCORES = "scores.json"
KINDS = {".safetensors", ".model", ".spm", ".bpe", ".jinja", ".py"}
NAMES = {
    "README.md",
    "added_tokens.json",
    "chat_template.json",
    "config.json",
    "entity_vocab.json",
    "generation_config.json",
    "merges.txt",
    "model.safetensors.index.json",
    "preprocessor_config.json",
    "special_tokens_map.json",
    "spanfit.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
}
"""What a model consists of, by the ending or the name; whatever else lies beside it stays here."""
WEIGHTS = (".safetensors", ".safetensors.index.json")
"""How the names of weights end; those of an earlier push that are no more are removed."""


@dataclass(frozen=True)
class UploadFile:
    """One file and its name in the repository."""

    name: str
    file: Path

    @property
    def size(self) -> int:
        """In bytes."""
        return self.file.stat().st_size


@dataclass(frozen=True)
class Push:
    """What was pushed: to which repository and revision, as which commit.

    `is_new`: the repository was made for it. `removed` are weights of an earlier push.
    """

    repository: str
    revision: str
    url: str
    commit: str
    is_new: bool
    files: tuple[UploadFile, ...]
    removed: tuple[str, ...]

    @property
    def model(self) -> str:
        """What `spanfit.load` and the commands call it."""
        return _name(self.repository, self.revision)


def list_model_files(folder: str | Path) -> list[Path]:
    """The files of a folder that are its model's; those of a training beside it are left out."""
    return [
        file
        for file in sorted(Path(folder).iterdir())
        if file.is_file()
        and (file.suffix in KINDS or file.name in NAMES)
        and not file.name.startswith(".")
    ]


def check_name(repository: str) -> None:
    """Refuse what cannot be a repository's name, before anything is sent.

    Raises:
        HubError: it is none.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise HubError(
            "no repository can have this name",
            where=repository,
            expected="ORGANISATION/NAME, of letters, digits, '-', '_' and '.'",
            found=" ".join(str(error).split()),
        ) from None


def list_upload(run: str | Path) -> tuple[UploadFile, ...]:
    """What a push of this run folder, or model folder, uploads.

    Raises:
        ModelError: there is no such folder, it lacks something that a model needs, or a file in
            it is not what it seems.
    """
    source = Path(run)
    holds_model = [path for path in (source / "model", source) if (path / "config.json").is_file()]
    if not holds_model:
        raise ModelError(
            "no model in this folder" if source.is_dir() else "no such folder",
            where=str(source),
            expected="a run folder (with model/) or a model folder (with config.json)",
            fix="spanfit train RECIPE.toml",
        )
    folder = holds_model[0]
    check_folder(folder)
    found = {file.name: file for file in list_model_files(folder)}
    lacking = [name for name in (FILE_NAME, "tokenizer_config.json") if name not in found]
    lacking += [] if any(name.endswith(WEIGHTS[0]) for name in found) else ["*.safetensors"]
    if lacking:
        raise ModelError(
            "this model is not whole",
            where=str(folder),
            expected=", ".join(lacking),
            found=", ".join(found),
            fix="the folder model/ of a run that spanfit train has finished",
        )
    scores = next((p / SCORES for p in (folder, source) if (p / SCORES).is_file()), None)
    found |= {SCORES: scores} if scores is not None else {}
    return tuple(UploadFile(name, file) for name, file in sorted(found.items()))


def push(
    run: str | Path,
    repository: str,
    *,
    private: bool = False,
    revision: str | None = None,
    licence: str | None = None,
) -> Push:
    """Upload the model of a run folder, or a model folder, to a repository of the hub.

    Args:
        run: a run folder or a model folder.
        repository: ORGANISATION/NAME; it is made where there is none.
        private: whether a new repository is private; one that is there stays what it is.
        revision: a branch, made where there is none; None: main.
        licence: a name that the hub knows ("apache-2.0"), put into the card that is uploaded.

    Raises:
        ModelError: there is no whole model in the folder.
        HubError: the hub cannot be reached, there is no token, or the hub refuses.
    """
    files, branch = list_upload(run), revision or "main"
    with _explained(repository):
        api = _connect(repository)
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        is_new = not api.repo_exists(repository)
        url = api.create_repo(repository, private=private or None, exist_ok=True)
        if branch != "main":
            api.create_branch(url.repo_id, branch=branch, exist_ok=True)
        name = _name(url.repo_id, branch)
        there = [] if is_new else api.list_repo_files(url.repo_id, revision=branch)
        kept = {item.name for item in files}
        removed = tuple(path for path in there if path.endswith(WEIGHTS) and path not in kept)
        commit = api.create_commit(
            url.repo_id,
            [
                *(CommitOperationAdd(item.name, _content(item, name, licence)) for item in files),
                *(CommitOperationDelete(path) for path in removed),
            ],
            commit_message=f"A model, pushed by SpanFit {VERSION}",
            revision=branch,
        )
    return Push(url.repo_id, branch, str(url), commit.oid, is_new, files, removed)


def _name(repository: str, revision: str) -> str:
    return repository if revision == "main" else f"{repository}@{revision}"


def _content(item: UploadFile, model: str, licence: str | None) -> str | bytes:
    """A file by its path; the card with the model's name, and a licence."""
    if item.name != CARD:
        return str(item.file)
    card = item.file.read_text(encoding="utf-8").replace(PLACE, model)
    return (card if licence is None else set_licence(card, licence)).encode()


def set_licence(card: str, licence: str) -> str:
    """The card with this licence in its front matter, in place of one that is there."""
    front, rest = _part(card)
    kept = [line for line in front.splitlines() if not line.startswith("license:")]
    return "\n".join(["---", f"license: {licence}", *kept, "---", rest])


def _part(card: str) -> tuple[str, str]:
    """Front matter and text of a card; "" where it has none."""
    match = re.match(r"---\n(.*?)\n---\n", card, re.DOTALL)
    return (match[1], card[match.end() :]) if match else ("", card)


def find_licence(files: Sequence[UploadFile]) -> str | None:
    """The licence that the card among these files names."""
    for item in files:
        if item.name == CARD:
            front, _ = _part(item.file.read_text(encoding="utf-8"))
            match = re.search(r"^license: *(.+)$", front, re.MULTILINE)
            return match and match[1]
    return None


def _connect(repository: str) -> HfApi:
    """The hub, asked whether it answers, with a token.

    Raises:
        HubError: it does not, or there is none.
    """
    from huggingface_hub import HfApi, constants, get_token
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not is_reachable():
        raise HubError(
            "the hub cannot be reached",
            where=constants.ENDPOINT,
            expected="a network, and HF_HUB_OFFLINE not set",
            fix="the same command where there is one",
        )
    if get_token() is None:
        raise HubError(
            "the hub takes models only of those who say who they are",
            where=repository,
            expected=f"a token that may write ({constants.ENDPOINT}/settings/tokens)",
            fix="hf auth login, or HF_TOKEN=hf_… before the command",
        )
    if not sys.stderr.isatty():
        disable_progress_bars()
    return HfApi(library_name="spanfit", library_version=VERSION)


@contextmanager
def _explained(repository: str) -> Iterator[None]:
    """Turn what the hub's library raises into one message."""
    try:
        yield
    except SpanFitError:
        raise
    except Exception as error:  # of the hub, of the network, of the library's checks of names
        status = getattr(getattr(error, "response", None), "status_code", None)
        told = getattr(error, "server_message", None) or str(error).strip() or repr(error)
        raise HubError(
            _REFUSALS.get(status or 0, "the hub did not take it"),
            where=repository,
            found=(f"{status}: " if status else "") + " ".join(told.split()),
            fix=_FIXES.get(status or 0, "the same command again; what is there is not sent twice"),
        ) from error


_REFUSALS = {
    401: "the hub does not know this token",
    403: "this token may not write there",
    404: "there is no such repository or revision, or this token may not see it",
}
_FIXES = {
    401: "hf auth login, or HF_TOKEN=hf_… before the command",
    403: "a token that may write, and an organisation that you belong to",
    404: "ORGANISATION/NAME as the hub writes it",
}
"""By the status of HTTP."""
