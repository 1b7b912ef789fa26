"""What the data doctor finds: a file with exactly one defect for every kind, and clean ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from question_files import write
from toy_tokenizers import load

import spanfit
from spanfit.doctor import KINDS, WindowShape, check
from spanfit.errors import DataError, RecipeError
from spanfit.examples import Reading

LAMP = "The lamp of Pellan Head was lit in 1864. Its first keeper was Ada Brook."
MILL = "The mill at Orrin Bridge ground oats until the flood of 1911 took its wheel away."


def line(key, question, context=LAMP, *golds, **other):
    """A question with its golds, texts or (text, start); without any it has no answer."""
    answers = []
    for gold in golds:
        text, start = gold if isinstance(gold, tuple) else (gold, context.index(gold))
        answers.append({"text": text, "start": start})
    return {"id": key, "question": question, "context": context, "answers": answers, **other}


CLEAN = [
    line("q1", "When was the lamp lit?", LAMP, "1864"),
    line("q2", "Who was the first keeper?", LAMP, "Ada Brook", "Brook"),
    line("q3", "What did the mill grind?", MILL, "oats"),
    line("q4", "Who built the mill?", MILL),
]
TAGGED = [
    {"id": "t1", "words": ["Mira", "lives", "in", "Oslo"], "tags": ["B-PER", "O", "O", "B-LOC"]},
    {"id": "t2", "words": ["Oslo", "is", "far", "away"], "tags": ["B-LOC", "O", "O", "O"]},
    {"id": "t3", "words": ["Ada", "Brook", "left"], "tags": ["B-PER", "I-PER", "O"]},
]


def kinds(*paths, **options):
    """The kinds that are found, each as often as it is."""
    return [finding.kind for finding in check(*paths, **options).findings]


def only(*paths, **options):
    """The single finding."""
    (finding,) = check(*paths, **options).findings
    return finding


def with_line(*lines):
    return [*CLEAN, *lines]


@pytest.fixture
def put(tmp_path):
    """Write content into a new file, and give its path."""
    names = iter("abcdefgh")

    def write_next(content, name=""):
        return write(tmp_path, content, name or f"{next(names)}.json")

    return write_next


class TestCleanFiles:
    @pytest.mark.parametrize("content", [CLEAN, TAGGED], ids=["questions", "texts"])
    def test_nothing_is_found_in_a_clean_file(self, put, content):
        diagnosis = check(put(content))
        assert diagnosis.findings == ()
        assert diagnosis.n_errors == 0

    def test_nothing_is_found_between_files_that_are_apart(self, put):
        assert kinds(put(CLEAN[:2]), put(CLEAN[2:])) == []
        assert kinds(put(TAGGED[:2]), put(TAGGED[2:])) == []

    def test_what_has_no_gold_is_checked_as_well(self, put):
        asked = [{key: value for key, value in item.items() if key != "answers"} for item in CLEAN]
        texts = [{"text": LAMP}, {"text": MILL}]
        assert kinds(put(asked), tokenizer=load("wordpiece")) == []
        assert kinds(put(texts), tokenizer=load("wordpiece")) == []
        assert kinds(put([*texts, {"text": LAMP}])) == ["repeated_text"]

    def test_a_tokenizer_that_can_say_everything_finds_nothing(self, put):
        file = put(CLEAN)
        diagnosis = check(file, tokenizer=load("wordpiece"))
        assert diagnosis.findings == ()
        assert diagnosis.ceilings == {str(file): {"squad_v2 exact": 100.0, "squad_v2 f1": 100.0}}

    def test_it_is_a_name_of_the_library(self, put):
        assert spanfit.check(put(CLEAN)).findings == ()

    def test_characters_that_are_meant_are_left_alone(self, put):
        texts = [
            "A family 👨‍👩‍👧 went by.",
            "می‌شود",
            "ภาษา\u200bไทย",
            "שלום \u200fabc",
            "Tab\tand line\nend.",
            "C’est « à la carte » à Å” et É”.",
            "naïve façade, Ærø, Łódź, 東京、각",
        ]
        asked = [line(f"q{n}", f"What is number {n}?", text) for n, text in enumerate(texts)]
        assert kinds(put(asked)) == []


OFFSETS = {
    "misplaced_answer": (("1864", 34), "relocate: 34 → 35"),
    "ambiguous_answer": (("s", 0), "choose among 26, 43, 48, 60"),
    "absent_answer": (("1865", 35), "none"),
    "padded_answer": ((" 1864", 34), "'1864' at 35"),
    "cut_word": (("amp", 5), "the whole word: 'lamp' at 4"),
    "empty_answer": (("The", 0), ""),
}


class TestAnswers:
    @pytest.mark.parametrize("kind", OFFSETS)
    def test_a_gold_with_one_defect(self, put, kind):
        gold, repair = OFFSETS[kind]
        file = put(with_line(line("bad", "Which one is it?", LAMP, gold)))
        finding = only(file)
        assert (finding.kind, finding.id, finding.place) == (kind, "bad", "line 5")
        assert finding.file == str(file)
        assert repair in finding.repair
        assert finding.is_mended == bool(KINDS[kind].repair)

    def test_every_wrong_gold_of_a_question_is_found(self, put):
        bad = line("bad", "Which?", LAMP, ("1864", 3), ("1864", 3), "1864", ("lit in", -1))
        assert kinds(put([bad]), ignore=["disagreeing_golds"]) == ["misplaced_answer"] * 3

    def test_particles_and_scripts_without_spaces_cut_no_words(self, put):
        korean = line("k", "누가?", "대한민국은 크다.", "대한민국")
        japanese = line("j", "どこ？", "東京都に住む。", "東京")
        assert kinds(put([korean, japanese])) == []

    def test_a_mark_goes_on_with_its_word(self, put):
        hindi = line("h", "कौन?", "यह किताब मेरी है।", "मेर")
        accent = line("a", "Where?", "A cafe\u0301 by the sea.", "cafe")
        assert kinds(put([hindi, accent])) == ["cut_word"] * 2

    def test_golds_that_share_nothing(self, put):
        finding = only(put([line("q", "Who or when?", LAMP, "1864", "Ada Brook")]))
        assert (finding.kind, finding.level) == ("disagreeing_golds", "note")
        assert "'1864'" in finding.problem
        assert "'Ada Brook'" in finding.problem

    def test_golds_that_overlap_agree(self, put):
        assert kinds(put([line("q", "Who?", LAMP, "Ada Brook", "Brook", "Ada")])) == []


class TestQuestions:
    def test_an_empty_question(self, put):
        finding = only(put(with_line(line("e", " \n", LAMP, "1864"))))
        assert (finding.kind, finding.level) == ("empty_question", "error")

    def test_an_empty_context(self, put):
        assert kinds(put(with_line(line("e", "Where?", " ")))) == ["empty_context"]

    def test_a_question_that_comes_again(self, put):
        again = line("again", "when was  the lamp lit", LAMP, "1864")
        finding = only(put(with_line(again)))
        assert (finding.kind, finding.id) == ("repeated_question", "again")
        assert "q1 (line 1)" in finding.problem

    @pytest.mark.parametrize("golds", [["Ada Brook"], []], ids=["another", "none"])
    def test_a_question_that_comes_again_with_another_answer(self, put, golds):
        finding = only(put(with_line(line("again", "When was the lamp lit?", LAMP, *golds))))
        assert finding.kind == "contradicting_question"
        assert "'1864'" in finding.problem

    def test_the_same_question_of_another_context_is_another_one(self, put):
        assert kinds(put(with_line(line("x", "When was the lamp lit?", MILL)))) == []

    def test_an_id_that_comes_again(self, put):
        finding = only(put(with_line(line("q1", "Where is the mill?", MILL, "Orrin Bridge"))))
        assert (finding.kind, finding.level) == ("repeated_id", "error")
        assert "line 1" in finding.problem

    def test_plausible_answers_are_missed_only_where_others_have_them(self, put):
        def document(*plausible):
            questions = [
                {"id": f"p{n}", "question": f"Who is {n}?", "answers": [], "is_impossible": True}
                for n in range(2)
            ]
            for question, text in zip(questions, plausible, strict=False):
                question["plausible_answers"] = [{"text": text, "answer_start": 0}]
            return {"data": [{"title": "", "paragraphs": [{"context": LAMP, "qas": questions}]}]}

        assert kinds(put(document())) == []
        assert kinds(put(document("The", "The lamp"))) == []
        finding = only(put(document("The")))
        assert (finding.kind, finding.id, finding.level) == ("missing_plausible", "p1", "note")


CHARACTERS = {
    "mojibake": "The cafÃ© at the pier was shut.",
    "replacement_character": "The caf\ufffd at the pier was shut.",
    "control_character": "The cafe\x00 at the pier was shut.",
    "invisible_character": "The ca\u200bfe at the pier was shut.",
    "normal_form": "The cafe\u0301 at the pier, as in façade, was shut.",
}


class TestCharacters:
    @pytest.mark.parametrize("kind", CHARACTERS)
    def test_a_context_with_one_defect(self, put, kind):
        finding = only(put(with_line(line("bad", "What was shut?", CHARACTERS[kind]))))
        assert (finding.kind, finding.id) == (kind, "bad")
        assert "in the context, 1 place" in finding.problem
        assert finding.is_mended == (kind != "replacement_character")

    @pytest.mark.parametrize("kind", CHARACTERS)
    def test_a_tagged_text_with_one_defect(self, put, kind):
        words = CHARACTERS[kind].split(" ")
        text = {"id": "bad", "words": words, "tags": ["O"] * len(words)}
        assert kinds(put([*TAGGED, text])) == [kind]

    def test_a_question_with_a_defect(self, put):
        finding = only(put(with_line(line("bad", "What\u200b is it?", LAMP, "1864"))))
        assert finding.kind == "invisible_character"
        assert "in the question" in finding.problem

    def test_a_context_of_many_questions_is_told_once(self, put):
        bad = CHARACTERS["mojibake"]
        lines = [line(str(n), f"What is {n}?", bad) for n in range(3)]
        assert kinds(put(lines)) == ["mojibake"]

    def test_a_file_that_is_decomposed_throughout_has_one_form(self, put):
        assert kinds(put([line("a", "Ou\u0300?", "Le cafe\u0301 est la\u0300.")])) == []

    @pytest.mark.parametrize(
        ("wrong", "right"),
        [
            ("Itâ€™s a dayâ€”so â€œfineâ€\x9d", "It’s a day—so “fine”"),
            ("ä¸­å›½", "中国"),
            ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет"),
            ("ðŸ˜€", "😀"),
            ("5Â\xa0km", "5\xa0km"),
        ],
    )
    def test_mojibake_is_decoded(self, wrong, right):
        from spanfit.doctor.characters import clean

        assert clean(wrong, frozenset({"mojibake"})).text == right


TEXT = "\n".join(json.dumps(item, ensure_ascii=False) for item in CLEAN)
JAPANESE = json.dumps(
    line(
        "j", "灯台はいつ点灯されましたか？", "灯台のランプは1864年にはじめて点灯された。", "1864年"
    ),
    ensure_ascii=False,
)
KOREAN = json.dumps(
    line("k", "등대는 언제 켜졌는가?", "등대의 등불은 천팔백육십사년에 처음으로 켜졌다.", "등대"),
    ensure_ascii=False,
)
CHINESE = json.dumps(
    line("z", "灯塔是什么时候点亮的？", "这座灯塔是一八六四年第一次点亮的，看守人姓王。", "王"),
    ensure_ascii=False,
)
FRENCH = json.dumps(
    line("f", "Où est le café ?", "Le café est près de la rivière, à côté du marché.", "café"),
    ensure_ascii=False,
)


class TestEncodings:
    @pytest.mark.parametrize(
        ("text", "encoding", "found"),
        [
            (TEXT, "utf-16", "utf-16-le"),
            (TEXT, "utf-16-be", "utf-16-be"),
            (TEXT, "utf-32", "utf-32-le"),
            (FRENCH, "latin-1", "cp1252"),
            (JAPANESE, "shift_jis", "cp932"),
            (JAPANESE, "euc_jp", "euc_jp"),
            (KOREAN, "euc_kr", "cp949"),
            (CHINESE, "gb18030", "gb18030"),
        ],
    )
    def test_the_encoding_is_told_and_the_rest_is_checked(self, put, text, encoding, found):
        bad = json.dumps(line("bad", "Which?", LAMP, ("1864", 3)))
        diagnosis = check(put(f"{text}\n{bad}\n".encode(encoding)))
        told = [finding.kind for finding in diagnosis.findings if finding.level == "error"]
        assert told == ["encoding", "misplaced_answer"]
        assert found in diagnosis.of("encoding")[0].problem
        assert diagnosis.of("encoding")[0].is_mended

    def test_a_byte_order_mark(self, put):
        finding = only(put(TEXT.encode("utf-8-sig")))
        assert (finding.kind, finding.level) == ("byte_order_mark", "note")

    def test_a_line_in_another_encoding(self, put):
        greek = json.dumps(line("g", "Πού;", "Ο φάρος είναι στο νησί.", "νησί"), ensure_ascii=False)
        content = f"{TEXT}\n{greek}\n".encode() + FRENCH.encode("latin-1")
        finding = only(put(content))
        assert (finding.kind, finding.place) == ("encoding", "line 6")
        assert "cp1252" in finding.problem

    def test_what_cannot_be_told_is_not_guessed(self, put):
        russian = line("r", "Где маяк?", "Маяк стоит на острове, далеко от берега моря.", "Маяк")
        content = json.dumps(russian, ensure_ascii=False).encode("koi8-r")
        finding = next(f for f in check(put(content)).findings if f.kind == "encoding")
        assert not finding.is_mended
        assert "iconv" in finding.repair


class TestReading:
    def test_lines_that_cannot_be_read_are_found_and_the_others_checked(self, put):
        lines = [json.dumps(item) for item in with_line(line("bad", "Which?", LAMP, ("1864", 3)))]
        lines[1] = lines[1][:40]
        lines[2] = '{"question": "No context?"}'
        diagnosis = check(put("\n".join(lines)))
        told = [(finding.kind, finding.place) for finding in diagnosis.findings]
        assert told == [
            ("unreadable", "line 2"),
            ("unreadable", "line 3"),
            ("misplaced_answer", "line 5"),
        ]

    def test_a_mistake_in_nested_json_ends_the_reading_and_says_so(self, put):
        good = {"id": "a", "question": "When?", "answers": [{"text": "1864", "answer_start": 35}]}
        paragraph = {"context": LAMP, "qas": [good, {"id": "b"}, {**good, "id": "c"}]}
        finding = only(put({"data": [{"title": "Lamp", "paragraphs": [paragraph]}]}))
        assert finding.kind == "unreadable"
        assert finding.place == "paragraph 1 of 'Lamp', question 'b'"
        assert "nothing behind it is read" in finding.problem

    @pytest.mark.parametrize(
        "content", [b"", "not data at all", '{"question": 3}\n', '{"data": []}']
    )
    def test_what_holds_no_example_is_an_error(self, put, content):
        with pytest.raises(DataError):
            check(put(content))

    def test_questions_beside_tagged_texts_are_refused(self, put):
        with pytest.raises(DataError, match="tagged texts beside questions"):
            check(put(CLEAN), put(TAGGED))

    def test_a_file_that_is_named_twice_is_refused(self, put, tmp_path):
        file = put(CLEAN)
        (tmp_path / "link").symlink_to(file)
        for other in (file, str(file), tmp_path / "link"):
            with pytest.raises(DataError, match="named twice"):
                check(file, other)

    def test_a_kind_that_there_is_not(self, put):
        with pytest.raises(RecipeError, match="misplaced_answer"):
            check(put(CLEAN), ignore=["misplaced_answers"])


class TestCopies:
    def test_a_question_of_both_files(self, put):
        diagnosis = check(put(CLEAN), put([CLEAN[0] | {"id": "other"}]))
        assert [finding.kind for finding in diagnosis.findings] == [
            "leaked_question",
            "leaked_text",
        ]
        assert diagnosis.findings[0].id == "q1"
        assert "'other'" in diagnosis.findings[0].problem
        assert diagnosis.n_errors == 1

    def test_a_context_of_both_files(self, put):
        assert kinds(put(CLEAN), put([line("x", "Where is it?", LAMP)])) == ["leaked_text"]

    def test_a_context_of_both_files_but_for_some_words(self, put):
        changed = (MILL + " " + LAMP).replace("1911", "1912")
        long = line("l", "What is this?", MILL + " " + LAMP)
        finding = only(put([long]), put([line("x", "What is it?", changed.upper())]))
        assert (finding.kind, finding.id) == ("leaked_near_text", "l")

    def test_ids_of_a_translated_set(self, put):
        german = line("q1", "Wann?", "Die Lampe von Pellan Head brannte 1864.", "1864")
        finding = only(put(CLEAN), put([german]))
        assert (finding.kind, finding.id) == ("shared_id", "q1")

    def test_ids_that_only_number_the_lines_are_not_shared(self, put):
        def without_ids(items):
            return [{key: value for key, value in item.items() if key != "id"} for item in items]

        assert kinds(put(without_ids(CLEAN[:2])), put(without_ids(CLEAN[2:]))) == []
        assert kinds(put([CLEAN[0] | {"id": "1"}]), put([CLEAN[2] | {"id": "1"}])) == []

    def test_a_paragraph_that_stands_twice(self, put):
        def paragraph(key):
            question = {"id": key, "question": f"What is {key}?", "answers": []}
            return {"context": LAMP, "qas": [question]}

        finding = only(
            put({"data": [{"title": "T", "paragraphs": [paragraph("a"), paragraph("b")]}]})
        )
        assert (finding.kind, finding.id) == ("repeated_text", "b")

    def test_articles_of_one_title_are_told_apart(self, put):
        def article(key):
            question = {"id": key, "question": f"What is {key}?", "answers": []}
            return {"title": "T", "paragraphs": [{"context": LAMP, "qas": [question]}]}

        finding = only(put({"data": [article("a"), article("b")]}))
        assert (finding.kind, finding.id) == ("repeated_text", "b")
        assert finding.place == "paragraph 1 of 'T', article 2"
        assert "that of paragraph 1 of 'T', 'T'" in finding.problem

    def test_contexts_that_are_nearly_the_same(self, put):
        near = line("n", "What is this?", LAMP.replace("1864", "1865"))
        finding = only(put(with_line(near)))
        assert (finding.kind, finding.id, finding.level) == ("near_text", "n", "note")

    def test_texts_that_are_tagged_twice(self, put):
        same = TAGGED[0] | {"id": "same"}
        assert kinds(put([*TAGGED, same])) == ["repeated_text"]
        other = same | {"tags": ["B-PER", "O", "O", "O"]}
        finding = only(put([*TAGGED, other]))
        assert finding.kind == "contradicting_text"
        assert "'Oslo' is B-LOC there, O here" in finding.problem

    def test_texts_of_both_files(self, put):
        assert kinds(put(TAGGED), put([TAGGED[2] | {"id": "x"}])) == ["leaked_text"]


def sentence(*pairs, key="s"):
    words, tags = zip(*(pair.rsplit("/", 1) for pair in pairs), strict=True)
    return {"id": key, "words": list(words), "tags": list(tags)}


def many(*pairs, n):
    """So many sentences, each with a word of its own."""
    return [sentence(f"No.{i}/O", *pairs, key=f"m{i}") for i in range(n)]


class TestTags:
    def test_a_transition_that_the_scheme_does_not_allow(self, put):
        finding = only(put("Mira B-PER\nleft O\nOslo I-LOC\n\nAda B-PER\n"))
        assert (finding.kind, finding.level, finding.place) == ("invalid_tag", "error", "line 3")
        assert finding.is_mended

    def test_a_tag_that_is_none(self, put):
        finding = only(put("Mira B-PER\nleft O\nOslo LOC\n\nAda B-PER\nBrook I-PER\n"))
        assert (finding.kind, finding.place) == ("foreign_tag", "line 3")
        assert not finding.is_mended

    def test_a_label_that_the_first_file_does_not_have(self, put):
        finding = only(put(TAGGED), put([sentence("Tern/B-SHIP", "sank/O")]))
        assert (finding.kind, finding.level) == ("unseen_label", "warning")
        assert "SHIP" in finding.problem

    def test_a_label_that_hardly_occurs(self, put):
        rare = sentence("Tern/B-SHIP", "sank/O")
        assert kinds(put([*TAGGED, rare])) == []
        finding = only(put([*many("Oslo/B-LOC", "Mira/B-PER", n=60), rare]))
        assert (finding.kind, finding.id) == ("rare_label", "s")
        assert "once" in finding.problem

    @pytest.mark.parametrize("tag", ["B-PER", "O"])
    def test_a_word_that_is_nearly_always_tagged_otherwise(self, put, tag):
        other = sentence(f"Oslo/{tag}", "spoke/O", "Mira/B-PER", key="odd")
        lines = [*many("in/O", "Oslo/B-LOC", n=10), other]
        finding = only(put(lines))
        assert (finding.kind, finding.id) == ("inconsistent_label", "odd")
        assert "LOC 10 times" in finding.problem
        assert kinds(put([*lines, other | {"id": "odd2", "words": ["Oslo", "sang", "Mira"]}])) == []

    def test_parts_of_speech_have_no_usual_tag(self, put):
        lines = [*many("the/DT", "run/NN", n=12), sentence("we/PRP", "run/VBP")]
        assert kinds(put(lines)) == []

    def test_ranges_of_characters_are_checked_too(self, put):
        def text(key, words, label):
            return {"id": key, "text": words, "entities": [{"start": 0, "end": 2, "label": label}]}

        lines = [text(str(n), f"東京の{n}番の灯台", "LOC") for n in range(10)]
        finding = only(put([*lines, text("odd", "東京さんが来た。", "PER")]))
        assert (finding.kind, finding.id) == ("inconsistent_label", "odd")

    def test_words_that_are_taken_for_tags(self, put):
        words = "\n".join(f"B-X\tx\tword{n}" for n in range(2_000))
        finding = only(put(words))
        assert (finding.kind, finding.level) == ("many_tags", "error")
        assert "2,000 distinct tags, 2,000 of them only once ('word0', " in finding.problem
        assert "is the last column where the tags are?" in finding.problem
        assert "--columns tags=N" in finding.repair
        assert kinds(put(words), tokenizer=load("wordpiece")) == ["many_tags"]
        assert kinds(put(words), reading=Reading(words=3, tags=1)) == []
        assert kinds(put("a\tB-X\nb\tI-Y\n"), put(words)) == ["many_tags", "invalid_tag"]

    def test_many_tags_that_come_again_are_tags(self, put):
        words = "\n\n".join(f"w{n}\tX{n % 1_200}" for n in range(2_400))
        assert "many_tags" not in kinds(put(words))

    def test_columns_are_chosen(self, put):
        content = "a NN B-X\nb VB I-X\n\nc NN B-X\n"
        assert kinds(put(content), reading=Reading(tags=2)) == []


class TestTokenizer:
    def test_what_tokens_and_windows_cannot_say_of_questions(self, put):
        warm = "Wonderfully warm it was. " + LAMP
        lines = [
            line("widened", "Which part?", warm, "arm"),
            line("long", "Which sentence?", LAMP * 3, LAMP * 2),
        ]
        diagnosis = check(put(lines), tokenizer=load("wordpiece"))
        found = {finding.kind: finding.id for finding in diagnosis.findings}
        assert found["widened_answer"] == "widened"
        assert found["lost_answer"] == "long"
        (ceiling,) = diagnosis.ceilings.values()
        assert ceiling["squad_v1 exact"] < 100

    def test_long_questions_are_cut(self, put):
        lines = [line("q", "lamp " * 30 + "?", LAMP, "1864")]
        shape = WindowShape(max_length=24, overlap=4)
        assert "cut_question" in kinds(put(lines), tokenizer=load("wordpiece"), shape=shape)

    def test_what_tokens_and_windows_cannot_say_of_texts(self, put):
        lost = {
            "id": "lost",
            "text": "Wonderful!",
            "entities": [{"start": 0, "end": 3, "label": "X"}],
        }
        assert "lost_entity" in kinds(put([lost]), tokenizer=load("wordpiece"))

    def test_words_without_a_piece_and_long_texts(self, put):
        words = ["Mira", "\u0301", *["lamp"] * 40]
        text = {"id": "t", "words": words, "tags": ["B-PER", *["O"] * 41]}
        shape = WindowShape(max_length=16, overlap=4)
        found = kinds(put([text]), tokenizer=load("wordpiece"), shape=shape)
        assert found == ["no_piece", "long_text"]

    def test_examples_of_one_id_are_told_apart(self, put):
        again = line("q1", "Which part of it?", "Wonderfully warm it was.", "arm")
        diagnosis = check(put(with_line(again)), tokenizer=load("wordpiece"))
        (finding,) = diagnosis.of("widened_answer")
        assert (finding.place, finding.id, finding.row) == ("line 5", "q1", 4)

    def test_gold_that_is_wrong_is_no_matter_of_the_tokenizer(self, put):
        lines = with_line(line("bad", "Which?", LAMP, ("1864", 3)))
        assert kinds(put(lines), tokenizer=load("wordpiece")) == ["misplaced_answer"]
        content = "Mira B-PER\nleft O\nOslo LOC\n\nAda B-PER\nBrook I-PER\n"
        assert kinds(put(content), tokenizer=load("wordpiece")) == ["foreign_tag"]


def test_every_kind_is_tested_here():
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in KINDS if f'"{name}"' not in text] == []


def test_ignored_kinds_are_left_out(put):
    file = put(with_line(line("bad", "Which?", LAMP, ("1864", 3))))
    assert kinds(file, ignore=["misplaced_answer"]) == []


@pytest.fixture(scope="module")
def cmrc(shared):
    return check(shared / "data/cmrc2018/cmrc2018_dev.json")


class TestRealData:
    def test_all_wrong_answers_of_cmrc2018(self, cmrc):
        counts = cmrc.count_kinds()
        wrong = ("misplaced_answer", "ambiguous_answer", "absent_answer")
        assert [counts.get(kind, 0) for kind in wrong] == [7, 0, 193]
        assert cmrc.n_errors == 200

    def test_what_they_say_of_squad(self, shared):
        counts = check(shared / "data/squad_v1/dev-v1.1.json").count_kinds()
        assert counts["empty_answer"] == 3
        assert counts["cut_word"] == 64  # 26 begin and 50 end inside a word, 12 of them both

    def test_what_the_first_squad_leaks_into_the_second(self, shared):
        first, second = (
            shared / "data" / name for name in ("squad_v1/dev-v1.1.json", "squad_v2/dev-v2.0.json")
        )
        assert check(first, second).count_kinds()["leaked_question"] > 5_000
