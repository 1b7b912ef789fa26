"""The Hugging Face hub as far as it can be reached: asked once, not once for every file.

Without a network its libraries try each file several times: a mistyped name takes more than a
minute to be refused, and a data set of the cache half a minute to be found.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from huggingface_hub import constants, get_session

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
