"""Columns, as CoNLL's shared tasks have them: a word and its tags a line, blank lines between.

    -DOCSTART- -X- -X- O

    EU NNP B-NP B-ORG
    rejects VBZ B-VP O
    German JJ B-NP B-MISC

    Peter NNP B-NP B-PER

The first line that holds a word decides: columns are separated by single tabs if it has one, so
that a word may be or hold a space (KLUE), else by runs of spaces. Words stand in the first column
and tags in the last unless chosen otherwise, by number or by name. Names come from the user, from a
header (`token  pos  ner`), from a comment (`# global.columns = FORM UPOS`, KLUE's `## … : CHAR
NE_TAG`), or are CoNLL-2003's: token, pos, chunk, ner (four columns and a -DOCSTART-). A line of
white space or of lone tabs ends a sentence; -DOCSTART- and `# newdoc` begin a document.

A comment stands before the first word of a sentence and begins with # and a space. So does a word
"#" in a file separated by spaces: it is one if its line has as many columns as the others and is
none of `# key = value`, `# newdoc` and `# newpar`. `# sent_id = …` and KLUE's `## ID<tab>…` give
the id, else it is the number of the sentence's first line; `# text = …` gives the text.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedIOBase

from spanfit.data import fields
from spanfit.data.column_choice import ColumnChoice
from spanfit.data.columns import find_layout
from spanfit.data.fields import Source, is_tag
from spanfit.data.files import decode
from spanfit.data.joiner import decide_joiner, join_words, locate_words
from spanfit.data.layout import Layout, is_border
from spanfit.errors import DataError
from spanfit.tagged import TaggedExample

DOCSTART = "-DOCSTART-"

_ID = re.compile(r"#+ (?:sent_id = *(\S(?:.*[^ ])?) *$|(\S+)\t)")
_TEXT = re.compile(r"#+ text = (.*)")
_DOCUMENT = re.compile(r"#+ newdoc(?:$| id =(.*))")


@dataclass(frozen=True, slots=True)
class ConllData:
    """What a file of columns holds: its sentences, how it is laid out, and what joins the words."""

    examples: tuple[TaggedExample, ...]
    layout: Layout
    joiner: str


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence as it stands; `id` and `text` are None where no comment gives them."""

    line: int
    words: tuple[str, ...]
    tags: tuple[str, ...] | None
    document: str
    id: str | None
    text: str | None


def parse_conll(
    file: BufferedIOBase,
    source: Source,
    choice: ColumnChoice | None = None,
    *,
    joiner: str | None = None,
) -> ConllData:
    """The sentences of a file of columns; `joiner` None means that it is decided from the words.

    Tags are what the column holds; no tag scheme is looked at.

    Raises:
        DataError: the file does not hold columns, or not those that are chosen; a line has more or
            fewer of them than the others, an empty word or an empty tag.
    """
    lines = _lines(file.read(), source.name)
    layout = find_layout(lines, source.name, choice or ColumnChoice())
    source.pass_over(layout.unread, "columns")
    sentences = list(_read_sentences(lines, layout, source))
    if joiner is None:
        joiner = decide_joiner(sentence.words for sentence in sentences)
    examples = _to_examples(sentences, joiner, source)
    return ConllData(tuple(examples), layout=layout, joiner=joiner)


def _lines(data: bytes, name: str) -> list[str]:
    """The lines without their ends; a byte order mark is taken off."""
    text = decode(data, name=name, line=1).removeprefix("\ufeff")
    if (place := text.find("\x00")) >= 0:
        raise DataError(
            "a NUL character",
            where=f"{name}, line {text.count(chr(10), 0, place) + 1}",
            expected="words and tags",
            fix=f"tr -d '\\000' < {shlex.quote(name)} > FILE, which leaves all of them out",
        )
    lines = text.split("\n")  # splitlines would split at characters that can be words
    return [line.removesuffix("\r") for line in lines] if "\r" in text else lines


def _read_sentences(lines: Sequence[str], layout: Layout, source: Source) -> Iterator[_Sentence]:
    documents, document = 0, ""
    comments: list[str] = []
    words: list[str] = []  # the lines of the sentence that goes on

    def finish(number: int) -> Iterator[_Sentence]:
        """The sentence that ended before line `number`, if one did and is not faulty."""
        if words:
            first = number - len(words)
            if columns := _split_columns(words, layout, source, line=first):
                yield _to_sentence(*columns, line=first, document=document, comments=comments)
            words.clear()
            comments.clear()

    for number, line in enumerate(lines, 1):
        if is_border(line, layout.separator):
            yield from finish(number)
        elif line.startswith(DOCSTART) and layout.split(line)[0] == DOCSTART:
            yield from finish(number)
            documents += 1
            document = f"{source.id_prefix}{documents}"
        elif not words and layout.is_comment(line):
            comments.append(line)
            if match := _DOCUMENT.fullmatch(line):
                documents += 1
                is_nameless = match[1] is None
                document = f"{source.id_prefix}{documents}" if is_nameless else match[1].strip()
        elif number != layout.header:
            words.append(line)
    yield from finish(len(lines) + 1)


def is_about_sentence(comment: str) -> bool:
    """Whether a comment says the id or the text of the sentence behind it."""
    return bool(_ID.match(comment) or _TEXT.fullmatch(comment))


def _split_columns(
    lines: Sequence[str], layout: Layout, source: Source, *, line: int
) -> tuple[tuple[str, ...], tuple[str, ...] | None] | None:
    """Words and tags of a sentence that begins on line `line`; None if it is faulty."""
    rows = [layout.split(text) for text in lines]
    if all(len(row) == layout.n_columns for row in rows):
        columns = list(zip(*rows, strict=True))
        words = columns[layout.words - 1]
        tags = None if layout.tags is None else columns[layout.tags - 1]
        if "" not in words and all(map(is_tag, {*(tags or ())})):
            return words, tags
    for number, (row, text) in enumerate(zip(rows, lines, strict=True), line):
        try:
            layout.check(row, text)
        except DataError as error:
            source.fault("line", number, fields.located(error, f"{source.name}, line {number}"))
            break
    return None


def _to_sentence(
    words: tuple[str, ...],
    tags: tuple[str, ...] | None,
    *,
    line: int,
    document: str,
    comments: Sequence[str],
) -> _Sentence:
    key = text = None
    for comment in comments:
        if match := _ID.match(comment):
            key = match[1] or match[2]
        elif match := _TEXT.fullmatch(comment):
            text = match[1]
    return _Sentence(line, words, tags, document=document, id=key, text=text)


def _to_examples(
    sentences: Sequence[_Sentence], joiner: str, source: Source
) -> Iterator[TaggedExample]:
    for sentence in sentences:
        place = f"line {sentence.line}"
        if sentence.text is None:
            text, (starts, ends) = join_words(sentence.words, joiner)
        else:
            text = sentence.text
            try:
                starts, ends = locate_words(sentence.words, text)
            except DataError as error:
                located = fields.located(error, f"{source.name}, the sentence of {place}")
                source.fault("line", sentence.line, located)
                continue
        yield TaggedExample(
            id=f"{source.id_prefix}{sentence.line}" if sentence.id is None else sentence.id,
            text=text,
            starts=starts,
            ends=ends,
            tags=sentence.tags,
            document=sentence.document,
            place=place,
            first_line=sentence.line,
        )
