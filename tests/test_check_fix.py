"""`--fix`: what is repaired, what is left as it stands, and the log of old → new."""

from __future__ import annotations

import csv
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from question_files import write
from test_check import CLEAN, FRENCH, LAMP, MILL, TEXT, line

from spanfit.data import read
from spanfit.doctor import KINDS, check, log_of
from spanfit.doctor.alike import find_alike
from spanfit.doctor.characters import clean, find_troubles
from spanfit.errors import DataError, RecipeError
from spanfit.examples import Reading

MENDED = frozenset(name for name, kind in KINDS.items() if kind.repair)
CHARACTERS = frozenset({"mojibake", "control_character", "invisible_character", "normal_form"})


def fix(path, **options):
    """The repaired file, beside the old one, and the lines of its log."""
    before = path.read_bytes()
    out = path.with_name(f"fixed-{path.name}")
    done = check(path).fix(out, **options)
    assert path.read_bytes() == before
    assert done.log == log_of(out)
    log = [json.loads(text) for text in done.log.read_text(encoding="utf-8").splitlines()]
    assert [change.to_json() for change in done.changes] == log
    return out, log


def paragraph(context, *questions, **other):
    return {"context": context, "qas": list(questions), **other}


class TestQuestions:
    def test_only_what_is_wrong_in_nested_json_changes(self, tmp_path):
        wrong = {"id": "a", "question": "When?", "answers": [{"text": "1864", "answer_start": 3}]}
        padded = {"id": "b", "question": "Who?", "answers": [{"text": " Ada", "answer_start": 61}]}
        right = {"id": 7, "question": "What?", "answers": [{"text": "lamp", "answer_start": 4}]}
        kept = {"is_impossible": False, "note": [1, None]}
        document = {
            "version": "1.1",
            "data": [
                {
                    "title": "T",
                    "paragraphs": [paragraph(LAMP, wrong | kept, padded, right, id="P1")],
                    "source": {"by": "hand"},
                }
            ],
        }
        path = write(tmp_path, json.dumps(document, indent=2) + "\n", "data.json")
        out, log = fix(path)
        wrong["answers"] = [{"text": "1864", "answer_start": 35}]
        padded["answers"] = [{"text": "Ada", "answer_start": 62}]
        document["data"][0]["paragraphs"] = [paragraph(LAMP, wrong | kept, padded, right, id="P1")]
        assert out.read_text(encoding="utf-8") == json.dumps(document, indent=2) + "\n"
        assert log == [
            {
                "kind": "misplaced_answer",
                "place": "paragraph 1 of 'T'",
                "id": "a",
                "field": "answers[0]",
                "old": {"text": "1864", "start": 3},
                "new": {"text": "1864", "start": 35},
            },
            {
                "kind": "padded_answer",
                "place": "paragraph 1 of 'T'",
                "id": "b",
                "field": "answers[0]",
                "old": {"text": " Ada", "start": 61},
                "new": {"text": "Ada", "start": 62},
            },
        ]

    def test_places_follow_characters_that_are_taken_out(self, tmp_path):
        context = "Ca\u200bfÃ© \x00Orrin: the mill."
        plausible = [{"text": "mill", "answer_start": context.index("mill")}, 3, {"text": None}]
        questions = [
            {
                "id": "a",
                "question": "W\u200bhere?",
                "answers": [{"text": "Ca\u200bfÃ©", "answer_start": 0}],
            },
            {"id": "b", "question": "What?", "answers": [], "plausible_answers": plausible},
        ]
        document = {"data": [{"title": "T", "paragraphs": [paragraph(context, *questions)]}]}
        out, log = fix(write(tmp_path, document, "data.json"))
        first, second = read(out)
        assert first.context is second.context
        assert first.context == "Café Orrin: the mill."
        assert first.question == "Where?"
        assert first.answers[0].text == "Café"
        found = json.loads(out.read_text(encoding="utf-8"))["data"][0]["paragraphs"][0]["qas"][1]
        moved = {"text": "mill", "answer_start": 16}
        assert found["plausible_answers"] == [moved, *plausible[1:]]
        told = [(item["field"], item["old"], item["new"]) for item in log]
        assert told[:3] == [
            ("question[1:2]", "\u200b", ""),
            ("context[2:3]", "\u200b", ""),
            ("context[4:6]", "Ã©", "é"),
        ]
        assert len([item for item in log if item["field"].startswith("context")]) == 3
        assert [item for item in log if item["field"].startswith("plausible")] == [
            {
                "kind": "control_character, invisible_character, mojibake",
                "place": "paragraph 1 of 'T'",
                "id": "b",
                "field": "plausible_answers[0]",
                "old": {"text": "mill", "start": context.index("mill")},
                "new": {"text": "mill", "start": 16},
            }
        ]
        assert check(out).findings == ()

    def test_what_was_not_read_stays_as_it_is(self, tmp_path):
        wrong = {"id": "a", "question": "When?", "answers": [{"text": "1864", "answer_start": 3}]}
        articles = [{"title": "A", "paragraphs": [paragraph(LAMP, wrong)]}, {"title": "B"}, 7]
        path = write(tmp_path, {"data": articles}, "data.json")
        assert check(path).count_kinds() == {"unreadable": 1, "misplaced_answer": 1}
        out, _ = fix(path)
        found = json.loads(out.read_text(encoding="utf-8"))["data"]
        wrong["answers"][0]["answer_start"] = 35
        assert found == articles

    def test_lines_without_a_change_stay_to_the_byte(self, tmp_path):
        odd = '{"question":  "Who was it?",  "context": "Ada.",\t"answers": [], "x": 1.50 }'
        wrong = json.dumps(line("bad", "Which?", LAMP, ("1864", 3), note="kept"))
        path = write(tmp_path, f"{odd}\r\n\n{wrong}\r\n{{broken\n{odd[:-2]}}}", "data.jsonl")
        out, _ = fix(path)
        before, after = (item.read_bytes().split(b"\n") for item in (path, out))
        assert [
            n for n, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]
        ] == [2]
        assert json.loads(after[2]) == line("bad", "Which?", LAMP, "1864", note="kept") | {
            "answers": [{"text": "1864", "start": 35}]
        }
        assert after[2].endswith(b"\r")

    def test_squads_columns_in_lines(self, tmp_path):
        columns = {"text": ["1864", "lamp"], "answer_start": [3, 4]}
        path = write(tmp_path, [line("a", "Which?") | {"answers": columns}], "data.jsonl")
        out, _ = fix(path)
        found = json.loads(out.read_text(encoding="utf-8"))["answers"]
        assert found == {"text": ["1864", "lamp"], "answer_start": [35, 4]}

    def test_a_table_is_written_as_lines(self, tmp_path):
        path = tmp_path / "data.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["id", "context", "question", "answer", "answer_start", "mark"])
            rows.writerow(["a", LAMP, "When?", "1864", 3, "x"])
        with pytest.raises(RecipeError, match="jsonl"):
            check(path).fix(tmp_path / "fixed.csv")
        done = check(path).fix(tmp_path / "fixed.jsonl")
        (example,) = read(done.file)
        assert example.answers[0].start == 35
        assert done.unread == ("'mark' of the questions",)

    def test_what_cannot_be_repaired_stays(self, tmp_path):
        lines = [
            line("several", "Which letter?", LAMP, ("s", 0)),
            line("nowhere", "When?", LAMP, ("1865", 3)),
            line("blank", "What is that?", "A \u200b mark.", ("\u200b", 2)),
        ]
        path = write(tmp_path, lines, "data.jsonl")
        out, log = fix(path)
        assert out.read_bytes() == path.read_bytes()
        assert log == []

    def test_examples_are_left_out_by_the_kind_of_their_findings(self, tmp_path):
        again = line("again", "When was the lamp lit?", LAMP, "1864")
        path = write(tmp_path, [*CLEAN, again], "data.jsonl")
        out, log = fix(path, drop=["repeated_question"])
        assert [example.id for example in read(out)] == ["q1", "q2", "q3", "q4"]
        assert [(item["field"], item["id"], item["new"]) for item in log] == [
            ("example", "again", None)
        ]

    def test_leaked_paragraphs_go_whole(self, tmp_path):
        def ask(key):
            return {"id": key, "question": f"Who is {key}?", "answers": []}

        document = {
            "data": [
                {
                    "title": "A",
                    "paragraphs": [paragraph(LAMP, ask("a")), paragraph(MILL, ask("b"))],
                },
                {"title": "B", "paragraphs": [paragraph(LAMP + " ", ask("c"))]},
            ]
        }
        train = write(tmp_path, document, "train.json")
        dev = write(tmp_path, [line("x", "Who?", LAMP), line("y", "Who?", LAMP + " ")], "dev.jsonl")
        check(train, dev).fix(tmp_path / "out.json", drop=["leaked_text"])
        assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8")) == {
            "data": [{"title": "A", "paragraphs": [paragraph(MILL, ask("b"))]}]
        }

    def test_all_questions_of_a_context_go_with_it(self, tmp_path):
        def ask(key):
            return {"id": key, "question": f"Who is {key}?", "answers": []}

        broken = LAMP.replace("lamp", "l\ufffdmp")
        paragraphs = [
            paragraph(LAMP, ask("a"), ask("b")),
            paragraph(broken, ask("c"), ask("d")),
            paragraph(MILL, ask("e"), {"id": "f", "question": "Wh\ufffd?", "answers": []}),
            paragraph(MILL, ask("g"), ask("h")),
            paragraph(" ", ask("i"), ask("j")),
        ]
        document = {"data": [{"title": "A", "paragraphs": paragraphs}]}
        train = write(tmp_path, document, "train.json")
        dev = write(tmp_path, [line("x", "Where?", LAMP)], "dev.jsonl")
        left = {
            "leaked_text": "cdefghij",
            "leaked_near_text": "abefghij",
            "replacement_character": "abeghij",
            "repeated_text": "abcdefij",
            "empty_context": "abcdefgh",
        }
        for kind, keys in left.items():
            done = check(train, dev).fix(tmp_path / f"{kind}.json", drop=[kind])
            assert "".join(example.id for example in read(done.file)) == keys, kind
            assert done.n_dropped == 10 - len(keys)

    def test_a_context_with_questions_that_nobody_read_stays(self, tmp_path):
        def ask(key, **other):
            golds = [{"text": "1864", "answer_start": 36}]
            return {"id": key, "question": f"When was {key}?", "answers": golds} | other

        context = "The\u200b lamp of Pellan Head was lit in 1864."
        paragraphs = [
            paragraph(context + " Then.", ask("a")),
            paragraph(context, ask("b"), ask("c", question=3), ask("d")),
        ]
        document = {"data": [{"title": "A", "paragraphs": paragraphs}]}
        out, _ = fix(write(tmp_path, document, "data.json"))
        first, second = json.loads(out.read_text(encoding="utf-8"))["data"][0]["paragraphs"]
        assert first["context"] == "The lamp of Pellan Head was lit in 1864. Then."
        assert second == paragraphs[1]

    def test_changes_in_articles_of_one_title_are_all_told(self, tmp_path):
        def article(key):
            golds = [{"text": "1864", "answer_start": 8}]
            question = {"id": key, "question": "When?", "answers": golds}
            return {"title": "T", "paragraphs": [paragraph("Lit\u200b in 1864.", question)]}

        _, log = fix(write(tmp_path, {"data": [article("a"), article("b")]}, "data.json"))
        assert [(item["id"], item["field"]) for item in log] == [
            ("a", "context[3:4]"),
            ("a", "answers[0]"),
            ("b", "context[3:4]"),
            ("b", "answers[0]"),
        ]

    def test_the_log_names_what_was_wrong_with_a_gold(self, tmp_path):
        path = write(tmp_path, [line("a", "When?", LAMP, ("18\u200b64", 35))], "data.jsonl")
        _, (change,) = fix(path)
        assert change["kind"] == "invisible_character"
        assert change["new"] == {"text": "1864", "start": 35}

    def test_a_table_is_written_compressed(self, tmp_path):
        content = f"id,context,question\na,{LAMP},Wh\u200ben?\n"
        path = write(tmp_path, content, "data.csv")
        done = check(path).fix(tmp_path / "fixed.jsonl.gz")
        assert json.loads(gzip.decompress(done.file.read_bytes()))["question"] == "When?"


