"""Which question word a question has: English labels for English, Japanese, Korean and Chinese.

The script of the question chooses the table (kana: Japanese; Hangul: Korean; Han alone: Chinese;
all else English), and the first question word in the text decides, wherever it stands ("In which
year …"). Tables go by meaning: 誰, 누구 and 谁 are "who", 何年 and 哪一年 "when". "other" is a
question without such a word ("수도는?"), and one in another language.
"""

from __future__ import annotations

import re
from functools import cache

OTHER = "other"
QUESTION_WORDS = (
    "who",
    "what",
    "when",
    "where",
    "why",
    "which",
    "how many/much",
    "how",
    OTHER,
)
"""The labels, in the order in which slices are shown."""

_Table = tuple[tuple[str, str], ...]

# Of the patterns that match at the same place the first wins, so longer ones stand before those
# that they begin with.
_ENGLISH: _Table = (
    ("who", r"\b(?:who(?:m|se)?)\b"),
    ("what", r"\bwhat\b"),
    ("when", r"\bwhen\b"),
    ("where", r"\bwhere\b"),
    ("why", r"\bwhy\b"),
    ("which", r"\bwhich\b"),
    ("how many/much", r"\bhow (?:many|much)\b"),
    ("how", r"\bhow\b"),
)
_JAPANESE: _Table = (
    ("who", r"誰|だれ|どなた|何者"),
    ("where", r"どこ|何処"),
    ("why", r"なぜ|何故|どうして(?!い)"),
    ("how many/much", r"いくつ|いくら|ど[れのん][くぐ]らい|どれ(?:だけ|ほど)"),
    # Counted time is "how many" (何年間, 何時間), a point in time "when" (何年, 何時).
    (
        "how many/much",
        r"何(?:年[間前後]|時間|日間|分間|秒|週間|[かカヶケヵ箇][月国所]|人|名|個|回|度|本|枚|台|歳|才|"
        r"割|倍|種|通り|件|冊|軒|匹|頭|隻|機|両|階建|店|校|社|百|千|万|億|兆|十|[%％]|パーセント|"
        r"キロ|メートル|センチ|ミリ|トン|グラム|ヘクタール|平方|円|ドル|つ)",
    ),
    ("when", r"いつ|何年|何月|何日|何時|何曜|何世紀"),
    ("what", r"どのような|どういう|どんな|どういった"),
    ("how", r"どのように|どうやって|いかに"),
    ("which", r"(?<![なほけも])(?:どの|どれ)|どちら|どっち"),  # などの, ほどの, けどの, もどれ
    ("what", r"何|なに|なんと|なんの"),
    ("how", r"(?<![なほけもぶこ])どう"),  # ぶどう, こどう
)
_KOREAN: _Table = (
    ("who", r"누구|누가|누군|누굴"),
    ("when", r"언제|몇\s*(?:년도|월|세기|시(?!간))|몇\s*년에"),
    ("where", r"어디|어느\s*곳"),
    ("why", r"(?<![가-힣])왜(?![가-힣])|어째서"),
    ("how many/much", r"얼마|(?<![가-힣])몇"),
    ("how", r"어떻게"),
    ("which", r"어느"),
    ("what", r"무엇|무슨|무얼|어떤|어떠한|뭐|뭘"),
)
_CHINESE: _Table = (
    ("who", r"谁|誰|哪位|何人"),
    ("when", r"(?:什么|什麼|哪个|哪個|何|几|幾)(?:时候|時候|时间|時間|时期|時期|时|時|世纪|世紀)"),
    ("when", r"哪一?[年天日月]|[几幾何](?:年|月)(?!间|間)"),
    ("where", r"哪[里裡裏儿兒]|哪[个個]?(?:地方|地区|地區)|(?:什么|什麼)地(?:方|区|區)|何[处處地]"),
    ("why", r"(?<![成称稱])(?:为什么|為什麼)|为何|為何|因何|缘何|(?:什么|什麼)原因"),
    ("how many/much", r"多少|多[大长長高远遠久重深宽寬]|[几幾](?![乎何])"),
    ("how", r"怎|如何"),
    ("which", r"哪"),
    ("what", r"什么|什麼|甚麼|啥|(?<![任几幾])何"),
)


def _compile(table: _Table) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """One pattern with a group for each line of the table, and the label of each group."""
    pattern = "|".join(f"({alternatives})" for _, alternatives in table)
    return re.compile(pattern, re.IGNORECASE), tuple(label for label, _ in table)


@cache
def _tables() -> tuple[tuple[re.Pattern[str], re.Pattern[str], tuple[str, ...]], ...]:
    """The scripts in the order in which they are looked for, each with its pattern and labels.

    Made when first asked: it takes 20 ms, and most commands sort no questions.
    """
    return (
        (re.compile("[\u3041-\u3096\u30a1-\u30fa]"), *_compile(_JAPANESE)),
        (re.compile("[\uac00-\ud7a3]"), *_compile(_KOREAN)),
        (re.compile("[\u3400-\u9fff\uf900-\ufaff]"), *_compile(_CHINESE)),
        (re.compile(""), *_compile(_ENGLISH)),
    )


def find_question_word(question: str) -> str:
    """The label of the first question word of `question`: one of QUESTION_WORDS.

    An English question may quote another script ("What does 道 mean?"): where the table of that
    script finds nothing, the English one decides.
    """
    for script, pattern, labels in _tables():
        if script.search(question) and (found := pattern.search(question)):
            assert found.lastindex is not None  # each alternative is a group
            return labels[found.lastindex - 1]
    return OTHER
