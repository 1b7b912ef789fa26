"""Columns of words and tags, as CoNLL's shared tasks have them."""

from __future__ import annotations

from fuzz.draws import Draws
from fuzz.reading import READINGS, check_reading
from fuzz.target import Target
from fuzz.values import wrap

_WORDS = (
    *("EU", "Mira", "東", "京", " ", "#", "##", "-DOCSTART-", "{", "[", "{}", '{"', "left", "'s"),
    *("x\u3000y", "\u00a0", "\x85", "\x0c", "\u2028", "\ufeff", "", "e\u0301", "\x00", "word", "1"),
)
_TAGS = (
    "O",
    "B-x",
    "I-x",
    "I-y",
    "E-x",
    "S-x",
    "L-x",
    "U-x",
    "M-x",
    "NN",
    ".",
    "tag",
    "1",
    "",
    "B",
)
_COMMENTS = (
    *("# sent_id = s1", "# text = EU Mira", "# newdoc", "# newdoc id = d", "# newdoc id =", "#"),
    *(
        "## klue-1\tx",
        "# global.columns = FORM NER",
        "## title : CHAR\tNE_TAG",
        "# a comment",
        "# x",
    ),
)
_BORDERS = ("", " ", "\t", "-DOCSTART- O", "-DOCSTART-\t-X-", "-DOCSTART- -X- -X- O", "token\tner")


def _draw_line(draws: Draws, separator: str, n_columns: int) -> str:
    kind = draws.byte()
    if kind < 160:
        n = n_columns if kind < 155 else draws.integer(1, 4)
        cells = [draws.choose(_WORDS), *(draws.choose(_TAGS) for _ in range(n - 1))]
        return separator.join(cells)
    if kind < 205:
        return draws.choose(_BORDERS)
    return draws.choose(_COMMENTS) if kind < 245 else draws.text()


def draw_content(draws: Draws) -> bytes:
    """A file of these, right or wrong."""
    separator, n_columns = draws.choose("\t ,"), draws.integer(1, 4)
    end = draws.choose(["\n", "\n", "\r\n"])
    lines = draws.items(lambda: _draw_line(draws, separator, n_columns), most=12, least=1)
    return end.join(lines).encode()


def check(data: bytes) -> None:
    """Bytes as a file, or a file made of them."""
    draws = Draws(data)
    reading = draws.choose(READINGS)
    content = wrap(draws, draw_content(draws)) if draws.flag() else draws.rest()
    check_reading(content, reading)


_FILES = (
    "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nleft VBD O O\n\nPeter NNP B-NP B-PER\n",
    "# global.columns = FORM NER\n# newdoc id = d\n# sent_id = s 1\n# text = Mira's boat.\n"
    "Mira\tB-x\n's\tO\nboat\tO\n.\tO\n",
    "## klue-1\tx\n경\tB-LC\n찰\tI-LC\n \tO\n",
    "token\tner\r\nEU\tS-x\r\n\r\n#\tO\r\n",
    "東 O\n京 O\n",
)

TARGET = Target(
    "columns",
    check,
    seeds=(
        *(b"\0\0" + file.encode() for file in _FILES),
        b"\2\0" + _FILES[3].encode(),
        b"\1\0EU\nleft\n",
        b"\4\0EU,O\nleft,B-x\n",
        b"\0\1\0\1\0\5" + bytes(range(64)),
    ),
    words=tuple(text.encode() for text in (*_WORDS, *_TAGS, *_COMMENTS, *_BORDERS) if text),
)
