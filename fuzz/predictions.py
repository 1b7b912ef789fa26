"""Files of predictions: questions in both formats, na-probs, candidates, tags."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from fuzz.columns import TARGET as COLUMNS
from fuzz.draws import Draws
from fuzz.target import Target, read_or_refuse, scratch
from fuzz.values import change, wrap, write_json, write_lines
from spanfit.data.nbest import read_question_predictions
from spanfit.data.prediction_lines import write_predictions
from spanfit.data.predictions import read_na_probs, read_predictions, to_responses
from spanfit.data.tag_predictions import read_tag_predictions
from spanfit.tagged import TaggedExample, TaggingPrediction

_BEST = {"text": "1864", "start": 35, "end": 39, "score": 9.1, "probability": 0.83}
LINES: list[dict[str, Any]] = [
    {
        "id": "q1",
        "answer": {"text": "1864", "start": 35, "end": 39},
        "probability": 0.83,
        "null_odds": -2.5,
        "n_best": [_BEST, {**_BEST, "text": "in 1864", "start": 32, "score": 0, "source": "a.txt"}],
    },
    {"id": 2, "answer": None, "probability": 0.7, "null_odds": 1.5, "n_best": [_BEST]},
    {"id": "q3", "answer": None, "probability": 1.0, "null_odds": None, "n_best": []},
]
TAGS: list[dict[str, Any]] = [
    {
        "id": "a1",
        "text": "Mira left.",
        "units": [[0, 4], [5, 9], [9, 10]],
        "tags": ["B-PER", "O", "O"],
        "entities": [{"start": 0, "end": 4, "label": "PER", "text": "Mira", "probability": 0.98}],
    },
    {"words": ["Mira", "left"], "tags": ["B-PER", "O"]},
    {"text": "ab", "entities": [{"start": 0, "end": 1, "label": "X"}]},
]
TEXTS = {"q1": "1864", "q2": ""}
NUMBERS = {"q1": 0.02, "q2": 1}
KEYS = (
    *("id", "answer", "text", "start", "end", "score", "probability", "null_odds", "n_best"),
    *("source", "question", "context", "q1", "words", "tags", "units", "entities", "label", ""),
)


def _draw_content(draws: Draws) -> bytes:
    kind = draws.integer(0, 5)
    if kind < 2:
        return write_lines(draws, change(draws, LINES, KEYS))
    if kind == 2:
        return write_lines(draws, change(draws, TAGS, KEYS))
    if kind == 3:
        return write_json(draws, change(draws, draws.choose([TEXTS, NUMBERS]), KEYS)).encode()
    if kind == 4:
        return write_json(draws, change(draws, TAGS, KEYS)).encode()
    # A key may come twice, which no dict can say.
    pairs = [f'"{draws.choose(KEYS)}": {write_json(draws, draws.text())}' for _ in range(3)]
    return f"{{{', '.join(pairs)}}}".encode()


def _check_responses(path: Path) -> None:
    responses = read_or_refuse(lambda: read_predictions(path))
    for response in (responses or {}).values():
        odds, probability = response.null_odds, response.probability
        assert odds is None or odds > -math.inf, "null odds that are no number"
        assert probability is None or 0 <= probability <= 1
        response.text.encode()
    if responses and all(response.null_odds is None for response in responses.values()):
        texts = {key: response.text for key, response in responses.items()}
        assert {key: text.text for key, text in to_responses(texts, where="").items()} == texts


def _check_numbers(path: Path) -> None:
    numbers = read_or_refuse(lambda: read_na_probs(path))
    assert all(map(math.isfinite, (numbers or {}).values()))


def _check_candidates(path: Path) -> None:
    found = read_or_refuse(lambda: read_question_predictions(path))
    if not found:
        return
    for one in found:
        shares = [candidate.probability for candidate in one.n_best]
        assert not shares or math.isclose(sum(shares), 1, abs_tol=1e-9), "shares that add up to 1"
        one.recalibrate(0.5, 2.0)
    out = scratch() / "out.jsonl"
    write_predictions(out, found)
    assert read_question_predictions(out) == found, "candidates change by being written"


def _check_tags(path: Path) -> None:
    found = read_or_refuse(lambda: read_tag_predictions(path))
    if not found or not found.has_ids or not found.responses:
        return
    out = scratch() / "out.jsonl"
    write_predictions(out, [_to_prediction(one.said, one.entities) for one in found.responses])
    again = read_tag_predictions(out)
    json.dumps([one.tags for one in found.responses], ensure_ascii=False).encode()
    for one, other in zip(found.responses, again.responses, strict=True):
        assert replace(one.said, entities=None, document="") == other.said
        assert one.tags == other.tags and (one.entities or ()) == (other.entities or ())


def _to_prediction(said: TaggedExample, entities: Any) -> TaggingPrediction:  # noqa: ANN401
    return TaggingPrediction(
        said.id,
        said.text,
        starts=said.starts,
        ends=said.ends,
        tags=said.tags or (),
        entities=entities or (),
    )


def check(data: bytes) -> None:
    """Bytes as a file, or a file made of them, for every reader of predictions."""
    draws = Draws(data)
    content = wrap(draws, _draw_content(draws)) if draws.flag() else draws.rest()
    path = scratch() / "predictions"
    path.write_bytes(content)
    _check_responses(path)
    _check_numbers(path)
    _check_candidates(path)
    _check_tags(path)


def _lines(records: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


TARGET = Target(
    "predictions",
    check,
    seeds=(
        *(b"\0" + _lines(records) for records in (LINES, TAGS)),
        *(b"\0" + json.dumps(value).encode() for value in (TEXTS, NUMBERS, TAGS)),
        b"\0Mira B-PER B-PER\nleft O O\n",
        *(bytes([1, kind]) for kind in range(6)),
        *(b"\0" + seed[2:] for seed in COLUMNS.seeds[:3]),
    ),
    words=(*(f'"{key}"'.encode() for key in KEYS), b"null", b"1e400", b"NaN", b"9" * 310),
)
