"""Columns of words and tags: what a file becomes, what the errors say, and that nothing is lost."""

from __future__ import annotations

import gzip
import io
import re
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanfit.data.column_choice import ColumnChoice
from spanfit.data.conll import ConllData, parse_conll
from spanfit.data.conll_writing import write_conll
from spanfit.data.fields import Source
from spanfit.data.files import open_data
from spanfit.data.joiner import decide_joiner, join_words
from spanfit.errors import DataError
from spanfit.tagged import TaggedExample

SMALL = """\
-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
lamb NN I-NP O

-DOCSTART- -X- -X- O

Peter NNP B-NP B-PER
"""


def parse(content: str | bytes, choice=None, *, source=None, joiner=None) -> ConllData:
    data = content.encode() if isinstance(content, str) else content
    source = source or Source("ships.conll")
    return parse_conll(io.BytesIO(data), source, choice, joiner=joiner)


def complaint(content, choice=None) -> str:
    with pytest.raises(DataError) as caught:
        parse(content, choice)
    return str(caught.value)


def choose(**request) -> ColumnChoice:
    return ColumnChoice(**request)


def words_and_tags(data: ConllData):
    return [(example.words, list(example.tags)) for example in data.examples]


def written(examples, **request) -> str:
    file = io.StringIO()
    write_conll(file, examples, **request)
    return file.getvalue()


def test_sentences():
    data = parse(SMALL)
    first, _ = data.examples
    assert (first.text, first.tags) == ("EU rejects lamb", ("B-ORG", "O", "O"))
    assert (first.starts, first.ends) == ((0, 3, 11), (2, 10, 15))
    assert [(e.id, e.document, e.place) for e in data.examples] == [
        ("3", "1", "line 3"),
        ("9", "2", "line 9"),
    ]
    assert first.place_of(2) == "line 5"
    assert (data.joiner, data.layout.separator, data.layout.tags) == (" ", " ", 4)


@pytest.mark.parametrize(
    ("chosen", "tags"),
    [
        (-1, "B-ORG O O B-PER"),
        (2, "NNP VBZ NN NNP"),
        ("3", "B-NP B-VP I-NP B-NP"),
        ("pos", "NNP VBZ NN NNP"),
        ("chunk", "B-NP B-VP I-NP B-NP"),
        ("ner", "B-ORG O O B-PER"),
        (-2, "B-NP B-VP I-NP B-NP"),
    ],
)
def test_any_column_by_name_or_number(chosen, tags):
    data = parse(SMALL, choose(tags=chosen))
    assert data.layout.names == ("token", "pos", "chunk", "ner")
    assert [tag for example in data.examples for tag in example.tags] == tags.split()


def test_no_gold():
    data = parse("The\nship\n\nleft\n", choose(tags=None))
    assert [(example.words, example.tags) for example in data.examples] == [
        (["The", "ship"], None),
        (["left"], None),
    ]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("word\tner\npos\tO\n", ("word", "ner")),
        ("Token POS NER\nEU NNP O\n", ("Token", "POS", "NER")),
        ("# global.columns = FORM UPOS\nEU\tNNP\n", ("FORM", "UPOS")),
        ("## 컬럼명 : CHAR\tNE_TAG\n## 주석 : ##\n경\tO\n", ("CHAR", "NE_TAG")),
        ("# text = a\tb\na\tO\nb\tO\n", ()),
        ("EU NNP O\n", ()),
    ],
)
def test_where_names_come_from(content, names):
    data = parse(content)
    assert data.layout.names == names
    assert len(data.examples) == 1
    if names:
        by_name = parse(content, choose(words=names[0], tags=names[-1]))
        assert words_and_tags(by_name) == words_and_tags(data)


def test_given_names():
    choice = choose(words="form", tags="type", names=("n", "form", "type"))
    assert words_and_tags(parse("1 EU ORG\n2 left O\n", choice)) == [(["EU", "left"], ["ORG", "O"])]