class TestTexts:
    def test_tags_in_columns_change_and_nothing_else_does(self, tmp_path):
        columns = (
            "-DOCSTART- -X- O\n\nMira  NNP I-PER\nleft VBD O\r\nOslo NNP I-LOC\n\n"
            "# a longer comment\nAda NNP B-PER\nBrook NNP I-PER\n\nTern NNP B-SHIP\n"
        )
        path = write(tmp_path, columns, "data.conll")
        out, log = fix(path)
        expected = columns.replace("Mira  NNP I-PER", "Mira  NNP B-PER")
        assert out.read_bytes() == expected.replace("Oslo NNP I-LOC", "Oslo NNP B-LOC").encode()
        assert [(item["place"], item["field"], item["old"], item["new"]) for item in log] == [
            ("line 3", "tags[0]", "I-PER", "B-PER"),
            ("line 3", "tags[2]", "I-LOC", "B-LOC"),
        ]

    def test_the_repair_of_tags_may_be_named(self, tmp_path):
        path = write(tmp_path, "Mira B-PER\nleft O\nOslo I-LOC\n\nAda B-PER\n", "data.conll")
        out = tmp_path / "fixed.conll"
        check(path, reading=Reading(repair="discard")).fix(out)
        assert out.read_text(encoding="utf-8").splitlines()[2] == "Oslo O"

    def test_words_in_columns_are_cleaned(self, tmp_path):
        columns = (
            "# text = Ca\u200bfe left.\nCa\u200bfe\tB-X\nleft\tO\n.\tO\n\n\u200b\tO\nAda\tB-X\n"
        )
        out, _ = fix(write(tmp_path, columns, "data.conll"))
        # A word of nothing else stays: its line would be no word any more.
        expected = "# text = Cafe left.\nCafe\tB-X\nleft\tO\n.\tO\n\n\u200b\tO\nAda\tB-X\n"
        assert out.read_text(encoding="utf-8") == expected

    def test_a_sentence_is_left_out(self, tmp_path):
        columns = "a O\nb B-X\n\n\nc O\nb B-X\n\na O\nb B-X\n"
        out, _ = fix(write(tmp_path, columns, "data.conll"), drop=["repeated_text"])
        assert out.read_text(encoding="utf-8") == "a O\nb B-X\n\n\nc O\nb B-X\n\n"

    def test_comments_on_a_sentence_go_with_it(self, tmp_path):
        columns = (
            "# global.columns = FORM TAG\n# newdoc id = D\n"
            "# sent_id = 1\n# text = a b\na\tO\nb\tB-X\n\n"
            "# a remark\n# sent_id = 2\n# text = a b\na\tO\nb\tB-X\n\nc\tB-X\n"
        )
        path = write(tmp_path, columns, "data.conll")
        out, _ = fix(path, drop=["repeated_text"])
        cut = columns.index("# sent_id = 2"), columns.index("c\tB-X")
        assert out.read_text(encoding="utf-8") == columns[: cut[0]] + columns[cut[1] :]
        assert [(item.id, item.document) for item in read(out)] == [("1", "D"), ("9", "D")]

    def test_ranges_of_characters_follow_their_text(self, tmp_path):
        items = [
            {
                "curid": "1",
                "text": "Ca\u200bfe Orrin und Ada.",
                "entities": [
                    {"name": "Ada", "span": [16, 19], "type": "PER", "by": "x"},
                    {"name": "Ca\u200bfe Orrin", "span": [0, 11], "type": "LOC"},
                ],
            },
            {"curid": "1", "text": "Oslo", "entities": []},
        ]
        path = write(tmp_path, json.dumps(items, indent=4, ensure_ascii=False), "data.json")
        out, _ = fix(path)
        items[0]["text"] = "Cafe Orrin und Ada."
        items[0]["entities"] = [
            {"name": "Ada", "span": [15, 18], "type": "PER", "by": "x"},
            {"name": "Cafe Orrin", "span": [0, 10], "type": "LOC"},
        ]
        assert out.read_text(encoding="utf-8") == json.dumps(items, indent=4, ensure_ascii=False)

    def test_words_and_tags_in_lines(self, tmp_path):
        lines = [
            {"id": "a", "tokens": ["Mi\u200bra", "left"], "ner_tags": ["I-PER", "O"], "x": 1},
            {"id": "b", "tokens": ["Ada", "Brook"], "ner_tags": ["B-PER", "I-PER"]},
            {"id": "c", "tokens": ["Ada", "Brook"], "ner_tags": ["B-PER", "LOC"]},
        ]
        out, _ = fix(write(tmp_path, lines, "data.jsonl"))
        found = [json.loads(text) for text in out.read_text(encoding="utf-8").splitlines()]
        expected = {"id": "a", "tokens": ["Mira", "left"], "ner_tags": ["B-PER", "O"], "x": 1}
        assert found == [expected, *lines[1:]]

    def test_tags_that_are_numbers(self, tmp_path):
        item = {"words": ["Ada", "in", "Oslo"], "tags": [1, 0, 2]}
        path = write(tmp_path, [item], "data.jsonl")
        names = ("O", "B-PER", "I-LOC")
        with pytest.raises(
            DataError, match=r"data\.jsonl, line 1, [\s\S]*names=O,B-PER,I-LOC,B-LOC"
        ):
            check(path, reading=Reading(names=names)).fix(tmp_path / "out.jsonl")
        assert [file.name for file in tmp_path.iterdir()] == ["data.jsonl"]
        done = check(path, reading=Reading(names=(*names, "B-LOC"))).fix(tmp_path / "out.jsonl")
        assert json.loads(done.file.read_bytes()) == item | {"tags": [1, 0, 3]}


