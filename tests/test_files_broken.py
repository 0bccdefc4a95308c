"""Files that were damaged, or never were checkpoints: an error, and nothing has changed."""

import warnings

import numpy as np
import pytest
from conftest import SLOW, for_maintainers
from hypothesis import given, settings
from hypothesis import strategies as st
from test_checkpoints_broken import EXAMPLES, FULL, OPT, OWN, many_examples, refused, values

import fastadapt as fa

pytest.importorskip("safetensors")
pytestmark = pytest.mark.skipif(SLOW, reason="of files alone")
SUFFIXES = [".npz", ".safetensors"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """By suffix the path of a file that can be loaded, and its bytes."""
    OPT.load_state_dict(FULL)
    paths = [tmp_path_factory.mktemp("files") / f"whole{suffix}" for suffix in SUFFIXES]
    for path in paths:
        OPT.save(path)
    return {path.suffix: (path, path.read_bytes()) for path in paths}


PARTS = 10**6
SPOTS = st.integers(0, PARTS - 1)
"""Places in a file, as millionths of its length."""


@st.composite
def damage(draw):
    """A function that flips up to three bits of bytes, cuts off, adds, zeroes or inserts some."""
    how, spots, more = draw(st.integers(0, 6)), draw(st.tuples(SPOTS, SPOTS)), draw(st.binary(min_size=1, max_size=40))
    flips = draw(st.lists(st.tuples(SPOTS, st.integers(0, 7)), min_size=1, max_size=3))

    def damaged(whole):
        first, last = sorted(spot * len(whole) // PARTS for spot in spots)
        if how == 3:
            return whole[:last]
        if how == 4:
            return whole + more
        if how == 5:
            return whole[:first] + bytes(last - first) + whole[last:]
        if how == 6:
            return whole[:first] + more + whole[last:]
        found = bytearray(whole)
        for spot, bit in flips:
            found[spot * len(whole) // PARTS] ^= 1 << bit
        return bytes(found)

    return damaged


@pytest.mark.parametrize("suffix", SUFFIXES)
@many_examples
def test_a_damaged_file_is_refused_or_what_it_was(files, suffix, count):
    whole, content = files[suffix]
    path = whole.with_name(f"damaged{suffix}")

    @settings(EXAMPLES, max_examples=count)
    @given(damaged=damage())
    def check(damaged):
        path.write_bytes(damaged(content))
        refused(lambda: OPT.load(path), FULL)

    check()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("step", [31, *for_maintainers(1)])
def test_no_byte_can_be_another(files, suffix, step):
    whole, content = files[suffix]
    path = whole.with_name(f"other{suffix}")
    for at in range(0, len(content), step):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        OPT.load_state_dict(OWN)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                OPT.load(path)
                wanted = FULL
            except ValueError:
                wanted = OWN
        assert values(OPT.state_dict()) == values(wanted), at


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"a text\n" * 50, b"PK\5\6" + bytes(18), b"\2" + bytes(7) + b"{}"])
def test_a_file_of_something_else_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"other{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"other{suffix}: truncated or altered, or not a checkpoint of fastadapt"):
        OPT.load(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_file_a_folder_and_another_suffix_are_said_to_be_that(tmp_path, suffix):
    with pytest.raises(FileNotFoundError, match=f"none{suffix}"):
        OPT.load(tmp_path / f"none{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(OSError, match=f"folder{suffix}"):
        OPT.load(tmp_path / f"folder{suffix}")
    with pytest.raises(OSError, match=f"folder{suffix}"):
        OPT.save(tmp_path / f"folder{suffix}")
    for name in (f"a{suffix}.old", suffix[1:], suffix, "a.NPZ"):
        for call in (OPT.load, OPT.save):
            with pytest.raises(ValueError, match=r"expected a name that ends in \.safetensors or \.npz"):
                call(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [f"folder{suffix}"]


@pytest.mark.parametrize("altered", [b"'\\escr'", b"'descr\\", b"'descL'"])
def test_an_altered_header_before_much_data_is_an_error_without_a_warning(tmp_path, altered):
    opt = fa.SGD(np.ones(10_000), momentum=0.5)
    opt.save(tmp_path / "large.npz")
    content = (tmp_path / "large.npz").read_bytes()
    (tmp_path / "large.npz").write_bytes(content.replace(b"'descr'", altered, 1))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match=r"large.npz: truncated or altered"):
            opt.load(tmp_path / "large.npz")
    assert [str(one.message) for one in seen] == []
