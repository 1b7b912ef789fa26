"""From a folder, a file or transformers to a frozen `Tokenizer`.

It is a copy: it neither truncates nor pads, whatever the file carries (many published ones cut at
128), and nobody else holds it, so no other call can set that again. transformers is needed only to
freeze one of its tokenizers, and for nothing that happens after that; but one that is written in
Python stays in use (`python_tokenizer`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tokenizers

from spanfit.auto_tokenizer import open_folder
from spanfit.errors import ModelError
from spanfit.model_files import check_content, check_file, check_folder
from spanfit.model_requests import check_tokenizer_files
from spanfit.python_tokenizer import PythonBackend
from spanfit.template import probe_pair, probe_single
from spanfit.tokenizer import Tokenizer, explained
from spanfit.tokenizer_backend import Backend
from spanfit.tokenizer_config import TokenizerConfig, known_length, read_config


def load_tokenizer(source: str | Path) -> Tokenizer:
    """The tokenizer of a folder with a tokenizer.json, or of such a file itself.

    A folder that has none, but a tokenizer_config.json, is read by AutoTokenizer.

    Raises:
        ModelError: there is none, it cannot be read, or its template does not fit.
        MissingExtraError: it needs a package that is not installed.
    """
    path = Path(source)
    if path.is_dir():
        check_folder(path)
    file = path / "tokenizer.json" if path.is_dir() else path
    check_file(file)
    if not file.is_file():
        if (path / "tokenizer_config.json").is_file():
            check_tokenizer_files(path, trust_remote_code=False)
            return from_transformers(open_folder(path))
        raise ModelError(
            "no tokenizer.json here",
            where=str(path),
            fix="the folder of a model saved by SpanFit or transformers",
        )
    check_content(file)
    try:
        backend = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the Rust side raises nothing narrower
        raise ModelError(
            "not a tokenizer file",
            where=str(file),
            expected="what tokenizers.Tokenizer.save writes",
            found=str(error),
            fix="tokenizer.json once more from where the model was published",
        ) from None
    return _freeze(backend, read_config(file.parent, backend), source=str(source))


def from_transformers(tok: Any) -> Tokenizer:  # noqa: ANN401 - no transformers here, not even its types
    """Freeze the backend of a transformers tokenizer: what it does now is what stays.

    One that is written in Python is taken as it is, with the ranges that `text.alignment` finds.

    Raises:
        ModelError: it is neither of the two, fails, or its template does not fit.
        DataError: the ranges of a Python tokenizer's tokens cannot be found in a probe text.
    """
    name = type(tok).__name__
    backend: Backend
    own = getattr(tok, "backend_tokenizer", None)
    if isinstance(own, tokenizers.Tokenizer):
        backend = tokenizers.Tokenizer.from_str(own.to_str())
    elif hasattr(tok, "build_inputs_with_special_tokens"):
        backend = PythonBackend(tok)
    else:
        raise ModelError(
            "this tokenizer is written in Python, but is none of transformers'",
            where=str(getattr(tok, "name_or_path", "") or name),
            expected="a tokenizer with a tokenizer.json, or a subclass of PreTrainedTokenizer",
            found=name,
        )
    roles = tok.special_tokens_map.items()
    names = {role: str(text) for role, text in roles if role.endswith("_token")}
    config = TokenizerConfig(
        padding_side=tok.padding_side,
        has_type_ids="token_type_ids" in tok.model_input_names,
        max_length=known_length(tok.model_max_length),
        pad_id=0 if tok.pad_token_id is None else tok.pad_token_id,
        cls_id=tok.cls_token_id,
        names=tuple(sorted(names.items())),
    )
    return _freeze(backend, config, source=str(tok.name_or_path or name))


def _freeze(backend: Backend, config: TokenizerConfig, *, source: str) -> Tokenizer:
    """A tokenizer around `backend`, which nobody else holds and which now does not cut or pad."""
    if isinstance(backend, tokenizers.Tokenizer):
        backend.no_truncation()
        backend.no_padding()
    fixed_first = config.padding_side == "right"
    with explained(source):
        pair = probe_pair(backend, fixed_first=fixed_first, cls_id=config.cls_id)
        single = probe_single(backend, cls_id=config.cls_id)
    return Tokenizer(backend, config, template=pair, single_template=single, source=source)
