"""The Hugging Face hub as far as it can be reached: asked once, not once for every file.

Without a network its libraries try each file several times: a mistyped name takes more than a
minute to be refused, and a data set of the cache half a minute to be found.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from huggingface_hub import constants, get_session, snapshot_download

from spanfit.errors import ModelError

SECONDS = 5.0
"""How long the hub has to answer."""


def use_cache_only(source: str) -> bool:
    """Whether files of `source` are to be taken from the hub's cache, because it does not answer.

    False for a folder, which needs no hub.
    """
    return not Path(source).is_dir() and not is_reachable()


@cache
def is_reachable() -> bool:
    """Whether the hub answers at all; asked once in a process, through the proxy if there is one.

    False where HF_HUB_OFFLINE is set.
    """
    if constants.HF_HUB_OFFLINE:
        return False
    try:
        get_session().head(constants.ENDPOINT, timeout=SECONDS)
    except Exception:  # whatever the network raises: there is no answer
        return False
    return True


def fetch_revision(name: str) -> Path:
    """The folder of a model of the hub at a revision, ORG/NAME@REVISION: cached, or fetched.

    Raises:
        ModelError: it is not there, or cannot be reached.
    """
    repository, _, revision = name.partition("@")
    try:
        folder = snapshot_download(
            repository,
            revision=revision,
            ignore_patterns=["*.bin", "*.pt", "*.pth", "*.h5", "*.msgpack", "*.onnx"],
            local_files_only=not is_reachable(),
        )
    except Exception as error:  # of the hub, of the network, of the library's checks of names
        raise ModelError(
            "there is no such revision of a model, or the hub cannot be reached",
            where=name,
            expected="ORGANISATION/NAME@REVISION: a branch, a tag or a commit",
            found=" ".join(str(error).split())[:200],
            fix=repository,
        ) from error
    return Path(folder)