@pytest.mark.parametrize("separator", ["\t", " ", "   ", "|"])
def test_separators(separator):
    content = f"EU{separator}B-ORG\nleft{separator}O\n"
    choice = choose(separator="|") if separator == "|" else None
    assert words_and_tags(parse(content, choice)) == [(["EU", "left"], ["B-ORG", "O"])]


def test_tabs_alone_separate_where_there_are_tabs():
    """Words may be or hold any other space: KLUE's do."""
    words = ["경", " ", "New York", "\u3000", "a\u00a0b", "\u2028", "\x85"]
    content = "".join(f"{word}\tO\n" for word in words)
    data = parse(content)
    assert data.examples[0].words == words
    assert data.joiner == ""
    spaced = parse("a\u00a0b O\n\u3000 O\n")
    assert spaced.examples[0].words == ["a\u00a0b", "\u3000"]


def test_a_lone_tab_ends_a_sentence():
    data = parse("EU\tO\n\t\nleft\tO\n \t\t\n".replace(" \t\t", "\t\t") + "  \nnow\tO\n")
    assert [example.words for example in data.examples] == [["EU"], ["left"], ["now"]]


def test_byte_order_mark_line_ends_and_gzip(tmp_path):
    data = b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode()
    path = tmp_path / "small.gz"
    path.write_bytes(gzip.compress(data))
    with open_data(path) as file:
        packed = parse_conll(file, Source("small.gz"))
    assert packed.examples == parse(data).examples == parse(SMALL).examples


@pytest.mark.parametrize("separator", ["\t", " "])
def test_a_comment_and_a_word_that_is_a_hash(separator):
    """A comment begins with # and a space, before a sentence; a word "#" has the columns."""
    lines = ["# sent_id = s 1", "#@O", "#@O", "##@O", "", "# a long comment", "##", "x@O", "#@O"]
    data = parse("\n".join(lines).replace("@", separator))
    assert [(e.id, e.words) for e in data.examples] == [
        ("s 1", ["#", "#", "##"]),
        ("8", ["x", "#"]),
    ]


def test_a_comment_with_as_many_words_as_columns():
    data = parse("EU NNP B-NP O\n\n# sent_id = 7\nleft VBD O O\n\n# newdoc\nOh UH O O\n")
    assert [(e.id, e.document) for e in data.examples] == [("1", ""), ("7", ""), ("7", "1")]


def test_documents():
    text = "A O\n\n-DOCSTART-\nB O\n-DOCSTART- O\n\nC O\n\n# newdoc id = late\nD O\n\nE O\n"
    assert [e.document for e in parse(text).examples] == ["", "1", "2", "late", "late"]


def test_a_text_in_a_comment():
    data = parse("# text = Mira's  boat.\nMira\tO\n's\tO\nboat\tO\n.\tO\n")
    assert data.examples[0].text == "Mira's  boat."
    assert data.examples[0].words == ["Mira", "'s", "boat", "."]
    found = complaint("# text = vámonos al mar\nvamos\tO\nnos\tO\n")
    assert "ships.conll, the sentence of line 2: the text does not go on with word 1" in found
    assert "'vamos'" in found and "'vámonos" in found


@pytest.mark.parametrize(
    ("words", "joiner"),
    [
        (["The", "ship"], " "),
        (["a", " ", "b"], ""),
        (["東", "京", "1", "."], ""),
        (["東京", "都"], " "),
        (["I", "a"], " "),
        (["か\u3099", "い"], ""),
        ([], " "),
    ],
)
def test_what_joins_words(words, joiner):
    assert decide_joiner([words, []]) == joiner
    text, (starts, ends) = join_words(words, joiner)
    assert [text[start:end] for start, end in zip(starts, ends, strict=True)] == words


def test_a_joiner_of_the_user():
    data = parse("東京 O\n都 O\n", joiner="")
    assert (data.examples[0].text, data.joiner) == ("東京都", "")


def test_an_id_prefix():
    assert parse(SMALL, source=Source("x", id_prefix="x:")).examples[1].id == "x:9"


