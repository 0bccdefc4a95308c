"""The pages' words: every key that is said exists, each that exists is said, and all languages have the same."""

import re
from importlib.resources import files
from string import Formatter

import pytest

from fastadapt.pages.language import languages, words

PAGES = files("fastadapt.pages")
PARTS = r"(?:common|explore|landscape)"


def sources(folder, ending):
    """The texts of all files with this ending, in the folder and below."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from sources(entry, ending)
        elif entry.name.endswith(ending):
            yield entry.read_text(encoding="utf-8")


def said_in_javascript():
    """The keys in quotes, and a pattern for each that is put together."""
    text = re.sub(r"^\s*//.*", "", "\n".join(sources(PAGES.joinpath("static"), ".js")), flags=re.MULTILINE)
    whole = set(re.findall(rf'"({PARTS}(?:\.\w+)+)"', text))
    made = set(re.findall(rf"`({PARTS}\.[^`]*\$\{{[^`]*)`", text))
    return whole, {pattern_of(re.sub(r"\$\{(?:[^{}]|\{[^{}]*\})*\}", "\0", each)) for each in made}


def said_in_python():
    """The same of Python; a key whose page a method of its own puts before it counts for that page."""
    text = "\n".join(sources(PAGES, ".py"))
    whole = set(re.findall(rf'"({PARTS}(?:\.\w+)+)"', text))
    whole |= {f"landscape.{name}" for name in re.findall(r'"(\w+(?:\.\w+)*)"', text)}
    made = set(re.findall(rf'f"({PARTS}\.[^"]*\{{[^"]*)"', text)) - {"landscape.{key}"}
    return whole, {pattern_of(re.sub(r"\{[^{}]*\}", "\0", each)) for each in made}


def pattern_of(text):
    return re.compile(re.escape(text).replace(re.escape("\0"), r"\w+") + r"\Z")


def test_every_key_that_javascript_says_exists():
    whole, patterns = said_in_javascript()
    known = words()
    assert len(whole) > 50
    assert sorted(key for key in whole if key not in known) == []
    assert [each.pattern for each in patterns if not any(map(each.match, known))] == []


def test_every_key_is_said():
    whole, patterns = (ours | theirs for ours, theirs in zip(said_in_javascript(), said_in_python(), strict=True))
    assert sorted(key for key in words() if key not in whole and not any(each.match(key) for each in patterns)) == []


@pytest.mark.parametrize("language", languages())
def test_every_language_has_the_same_keys_and_placeholders(language):
    english, other = words(), words(language)
    assert other.keys() == english.keys()
    assert [key for key in english if placeholders(other[key]) != placeholders(english[key])] == []
    assert [key for key, text in other.items() if not text.strip()] == []


@pytest.mark.parametrize("language", languages())
def test_a_thousand_is_written_so_that_it_is_no_fraction_in_that_language(language):
    text = words(language)["common.thousand"]
    assert text == ("1,000" if language == "en" else "1\u202f000")


def placeholders(text):
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)