class TestFiles:
    def test_another_encoding_becomes_utf8(self, tmp_path):
        out, log = fix(write(tmp_path, TEXT.encode("utf-16"), "data.jsonl"))
        assert out.read_text(encoding="utf-8") == TEXT
        assert [(item["field"], item["kind"]) for item in log] == [
            ("file", "byte_order_mark"),
            ("file", "encoding"),
        ]

    def test_a_mark_that_is_ignored_stays(self, tmp_path):
        path = write(tmp_path, TEXT.encode("utf-8-sig"), "data.jsonl")
        done = check(path, ignore=["byte_order_mark"]).fix(tmp_path / "out.jsonl")
        assert done.changes == ()
        assert done.file.read_bytes() == path.read_bytes()

    def test_a_line_in_another_encoding_becomes_utf8(self, tmp_path):
        greek = json.dumps(line("g", "Πού;", "Ο φάρος είναι στο νησί.", "νησί"), ensure_ascii=False)
        content = f"{greek}\n".encode() + FRENCH.encode("latin-1")
        out, _ = fix(write(tmp_path, content, "data.jsonl"))
        assert out.read_text(encoding="utf-8") == f"{greek}\n{FRENCH}"

    def test_characters_are_never_lost(self, tmp_path):
        russian = line("r", "Где маяк?", "Маяк стоит на острове, далеко от берега моря.", "Маяк")
        content = json.dumps(russian, ensure_ascii=False).encode("koi8-r")
        with pytest.raises(DataError, match="iconv"):
            fix(write(tmp_path, content, "data.jsonl"))
        assert [path.name for path in tmp_path.iterdir()] == ["data.jsonl"]

    def test_compressed_files(self, tmp_path):
        wrong = json.dumps(line("bad", "Which?", LAMP, ("1864", 3)))
        path = tmp_path / "data.jsonl.gz"
        path.write_bytes(gzip.compress(wrong.encode()))
        out, _ = fix(path)
        assert json.loads(gzip.decompress(out.read_bytes()))["answers"][0]["start"] == 35

    @pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.log.jsonl"])
    def test_nothing_is_overwritten(self, tmp_path, name):
        path = write(tmp_path, CLEAN, "data.jsonl")
        taken = write(tmp_path, "mine", name)
        with pytest.raises(DataError, match="already"):
            check(path).fix(tmp_path / "out.jsonl")
        assert taken.read_text(encoding="utf-8") == "mine"
        with pytest.raises(DataError, match="already"):
            check(path).fix(path)

    @pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.log.jsonl"])
    @pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
    def test_nothing_is_written_through_links(self, tmp_path, link, name):
        path = write(tmp_path, CLEAN, "data.jsonl")
        before = path.read_bytes()
        getattr(tmp_path / name, link)(path)
        with pytest.raises(DataError, match="already"):
            check(path).fix(tmp_path / "out.jsonl")
        assert path.read_bytes() == before
        assert {item.name for item in tmp_path.iterdir()} == {"data.jsonl", name}

    @pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.log.jsonl"])
    def test_nothing_is_written_through_a_link_to_nothing(self, tmp_path, name):
        (tmp_path / "folder").mkdir()
        path = write(tmp_path / "folder", CLEAN, "data.jsonl")
        (tmp_path / name).symlink_to(tmp_path / "elsewhere.jsonl")
        with pytest.raises(DataError, match="already"):
            check(path).fix(tmp_path / "out.jsonl")
        assert {item.name for item in tmp_path.iterdir()} == {"folder", name}

    @pytest.mark.parametrize("has_links", [True, False])
    def test_a_file_that_comes_meanwhile_stays(self, tmp_path, monkeypatch, has_links):
        from spanfit.doctor import writing

        def write_slowly(*arguments, real=writing._write):
            real(*arguments)
            write(tmp_path, "mine", "out.jsonl")

        def link(source, target):
            raise PermissionError(1, "no links here", str(source), None, str(target))

        monkeypatch.setattr(writing, "_write", write_slowly)
        if not has_links:
            monkeypatch.setattr("os.link", link)
        path = write(tmp_path, CLEAN, "data.jsonl")
        with pytest.raises(DataError, match=r"out\.jsonl: there is such a file already"):
            check(path).fix(tmp_path / "out.jsonl")
        assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == "mine"
        assert {item.name for item in tmp_path.iterdir()} == {"data.jsonl", "out.jsonl"}

    def test_neither_has_its_name_before_both_are_written(self, tmp_path, monkeypatch):
        from spanfit.doctor import writing

        seen = []

        def look(*arguments, real=writing._place):
            seen.append({item.name for item in tmp_path.iterdir()})
            real(*arguments)

        monkeypatch.setattr(writing, "_place", look)
        path = write(tmp_path, CLEAN, "data.jsonl")
        check(path).fix(tmp_path / "out.jsonl")
        log, aside = "out.jsonl.log.jsonl", "being-written.out.jsonl"
        assert seen == [{path.name, aside, f"being-written.{log}"}, {path.name, aside, log}]
        assert {item.name for item in tmp_path.iterdir()} == {path.name, "out.jsonl", log}

    def test_what_a_killed_check_left_is_said(self, tmp_path):
        path = write(tmp_path, CLEAN, "data.jsonl")
        write(tmp_path, "half", "being-written.out.jsonl")
        with pytest.raises(DataError, match="killed"):
            check(path).fix(tmp_path / "out.jsonl")
        assert {item.name for item in tmp_path.iterdir()} == {
            "data.jsonl",
            "being-written.out.jsonl",
        }

    def test_a_full_disk_leaves_nothing(self, tmp_path, monkeypatch):
        from pathlib import Path

        def fail(*_, **__):
            raise OSError(28, "No space left on device")

        path = write(tmp_path, CLEAN, "data.jsonl")
        monkeypatch.setattr(Path, "write_bytes", fail)
        with pytest.raises(DataError, match="can't be written: No space left"):
            check(path).fix(tmp_path / "out.jsonl")
        assert {item.name for item in tmp_path.iterdir()} == {"data.jsonl"}

    def test_a_file_of_nothing_is_not_written(self, tmp_path):
        path = write(tmp_path, CLEAN[:1], "data.jsonl")
        other = write(tmp_path, CLEAN[:1], "other.jsonl")
        with pytest.raises(DataError, match="nothing would be left"):
            check(path, other).fix(tmp_path / "out.jsonl", drop=["leaked_question"])
        with pytest.raises(RecipeError, match="no single example"):
            check(path).fix(tmp_path / "out.jsonl", drop=["encoding"])


