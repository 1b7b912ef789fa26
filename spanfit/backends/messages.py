"""transformers kept quiet, and what it raises for a model that cannot be loaded as one message."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transformers.utils import logging as transformers_logging

from spanfit.auto_tokenizer import explain_missing
from spanfit.errors import ModelError, SpanFitError
from spanfit.hub import use_cache_only


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers' progress bars and load reports to itself: we say what matters."""
    level = transformers_logging.get_verbosity()
    has_bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if has_bars:  # nobody around this has switched them off
            transformers_logging.enable_progress_bar()


@contextmanager
def explained(source: str) -> Iterator[None]:
    """Turn what transformers raises for a model that cannot be loaded into one message."""
    try:
        yield
    except SpanFitError:
        raise
    except Exception as error:  # transformers and safetensors raise a dozen kinds
        if "trust_remote_code=True" in str(error):
            raise _untrusted(source) from error
        if (missing := explain_missing(error)) is not None:
            raise missing from error
        if use_cache_only(source):
            raise _nowhere(source) from error
        if "use_safetensors=True" in str(error):
            raise _pickled(source) from error
        raise ModelError(
            f"this model cannot be loaded: {first_line(error)}",
            where=source,
            expected="a folder with config.json, weights and tokenizer, or a hub id",
            fix="spanfit quickstart, to see a model of its own without a network",
        ) from error


def first_line(error: Exception) -> str:
    """The first line of what an exception says."""
    return str(error).strip().splitlines()[0] if str(error).strip() else repr(error)


def _untrusted(source: str) -> ModelError:
    """The model comes with Python code, which nobody has allowed to run."""
    return ModelError(
        "this model is computed by Python code of its own, which runs only where you say so",
        where=source,
        expected="an architecture that transformers has, or your trust in that code: read it first",
        fix="--trust-remote-code; in a recipe model.trust_remote_code = true, in Python "
        "spanfit.load(…, trust_remote_code=True)",
    )


def _pickled(source: str) -> ModelError:
    """A model of the hub without safetensors."""
    return ModelError(
        "the weights of this model are pickled: to read them is to run what they say, so they are "
        "not read",
        where=source,
        expected="model.safetensors",
        found="no such file there",
        fix="if you trust who made it, and to a folder of yours: in Python "
        f"AutoModelFor….from_pretrained({source!r}).save_pretrained(FOLDER)",
    )


def _nowhere(source: str) -> ModelError:
    """Neither a folder nor in the cache, and the hub cannot be asked."""
    folder = Path(source).parent
    folder = folder if folder.is_dir() else Path()
    near = sorted(path.name for path in folder.glob("*") if path.is_dir())
    close = difflib.get_close_matches(Path(source).name, near, n=1)
    return ModelError(
        "this model cannot be loaded: there is no such folder, and the hub cannot be reached",
        where=source,
        expected="a run folder or a model folder, or a hub id with a network (or in the hub's "
        "cache; HF_HUB_OFFLINE must not be set to reach the hub)",
        found=f"in {folder.resolve()}: {', '.join(near[-5:]) or 'no folder'}",
        fix=str(folder / close[0])
        if close
        else "spanfit quickstart, to see a model of its own without a network",
    )