# What the errors say


def test_a_line_with_other_columns():
    assert complaint("EU NNP O\nNew York NNP O\n") == (
        "ships.conll, line 2: 4 columns where the file has 3\n"
        "  expected: 3 columns separated by spaces, as on line 1: 'EU NNP O'\n"
        "  found:    'New York NNP O'\n"
        "  try:      separate the columns by tabs, if a word holds a space"
    )
    assert "a blank line before it" in complaint("EU\tO\tO\n# note\nleft\tO\tO\n")
    assert "separate all columns by tabs" in complaint("EU\tO\nleft O\n")


def test_plain_text():
    found = complaint("The ship came in.\nNobody saw it before the morning.\n")
    assert "line 2: 6 columns where the file has 4" in found and "came in" in found


@pytest.mark.parametrize("content", ["", "\n \n", "# only a comment\n", "-DOCSTART- O\n"])
def test_no_word(content):
    assert "no word in the file" in complaint(content)


@pytest.mark.parametrize("content", ['{"id": 1, "words": []}\n', '[\n {"id": 1}]', '[{"a": 1}]'])
def test_json(content):
    assert "what looks like JSON" in complaint(content)
    assert parse("[\tO\n{\tO\n").examples[0].words == ["[", "{"]


def test_only_one_column():
    found = complaint("The\nship\n")
    assert "words and tags in the same column" in found and "1 'The'" in found


def test_a_column_that_is_not_there():
    found = complaint("EU\tNNP\tO\n", choose(tags="ner"))
    assert "ships.conll, line 1: no column 'ner'" in found
    assert "a number from 1 to 3: nothing names the columns" in found
    assert "1 'EU', 2 'NNP', 3 'O'" in found
    assert "did you mean 'chunk'" in complaint(SMALL, choose(tags="chnk"))
    for number in (0, 5, -5):
        assert "a number from 1 to 4" in complaint(SMALL, choose(tags=number))
    assert "2 names for 3 columns" in complaint("EU\tNNP\tO\n", choose(names=("a", "b")))


def test_empty_cells():
    assert "line 2: the tag is empty" in complaint("EU\tO\nleft\t\n")
    assert "line 2: the word is empty" in complaint("EU\tO\n\tO\n")
    assert "line 2: the tag is empty" in complaint("경\tO\n \t\n")


def test_not_utf8():
    found = complaint(b"EU O\n" + "Zürich O\n".encode("latin-1"))
    assert "line 2, byte 2" in found and "iconv" in found


def test_faulty_sentences_can_be_left_out_and_are_told():
    faults = []
    source = Source("x", on_fault=lambda *fault: faults.append(fault))
    data = parse("a O\n\nb O\nc\nd O\n\ne O\n", source=source)
    assert [example.words for example in data.examples] == [["a"], ["e"]]
    assert [(kind, number) for kind, number, _ in faults] == [("line", 4)]


# Writing


def test_conll_2003_is_written_as_it_was(shared):
    """Words and one column of tags, document borders included, are the same lines."""
    original = (shared / "data/conll2003/test.txt").read_text(encoding="utf-8")
    data = parse(original)
    expected = []
    for line in original.splitlines():
        cells = line.split(" ")
        expected.append(f"{cells[0]} {cells[-1]}\n" if line else "\n")
    assert written(data.examples, separator=" ") == "".join(expected)


def test_gold_and_predicted():
    data = parse(SMALL)
    text = written(data.examples, predicted=[("O", "O", "B-X"), ("O",)], separator=" ")
    assert text.splitlines()[2:5] == ["EU B-ORG O", "rejects O O", "lamb O B-X"]
    assert parse(text, choose(tags=2)).examples == data.examples
    with pytest.raises(ValueError, match="one tag for each word"):
        written(data.examples, predicted=[("O",), ("O",)])