PIECES = st.sampled_from(
    [
        *("lamp", "Ada", " ", "  ", "\n", "1864", "s", "東京", "각", "각", "É", "é", "e\u0301"),
        *(
            "Ã©",
            "â€™",
            "\u200b",
            "\ufeff",
            "\x00",
            "\x0b",
            "\u00ad",
            "\ufffd",
            "\u200d",
            "👨\u200d👩",
        ),
        *("Ã\u200b©", "\u0301", "ä¸­å›½", "\u202e", "שלום"),
    ]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)


@st.composite
def questions(draw):
    """Lines of questions: some contexts shared, golds right or wrong."""
    contexts = draw(st.lists(TEXTS, min_size=1, max_size=3))
    lines = []
    for number in range(draw(st.integers(1, 5))):
        context = draw(st.sampled_from(contexts))
        golds = []
        for _ in range(draw(st.integers(0, 3))):
            start = draw(st.integers(0, len(context)))
            text = context[start : draw(st.integers(start, len(context)))]
            moved = draw(st.sampled_from([0, 0, 1, -start - 1]))
            golds.append({"text": text, "start": start + moved})
        question = {"id": f"q{number}", "question": draw(TEXTS), "context": context}
        lines.append(question | {"answers": golds, "more": draw(TEXTS)})
    return lines


