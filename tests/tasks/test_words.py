"""Words in every script: what a reader calls words, by UAX #29; and no text is lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conveyor.errors import CheckpointError, TextError
from conveyor.tasks.text.data import earlier_words
from conveyor.tasks.text.data.vocabulary import WordVocabulary, vocabulary_from_json
from conveyor.tasks.text.data.words import GLUE, is_blank, join_words, segments, split_words

ODD = "\u0301\u200d\u200c\u200b\ufeff\r\n\x00\x0b\x0c\x1b\x85\u2028\u2029\u00a0\u3000\u202e\ufffe\U0010ffff '\"-_.,:;א়ம்กำ한国あア🇩🇪👩🏽"
texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(ODD), max_size=60)


@given(texts)
def test_every_text_comes_back(text: str) -> None:
    tokens = split_words(text)
    assert join_words(tokens) == text
    vocabulary = WordVocabulary.of(tokens, 1000)
    numbers = vocabulary.encode(text)
    assert 0 not in numbers or not text
    assert vocabulary.decode(numbers) == text
    again = vocabulary_from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert again == vocabulary and again.decode(again.encode(text)) == text


@given(texts, texts)
def test_a_text_goes_on_as_it_began(text: str, more: str) -> None:
    tokens = split_words(text) + split_words(more)
    assert join_words(tokens).startswith(text), "what is sampled never changes the prompt before it"


@given(texts)
def test_segments_make_up_the_text(text: str) -> None:
    assert "".join(segments(text)) == text and all(segments(text))


# The words that a reader of the script sees; each is made of what the script writes between two spaces or marks.
READERS = {
    "Hindi": ("नमस्ते दुनिया, कैसे", ["नमस्ते", "दुनिया", ",", "कैसे"]),
    "Hindi with danda": ("यह क्षत्रिय है।", ["यह", "क्षत्रिय", "है", "।"]),
    "Tamil": ("வணக்கம் உலகம்", ["வணக்கம்", "உலகம்"]),
    "pointed Hebrew": ("שָׁלוֹם עוֹלָם", ["שָׁלוֹם", "עוֹלָם"]),
    "Hebrew acronym": ('צה"ל', ['צה"ל']),
    "vocalised Arabic": ("اَلسَّلَامُ عَلَيْكُمْ", ["اَلسَّلَامُ", "عَلَيْكُمْ"]),
    "Persian": ("می\u200cخواهم بروم", ["می\u200cخواهم", "بروم"]),
    "decomposed accents": ("re\u0301sume\u0301 nai\u0308f", ["re\u0301sume\u0301", "nai\u0308f"]),
    "Russian": ("Привет, мир!", ["Привет", ",", "мир", "!"]),
    "Korean": ("안녕하세요 세계", ["안녕하세요", "세계"]),
    "English": ("Don't can’t 3.14 1,000 a_b", ["Don't", "can’t", "3.14", "1,000", "a_b"]),
    "Greek": ("Καλημέρα κόσμε;", ["Καλημέρα", "κόσμε", ";"]),
    "Malayalam with joiner": ("അവന്\u200d വന്നു", ["അവന്\u200d", "വന്നു"]),
    "emoji": ("👩\u200d👩\u200d👧 👍🏽 🇩🇪", ["👩\u200d👩\u200d👧", "👍🏽", "🇩🇪"]),
}


@pytest.mark.parametrize(("text", "expected"), READERS.values(), ids=READERS)
def test_words_are_what_a_reader_calls_words(text: str, expected: list[str]) -> None:
    assert split_words(text) == expected


# Scripts without spaces: the rule gives an ideograph, a kana of hiragana, a Thai letter with its marks; katakana holds together.
UNSPACED = {
    "Chinese": ("你好，世界。", ["你", "好", "，", "世", "界", "。"]),
    "Japanese": ("カタカナと漢字", ["カタカナ", "と", "漢", "字"]),
    "Thai": ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
    "Chinese and Latin": ("用Python写", ["用", "Python", "写"]),
}


@pytest.mark.parametrize(("text", "expected"), UNSPACED.values(), ids=UNSPACED)
def test_text_without_spaces_gets_what_the_rule_gives(text: str, expected: list[str]) -> None:
    assert split_words(text) == expected


# One case a rule of UAX #29, section 4.1.1; | stands between segments.
RULES = {
    "WB3 CRLF": "a|\r\n|b",
    "WB3a b newlines": "a|\r|\u0301|\n|\x85|b",
    "WB3c ZWJ before a pictograph": "👩\u200d⌚",
    "WB3d horizontal white space": "a|   |b|\t|c",
    "WB4 extend and format": "a\u0301\u00adb| \u0301|,\u200d",
    "WB5 letters": "añb",
    "WB6 7 mid letters": "a:b|.|.|c|'|,|d'e·f|:",
    "WB7a Hebrew and single quote": "א'|,",
    "WB7b c Hebrew and double quote": 'א"ב|"|,',
    "WB8 9 10 digits and letters": "12a3b",
    "WB11 12 numbers": "1.5,3;2|.|a",
    "WB13 katakana": "カタ|か",
    "WB13a b underscores": "a_1__カ_",
    "WB15 16 flags": "🇩🇪|🇫🇷|🇮",
    "WB999 others": "你|?|!|€|+",
}


@pytest.mark.parametrize("cut", RULES.values(), ids=RULES)
def test_boundaries_are_those_of_the_rule(cut: str) -> None:
    assert segments(cut.replace("|", "")) == cut.split("|")


def test_white_space_is_a_token_only_where_it_is_not_usual() -> None:
    assert split_words("a  b ,c (d) \n e") == ["a", "  ", "b", " ", ",", GLUE, "c", "(", "d", ")", " ", "\n", " ", "e"]
    assert split_words("f(x)\n    return") == ["f", GLUE, "(", "x", ")", "\n", "    ", "return"]


def test_prose_needs_next_to_no_tokens_for_its_spaces() -> None:
    from conveyor.tasks.text.data.corpus import read_file

    tokens = split_words(read_file("conveyor:moby_dick.txt").text()[:300_000])
    assert sum(is_blank(token) and token != "\n" for token in tokens) < len(tokens) / 1000


def test_the_space_at_a_prompts_end_is_left_to_the_next_word() -> None:
    vocabulary = WordVocabulary.of(split_words("the sea the sea\n"), 9)
    assert vocabulary.encode_prompt("the ") == vocabulary.encode_prompt("the") == vocabulary.encode("the")
    assert vocabulary.encode_prompt("the  ") == [*vocabulary.encode("the"), 0]
    assert vocabulary.unknown_parts("the white sea of a sea ") == ("white", "of", "a")


def test_a_small_vocabulary_has_a_word() -> None:
    assert WordVocabulary.of(split_words("\n\n\n\na b"), 2).tokens == ("<unk>", "a")


@pytest.mark.parametrize("rule", ["uax29", "letters"])
def test_half_a_character_is_refused(rule: str) -> None:
    with pytest.raises(TextError, match="position 1"):
        WordVocabulary(["<unk>", "a"], rule).encode("a\udcff")


# What the rule of earlier checkpoints gave, by hand.
EARLIER = {
    "Don't stop, Mr_X (the 2nd)!\n\nWell…": ["Don't", "stop", ",", "Mr", "_", "X", "(", "the", "2nd", ")", "!", "\n", "\n", "Well", "…"],
    "cafe\u0301  au": ["cafe", "\u0301", "au"],
    "नमस्ते": ["नमस", "\u094d", "त", "\u0947"],
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), EARLIER.items(), ids=range(len(EARLIER)))
def test_earlier_checkpoints_keep_their_rule(text: str, expected: list[str]) -> None:
    assert earlier_words.split_words(text) == expected
    vocabulary = vocabulary_from_json({"level": "word", "tokens": ["<unk>", *dict.fromkeys(expected)]})
    assert vocabulary.decode(vocabulary.encode(text)) == earlier_words.join_words(expected)
    assert vocabulary.to_json() == {"level": "word", "tokens": ["<unk>", *dict.fromkeys(expected)]}
    assert vocabulary != WordVocabulary(vocabulary.tokens)


def test_a_rule_of_a_later_version_is_refused() -> None:
    with pytest.raises(CheckpointError, match="expected rule uax29 or letters, got 'uax30'; upgrade conveyor"):
        vocabulary_from_json({"level": "word", "rule": "uax30", "tokens": ["<unk>"]})
