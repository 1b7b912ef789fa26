"""`spanfit windows`: the published counts, what a person sees, what a program reads, errors."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys

import pytest
from toy_tokenizers import DATA as TOKENIZERS

from spanfit.cli import main

CONTEXT = "The lamp of Pellan Head was lit in 1864. Wonderfully warm it was."


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `spanfit windows …` as a shell does: (exit code, standard output, standard error)."""

    def run_windows(*arguments):
        monkeypatch.setattr(sys, "argv", ["spanfit", "windows", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, *capsys.readouterr()

    return run_windows


@pytest.fixture
def data(tmp_path):
    """Five questions: exact, widened, lost, without an answer, and one that is only asked."""
    golds = {
        "exact": [["1864", 35]],
        "widened": [["arm", 54]],
        "lost": [["The lamp of Pellan Head was lit", 0]],
    }
    lines = [
        {
            "id": id_,
            "question": "When was it lit?",
            "context": CONTEXT,
            "answers": [{"text": text, "start": start} for text, start in golds.get(id_, [])],
        }
        for id_ in ("exact", "widened", "lost", "none", "asked")
    ]
    del lines[-1]["answers"]
    file = tmp_path / "five questions.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def test_json_for_a_program(run, data):
    code, out, err = run(data, "-t", TOKENIZERS / "wordpiece", "--limit", 6, "--json")
    report = json.loads(out)
    assert (code, err) == (0, "")
    assert report["questions"] == report["windows"] == 5
    counts = [report[kind] for kind in ("answerable", "unanswerable", "without_gold")]
    assert counts == [3, 1, 1]
    assert report["first_gold"]["widened"] == report["best_gold"]["widened"] == ["widened"]
    assert report["first_gold"]["too_long"] == ["lost"]
    assert report["ceiling"]["metric"] == "squad_v2"
    assert report["ceiling"]["n"] == 4
    assert report["ceiling"]["exact"] == 50
    tokens = report["tokens_per_window"]
    assert report["padding_factor"] == pytest.approx(384 / tokens["mean"])


def test_lines_in_a_pipe(run, data):
    code, out, err = run(data, "-t", TOKENIZERS / "wordpiece" / "tokenizer.json")
    assert code == 0
    assert "\x1b" not in out
    lines = dict(line.split(" ", 1) for line in out.splitlines())
    assert lines["windows"] == "5"
    assert lines["cut_questions"] == "0"
    assert lines["first_gold_widened"] == "1 # widened"
    assert lines["ceiling_metric"] == "squad_v2"
    assert lines["kind"] == "questions"
    assert lines["max_answer_tokens"] == "30"
    assert "read as it stands" in err
    assert f"spanfit show '{data}' --id widened" in err


def test_tables_on_a_terminal(run, data, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run(data, "-t", TOKENIZERS / "wordpiece")
    assert code == 0
    for part in ("5", "1 whose gold is not given", "█", "widened", "ceiling (squad_v2"):
        assert part in out


def test_data_without_gold_has_no_ceiling(run, data):
    asked = data.with_name("asked.jsonl.gz")
    asked.write_bytes(gzip.compress(data.read_bytes().splitlines()[-1]))
    code, out, _ = run(asked, "-t", TOKENIZERS / "wordpiece", "--json")
    assert code == 0
    assert json.loads(out)["ceiling"] is None


def test_first_questions_only(run, data):
    _, out, _ = run(data, "-t", TOKENIZERS / "unigram", "--first", 2, "--json")
    report = json.loads(out)
    assert report["questions"] == 2
    assert report["ceiling"]["metric"] == "squad_v1"


def test_cut_questions_are_warned_of(run, data):
    code, _, err = run(data, "-t", TOKENIZERS / "wordpiece", "--max-length", 16, "--overlap", 8)
    assert code == 0
    assert "5 questions are too long" in err
    assert "exact, widened, lost …" in err


@pytest.mark.parametrize(
    ("tokenizer", "parts"),
    [
        ("bert-base-cased", ["nothing from the hub", "hf download bert-base-cased"]),
        ("some/encoder", ["nothing from the hub", "--local-dir encoder"]),
        ("/no/such/folder", ["/no/such/folder", "no tokenizer.json here"]),
        (TOKENIZERS, ["no tokenizer.json here"]),
        (__file__, ["not a tokenizer file"]),
    ],
)
def test_wrong_tokenizer_is_one_clear_message(run, data, tokenizer, parts):
    code, out, err = run(data, "--tokenizer", tokenizer)
    assert (code, out) == (1, "")
    for part in parts:
        assert part in err
    assert "Traceback" not in err


def test_bad_answers_need_a_named_repair(run, data):
    data.write_text(data.read_text(encoding="utf-8").replace("35", "36"), encoding="utf-8")
    arguments = (data, "-t", TOKENIZERS / "wordpiece", "--json")
    code, _, err = run(*arguments)
    assert code == 1
    assert "--bad-answers" in err
    assert "'exact'" in err
    code, out, err = run(*arguments, "--bad-answers", "relocate")
    assert json.loads(out)["questions"] == 5
    assert "36" in err
    _, out, err = run(*arguments, "--bad-answers", "drop")
    assert json.loads(out)["questions"] == 4
    assert "exact" in err


@pytest.mark.parametrize("options", [("--overlap", 384), ("--limit", 0), ("--max-length", 3)])
def test_impossible_options_are_a_usage_error(run, data, options):
    code, out, _ = run(data, "-t", TOKENIZERS / "wordpiece", *options)
    assert (code, out) == (2, "")


def test_nothing_in_the_file(run, data):
    data.write_text('{"data": []}', encoding="utf-8")
    code, _, err = run(data, "-t", TOKENIZERS / "wordpiece")
    assert code == 1
    assert "no question" in err


@pytest.fixture
def tagged(tmp_path):
    """Three texts: one that is fine, one with an entity that ends inside a token, one to tag."""
    lines = [
        {"id": "fine", "text": "the a", "entities": [{"start": 0, "end": 3, "label": "x"}]},
        {"id": "in side", "text": "a the", "entities": [{"start": 2, "end": 4, "label": "x"}]},
        {"id": "to tag", "text": "the"},
    ]
    file = tmp_path / "three texts.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def test_tagged_texts_as_json(run, tagged):
    code, out, err = run(tagged, "-t", TOKENIZERS / "wordpiece", "--json")
    report = json.loads(out)
    assert (code, err) == (0, "")
    assert (report["max_length"], report["overlap"]) == (256, 64)
    assert [report[key] for key in ("texts", "without_gold", "units")] == [3, 1, 13]
    assert [report[key] for key in ("entities", "exact", "lost")] == [2, 1, 1]
    assert report["losses"] == {
        "border inside a token": [
            {"id": "in side", "start": 2, "end": 4, "label": "x", "text": "th"}
        ]
    }
    assert report["ceiling"] == {"metric": "conlleval", "figure": 50, "n": 2}
    assert report["windows"] == 3 and report["windows_per_text"] == 1
    _, out, _ = run(tagged, "-t", TOKENIZERS / "wordpiece", "--first", 1, "--json")
    assert json.loads(out)["ceiling"]["figure"] == 100


def test_tagged_texts_in_a_pipe(run, tagged):
    code, out, err = run(tagged, "-t", TOKENIZERS / "wordpiece", "--max-length", 12, "--overlap", 2)
    assert code == 0
    lines = dict(line.split(" ", 1) for line in out.splitlines())
    assert lines["losses_border_inside_a_token"] == "1 # in side"
    assert lines["max_length"] == "12"
    assert lines["ceiling_figure"] == "50"
    assert f"spanfit show '{tagged}' --id 'in side'" in err


def test_tagged_texts_on_a_terminal(run, tagged, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run(tagged, "-t", TOKENIZERS / "wordpiece")
    assert code == 0
    for part in ("13 units, 1 without gold", "█", "lost: border inside a token", "in side 'th'"):
        assert part in out
    assert "ceiling (conlleval, 2 texts)" in out


def test_columns_of_tagged_texts(run, tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("Ada N B-x\ncame V I-y\n\n", encoding="utf-8")
    arguments = (file, "-t", TOKENIZERS / "wordpiece", "--json")
    code, _, err = run(*arguments)
    assert code == 1
    assert "--columns repair=conlleval" in err
    code, out, err = run(*arguments, "--columns", "repair=conlleval")
    assert (code, json.loads(out)["entities"]) == (0, 2)
    assert "I-y → B-y" in err
    _, out, _ = run(*arguments, "--columns", "tags=2")
    assert json.loads(out)["ceiling"]["metric"] == "accuracy"


def test_the_next_commands_read_the_same_columns(run, tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("th B-x N\ne I-x N\n\n", encoding="utf-8")
    _, _, err = run(file, "-t", TOKENIZERS / "wordpiece", "--columns", "tags=2")
    assert f"next: spanfit init {file} --columns tags=2 > recipe.toml" in err


def test_the_text_that_loses_something_is_shown_with_the_same_columns(run, tmp_path):
    file = tmp_path / "characters.txt"
    file.write_text(
        "".join(f"{c} {t} N\n" for c, t in zip("the", ["O", "O", "S-x"], strict=True)), "utf-8"
    )
    chosen = ("--columns", "tags=2", "--columns", "joiner=", "--columns", "scheme=BIOES")
    _, _, err = run(file, "-t", TOKENIZERS / "wordpiece", *chosen)
    assert f"next: spanfit show {file} {' '.join(chosen)} --id 1" in err


def test_a_limit_of_answers_is_not_for_tagged_texts(run, tagged):
    code, out, err = run(tagged, "-t", TOKENIZERS / "wordpiece", "--limit", 5)
    assert (code, out) == (2, "")
    assert "--limit is of answers" in err


def test_counting_loads_neither_torch_nor_transformers(data):
    script = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'transformers', 'datasets')))\n"
        "from spanfit.cli import main; main()"
    )
    arguments = ["windows", str(data), "--tokenizer", str(TOKENIZERS / "bytelevel"), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert json.loads(done.stdout)["windows"] == 5


@pytest.mark.parametrize(
    ("data_file", "vocabulary", "first", "windows", "lost_and_widened", "ceiling"),
    [
        ("squad_v2/dev-v2.0.json", "bert-base-cased", None, 12_199, (3, 0), (99.9747, 99.9980)),
        ("squad_v2/dev-v2.0.json", "bert-base-cased", 100, 107, (0, 0), (100, 100)),
        ("squad_v1/dev-v1.1.json", "roberta-base", None, 10_790, (3, 20), (99.9622, 99.9876)),
        ("squad_v1/dev-v1.1.json", "bert-base-cased", None, 10_822, (4, 1), (99.9527, 99.9875)),
        (
            "korquad_v1/KorQuAD_v1.0_dev.json",
            "bert-base-multilingual-cased",
            None,
            7_706,
            (0, 907),
            (86.8029, 98.6056),
        ),
    ],
)
def test_published_counts(
    run, shared, data_file, vocabulary, first, windows, lost_and_widened, ceiling
):
    limit = ("--first", first) if first else ()
    _, out, _ = run(
        shared / "data" / data_file, "-t", shared / "vocab" / vocabulary, *limit, "--json"
    )
    report = json.loads(out)
    best = report["best_gold"]
    assert report["windows"] == windows
    assert (len(best["too_long"] + best["outside"]), len(best["widened"])) == lost_and_widened
    assert report["ceiling"]["exact"] == pytest.approx(ceiling[0], abs=1e-4)
    assert report["ceiling"]["f1"] == pytest.approx(ceiling[1], abs=1e-4)


@pytest.mark.parametrize(
    ("metric", "f1"), [("squad_v1", 90.5368), ("korquad", 98.6056), ("first_gold_exact", 86.7510)]
)
def test_the_ceiling_goes_by_the_metric(run, shared, metric, f1):
    data = shared / "data/korquad_v1/KorQuAD_v1.0_dev.json"
    vocabulary = shared / "vocab/bert-base-multilingual-cased"
    _, out, _ = run(data, "-t", vocabulary, "--metric", metric, "--json")
    assert json.loads(out)["ceiling"]["metric"] == metric
    assert json.loads(out)["ceiling"]["f1"] == pytest.approx(f1, abs=1e-4)


@pytest.mark.parametrize(
    ("metric", "code", "parts"),
    [
        ("squad_v1", 1, ["squad_v1 needs an answer to each question", "--metric squad_v2"]),
        ("jsqaud", 2, ["questions have no metric 'jsqaud'", "did you mean 'jsquad'?"]),
        ("conlleval", 2, ["questions have no metric 'conlleval'", "one of: cmrc2018"]),
    ],
)
def test_metrics_that_do_not_suit(run, data, metric, code, parts):
    result, out, err = run(data, "-t", TOKENIZERS / "wordpiece", "--metric", metric)
    assert (result, out) == (code, "")
    for part in parts:
        assert part in err


def test_the_metric_of_a_file_that_is_only_asked_must_exist(run, data):
    asked = data.with_name("asked.jsonl")
    asked.write_bytes(data.read_bytes().splitlines()[-1])
    assert run(asked, "-t", TOKENIZERS / "wordpiece", "--metric", "korquad")[0] == 0
    assert run(asked, "-t", TOKENIZERS / "wordpiece", "--metric", "nothing")[0] == 2


def test_tagged_texts_by_another_metric(run, tmp_path):
    file = tmp_path / "tags.txt"
    file.write_text("Ada B-PER\nleads O\n\nPellan B-LOC\nHead I-LOC\n", encoding="utf-8")
    for metric, expected in (
        ("seqeval_strict", 0),
        ("spans", 0),
        ("char_macro", 1),
        ("korquad", 2),
    ):
        code, out, err = run(file, "-t", TOKENIZERS / "wordpiece", "--metric", metric, "--json")
        assert code == expected, err
        if code == 0:
            assert json.loads(out)["ceiling"]["metric"] == metric
            assert json.loads(out)["ceiling"]["figure"] == 100