def findings_of(path):
    return {(item.kind, item.id, item.problem) for item in check(path).findings if item.is_mended}


@given(lines=questions())
def test_what_was_repaired_is_clean_and_all_else_untouched(tmp_path_factory, lines):
    folder = tmp_path_factory.mktemp("fix")
    path = write(folder, lines, "data.jsonl")
    out, log = fix(path)
    # A text of nothing but invisible characters stays, and with it what it stands in.
    texts = [text for item in lines for text in (item["question"], item["context"])]
    texts += [gold["text"] for item in lines for gold in item["answers"]]
    loses = any(text.strip() and not clean(text, CHARACTERS).text.strip() for text in texts)
    assert findings_of(out) <= (findings_of(path) if loses else set())
    changed = {item["id"] for item in log}
    before, after = (
        [json.loads(text) for text in item.read_text(encoding="utf-8").split("\n")[:-1]]
        for item in (path, out)
    )
    for old, new in zip(before, after, strict=True):
        assert (old == new) == (old["id"] not in changed)
        assert {**old, **{key: None for key in ("question", "context", "answers")}} == {
            **new,
            **{key: None for key in ("question", "context", "answers")},
        }
    for old, new in zip(read(path), read(out), strict=True):
        for was, is_ in zip(old.answers, new.answers, strict=True):
            stood = was.stands_in(old.context) and was.text.strip()
            assert not stood or is_.stands_in(new.context)