PLAIN = st.text("ab東京.#", min_size=1, max_size=3)
"""What any file can hold, as a word, an id or the name of a document."""
NASTY = st.sampled_from(["# a", "-DOCSTART-", " ", "\r", "\x85", '{"', "a b", " a", "ner", ""])


@st.composite
def tagged_examples(draw, words=PLAIN, names=PLAIN):
    has_tags = draw(st.booleans())
    examples = []
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.lists(words.filter(bool), min_size=1, max_size=4))
        text, (starts, ends) = join_words(row, draw(st.sampled_from(["", " ", "  "])))
        tags = tuple(draw(st.sampled_from(["O", "B-x", "ner"])) for _ in row)
        examples.append(
            TaggedExample(
                draw(names | st.sampled_from(["1", "2", "3"])),
                text,
                starts=starts,
                ends=ends,
                tags=tags if has_tags else None,
                document=draw(names | st.sampled_from(["1", "2", ""])),
            )
        )
    return examples


def read_back(examples):
    choice = choose(tags=None if examples[0].tags is None else -1)
    return list(parse(written(examples), choice).examples)


@given(tagged_examples())
def test_whatever_is_written_reads_back(examples):
    assert read_back(examples) == examples


@given(tagged_examples(PLAIN | NASTY) | tagged_examples(names=PLAIN | NASTY))
def test_what_would_read_back_as_something_else_is_refused(examples):
    with suppress(DataError):
        assert read_back(examples) == examples


def test_what_columns_cannot_hold():
    plain = TaggedExample("a", "x y", starts=(0,), ends=(3,), tags=("O",))
    assert written([plain]) == "# sent_id = a\nx y\tO\n\n"
    with pytest.raises(DataError, match="a space in 'x y'"):
        written([plain], separator=" ")
    for text in ("x\ny", "x\ty", "# y"):
        example = TaggedExample("a", text, starts=(0,), ends=(3,), tags=("O",))
        with pytest.raises(DataError, match=r"can't be written in columns"):
            written([example])
    with pytest.raises(DataError, match="a text without words"):
        written([TaggedExample("a", "x")])


# Real data


@pytest.mark.parametrize(
    ("part", "sentences", "documents"),
    [("train", 14_041, 946), ("valid", 3_250, 216), ("test", 3_453, 231)],
)
def test_conll_2003(shared, part, sentences, documents):
    path = shared / f"data/conll2003/{part}.txt"
    with open_data(path) as file:
        data = parse_conll(file, Source(str(path)))
    assert len(data.examples) == sentences
    assert len({example.document for example in data.examples}) == documents
    assert "" not in {example.document for example in data.examples}
    assert data.joiner == " "
    lines = path.read_text(encoding="utf-8").split("\n")
    n_words = 0
    for example in data.examples:
        first = example.first_line - 1
        rows = lines[first : first + len(example.starts)]
        assert example.words == [row.split(" ")[0] for row in rows]
        assert list(example.tags) == [row.split(" ")[3] for row in rows]
        n_words += len(rows)
    assert n_words == sum(bool(line) and not line.startswith("-DOCSTART-") for line in lines)
    order = [int(example.document) for example in data.examples]
    assert all(0 <= after - before <= 1 for before, after in pairwise(order))


def test_klue(shared):
    """The characters make the sentences that the comments hold, but for their marks."""
    path = shared / "data/klue_ner/klue-ner-v1.1_dev.tsv"
    with open_data(path) as file:
        data = parse_conll(file, Source(str(path)))
    assert len(data.examples) == 5_000
    assert (data.joiner, data.layout.names) == ("", ("CHAR", "NE_TAG"))
    lines = path.read_text(encoding="utf-8").split("\n")
    comments = [line[3:].split("\t") for line in lines if line.startswith("## klue-ner")]
    assert [example.id for example in data.examples] == [key for key, _ in comments]
    for example, (_, marked) in zip(data.examples, comments, strict=True):
        assert example.text == re.sub(r"<([^<>]*):[A-Z]{2}>", r"\1", marked)
        assert example.starts == tuple(range(len(example.text)))
