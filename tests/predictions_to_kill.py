"""A long file with bad lines among good ones, and processes that are killed as they predict it.

python tests/predictions_to_kill.py [KILLS]      the long part: a network of torch for each task,
                                                 6,000 lines, killed at 20 random moments each
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kills import die_after, get_cpu_seconds, start, wait_for

from spanfit.prediction import FilePredictions

LISTED = ".skipped.jsonl"


def _json(record):
    return json.dumps(record, ensure_ascii=False).encode()


def _good_question(number):
    context = f"Number {number // 3} went to the quay. " + "It rained all day. " * (number % 5)
    return {"id": f"q{number}", "question": f"Where did {number} go?", "context": context}


def _good_text(number):
    return {"id": f"q{number}", "text": "Ada lives in Elm. " * (1 + number % 4)}


GOOD = {"qa": (_good_question, "context"), "tagging": (_good_text, "text")}
"""A right record of each task, and its key that has to be a text."""


def _bad_lines(record, key):
    """Lines that cannot be read, made of one that can; and the id that is found in each."""
    id_ = record["id"]
    without = {k: v for k, v in record.items() if k != key}
    return [
        (b"not JSON", None),
        (_json(record)[:-9], None),
        (_json([record]), None),
        (b'"' + b"x" * 300_000, None),
        (b"[" * 50_000, None),
        (b"\xef\xbb\xbf" + _json(record), None),
        (_json(record).replace(b"a", b"\xff", 1), None),
        (_json(record).replace(b" ", b"\x00", 1), None),
        (_json(record)[:-1] + b', "n": ' + b"9" * 5_000 + b"}", None),
        (_json(without | {"id": 7}), "7"),
        (_json(record | {key: 5}), id_),
        (_json(record | {key: None}), id_),
        (json.dumps(record | {key: "half \ud800"}).encode(), id_),
        (json.dumps(record | {key: 5, "id": "half \udfff"}).encode(), "half \udfff"),
        (_json(without | {"id": ""}), None),
        (_json(without | {"id": ["x"]}), None),
    ]


@dataclass
class Input:
    """A file; the ids that are predicted, in order; the number and id of what is left out."""

    file: Path
    ids: list = field(default_factory=list)
    bad: list = field(default_factory=list)
    blank: int = 0


def make_input(file, *, task, n, seed=0):
    """`n` lines, of which about one in eight is bad and one in fifty blank; some ids come twice."""
    dice, made = random.Random(seed), Input(file)
    make_good, key = GOOD[task]
    with file.open("wb") as out:
        for number in range(1, n + 1):
            record, chance = make_good(number), dice.random()
            line, id_ = _json(record), record["id"]
            if chance < 0.12:
                line, id_ = dice.choice(_bad_lines(record, key))
                made.bad.append((number, id_))
            elif chance < 0.14:
                line = dice.choice([b"", b"  \t", b"\r"])
                made.blank += 1
            elif chance < 0.17:
                id_ = f"q{max(number - 5, 1)}"
                line = _json(record | {"id": id_})
                made.ids.append(id_)
            elif chance < 0.18:
                line = _json(record | {key: record[key] * 40})
                made.ids.append(id_)
            else:
                made.ids.append(id_)
            out.write(line + b"\n" * (number < n))
    return made


def kill_at_random_moments(predict, data, out, *, kills, cpu_seconds, dice):
    """Predict in processes that are killed at random moments of `cpu_seconds`, then to the end.

    Returns:
        How many were killed before they were done, and what the last one said that it wrote.
    """
    killed, said = 0, out.with_name("said.json")
    while not said.exists():
        moment = dice.uniform(0, cpu_seconds) if killed < kills else None

        def work(moment=moment):
            if moment is not None:
                die_after(moment)
            try:
                done = asdict(predict(data, out))
                said.write_text(json.dumps(done, default=str))
            except BaseException:
                traceback.print_exc()  # the process ends without a word
                raise

        killed += not wait_for(start(work))
    content = json.loads(said.read_text())
    said.unlink()
    return killed, content


def assert_right(made, out, done):
    """Every line is answered or listed, once and in order, and the counts are those of the file."""
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["id"] for line in lines] == made.ids
    listed = [json.loads(line) for line in Path(f"{out}{LISTED}").read_text().splitlines()]
    assert [(line["line"], line.get("id")) for line in listed] == made.bad
    assert all(line["reason"] and len(line["reason"]) < 1_000 for line in listed)
    counts = (done["n"], done["skipped"], done["blank"])
    assert counts == (len(made.ids), len(made.bad), made.blank)
    n_lines = len(made.file.read_bytes().split(b"\n"))
    assert sum(counts) == n_lines
    assert FilePredictions(out, done["n"], done["skipped"]).read == n_lines - made.blank


def assert_equal(out, whole):
    """The files of a run that was killed are those of one in one go, and nothing is beside them."""
    assert out.read_bytes() == whole.read_bytes()
    assert Path(f"{out}{LISTED}").read_bytes() == Path(f"{whole}{LISTED}").read_bytes()
    left = {path.name for path in out.parent.iterdir()}
    assert left == {out.name, out.name + LISTED}


def run_long(kills):
    """The long part, with figures."""
    import transformers
    from tiny_models import make_encoder

    import spanfit
    from spanfit.backends.messages import quiet_transformers
    from spanfit.settings import ModelSettings

    settings = {
        "qa": ("QuestionAnswering", {}),
        "tagging": (
            "TokenClassification",
            {"task": "tagging", "tagging": {"tags": ["O", "B-PER", "I-PER"]}},
        ),
    }
    for task, (head, content) in settings.items():
        place = Path(tempfile.mkdtemp(prefix=f"spanfit-{task}-"))
        model = make_encoder(place / "model")
        auto = getattr(transformers, f"AutoModelFor{head}")
        labels = len(content["tagging"]["tags"]) if content else 2
        with quiet_transformers():
            auto.from_pretrained(model, num_labels=labels).save_pretrained(model)
        windows = {"windows": {"max_length": 64, "overlap": 16}}
        ModelSettings.model_validate(content | windows).save(model)
        made = make_input(place / "input.jsonl", task=task, n=6_000)

        def predict(data, out, model=model):
            return spanfit.load(model).predict_file(data, out, bad_lines="skip")

        (place / "whole").mkdir()
        whole, before = place / "whole" / "p.jsonl", get_cpu_seconds()
        _, done = kill_at_random_moments(
            predict, made.file, whole, kills=0, cpu_seconds=0, dice=random.Random()
        )
        seconds = get_cpu_seconds() - before
        assert_right(made, whole, done)
        dice, killed, number = random.Random(0), 0, 0
        while killed < kills:
            (place / str(number)).mkdir()
            out = place / str(number) / "p.jsonl"
            some, done = kill_at_random_moments(
                predict,
                made.file,
                out,
                kills=min(5, kills - killed),
                cpu_seconds=0.6 * seconds,
                dice=dice,
            )
            killed, number = killed + some, number + 1
            assert_right(made, out, done)
            assert_equal(out, whole)
        shutil.rmtree(place)
        print(  # noqa: T201
            f"{task}: {len(made.ids):,} predicted + {len(made.bad):,} left out + {made.blank} blank"
            f" = 6,000 lines; killed at {killed} random moments in {number} runs: identical",
            flush=True,
        )


if __name__ == "__main__":
    run_long(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