@given(lines=questions())
def test_a_second_repair_changes_nothing(tmp_path_factory, lines):
    once, _ = fix(write(tmp_path_factory.mktemp("twice"), lines, "data.jsonl"))
    twice, log = fix(once)
    assert twice.read_bytes() == once.read_bytes()
    assert log == []


@st.composite
def tagged_lines(draw):
    """Lines of columns: words with what should not be in them, tags right or wrong."""
    words = PIECES.filter(lambda piece: piece.split() == [piece] and piece != "\0")  # binary
    tags = st.sampled_from(["O", "B-X", "I-X", "I-Y", "B-Y", *["O"] * 3])
    sentences = st.lists(st.tuples(words, tags), min_size=1, max_size=6)
    return draw(st.lists(sentences, min_size=1, max_size=4))


@given(sentences=tagged_lines())
def test_columns_that_were_repaired_are_clean_and_else_untouched(tmp_path_factory, sentences):
    rows = [[*[f"{word}\tx\t{tag}" for word, tag in sentence], ""] for sentence in sentences]
    first = ["lamp\tx\tB-X", "é\tx\tO", ""]  # a composed character, and a scheme
    content = "\n".join(text for sentence in [first, *rows] for text in sentence)
    path = write(tmp_path_factory.mktemp("fix"), content, "data.conll")
    out, log = fix(path)
    loses = any(not clean(word, CHARACTERS).text.strip() for s in sentences for word, _ in s)
    assert findings_of(out) <= (findings_of(path) if loses else set())
    assert "invalid_tag" not in check(out).count_kinds()
    before, after = (item.read_text(encoding="utf-8").split("\n") for item in (path, out))
    assert [line.split("\t")[1:2] for line in before] == [line.split("\t")[1:2] for line in after]
    assert (before == after) == (not log)


@given(text=TEXTS, data=st.data())
def test_characters_keep_their_places(text, data):
    cleaned = clean(text, CHARACTERS)
    assert not [item for item in find_troubles(cleaned.text) if item.new is not None]
    assert cleaned.move(0, len(text)) == (0, len(cleaned.text))
    start = data.draw(st.integers(0, len(text)))
    middle, end = sorted(data.draw(st.integers(start, len(text))) for _ in range(2))
    first, last = cleaned.move(start, end)
    assert 0 <= first <= last <= len(cleaned.text)
    inner = cleaned.move(start, middle)
    assert first <= inner[0] <= inner[1] <= last


def brute_similarity(one, other):
    sets = []
    for text in (one, other):
        letters = "".join(character.lower()[0] for character in text if character.isalnum())
        sets.append({letters[i : i + 8] for i in range(len(letters) - 7)})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


@given(data=st.data())
def test_texts_that_are_alike_are_those_that_counting_finds(data):
    words = [f"{word}{number}" for number in range(40) for word in ("lamp", "mill", "tern")]
    base = data.draw(st.lists(st.sampled_from(words), min_size=30, max_size=60))
    texts = [" ".join(base)]
    for _ in range(data.draw(st.integers(1, 4))):
        changed = [*base]
        for place in data.draw(st.lists(st.integers(0, len(base) - 1), max_size=20)):
            changed[place] = data.draw(st.sampled_from(words))
        texts.append(" ".join(changed).upper())
    texts = [*dict.fromkeys(texts)]
    pairs = find_alike(texts)
    for pair in pairs:
        assert pair.similarity == pytest.approx(
            brute_similarity(texts[pair.first], texts[pair.second])
        )
        assert pair.similarity >= 0.7
    expected = {
        second
        for second in range(len(texts))
        if any(brute_similarity(texts[first], texts[second]) >= 0.75 for first in range(second))
    }
    assert expected <= {pair.second for pair in pairs}


def test_short_texts_are_not_compared():
    assert find_alike(["Oslo is far away from here.", "Oslo is far away from there."]) == []
    assert find_alike([]) == []


def test_a_thousand_copies_take_no_thousand_squared_comparisons(monkeypatch):
    from spanfit.doctor import alike

    texts = [f"{LAMP} {MILL} Number {n}." for n in range(1_000)]
    compared = []
    real = alike._list_candidates

    def counted(*arrays):
        for pair in real(*arrays):
            compared.append(pair)
            yield pair

    monkeypatch.setattr(alike, "_list_candidates", counted)
    assert {pair.second for pair in find_alike(texts)} == set(range(1, 1_000))
    assert len(compared) <= 2 * 16 * 1_000


def test_each_of_many_like_texts_is_met_in_every_group():
    texts = [f"{LAMP} {MILL} Number {n}." for n in range(60)]
    groups = [0] * 40 + [1] * 15 + [2] * 5
    pairs = find_alike(texts, groups)
    met = {(row, groups[other]) for a, b, _ in pairs for row, other in ((a, b), (b, a))}
    assert met == {(row, group) for row in range(60) for group in range(3)}
