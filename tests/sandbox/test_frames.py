"""Frames: what is packed comes out again however it is cut up, and nothing else raises anything but `BadFrame`.

Whatever a stream holds, reading it takes little time and little memory beyond the bytes themselves.
"""

import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.sandbox.inner.frames import BadFrame, Frames, pack

headers = st.dictionaries(st.text(max_size=5).filter(lambda key: key != "blobs"), st.integers() | st.text(max_size=9))
blobs = st.dictionaries(st.text(max_size=5), st.binary(max_size=40), max_size=3)


@given(st.lists(st.tuples(headers, blobs), max_size=4), st.integers(1, 30))
def test_frames_come_out_as_they_were_packed(sent, size):
    stream = b"".join(pack(header, blob) for header, blob in sent)
    frames, received = Frames(10**6, 10**6), []
    for start in range(0, len(stream), size):
        received += frames.feed(stream[start : start + size])
    assert received == sent


@given(st.binary(max_size=200))
def test_frames_of_anything_raise_nothing_else(stream: bytes):
    try:
        received = list(Frames(10**6, 10**6).feed(stream))
    except BadFrame:
        return
    assert all(isinstance(header, dict) and isinstance(blobs, dict) for header, blobs in received)


@pytest.mark.parametrize("text", [b"[1, 2]", b"{}", b'{"blobs": {"a": -1}}', b'{"blobs": {"a": true}}', b"[" * 9999])
def test_frames_refuse_a_header_of_another_form(text: bytes):
    with pytest.raises(BadFrame):
        list(Frames(10**6, 10**6).feed(len(text).to_bytes(4, "big") + text))


def test_frames_refuse_too_much():
    with pytest.raises(BadFrame, match="hand back"):
        list(Frames(10, 10).feed(b"0" * 11))
    with pytest.raises(BadFrame, match="announces"):
        list(Frames(1000, 1000).feed(pack({}, {"a": b"0" * 2000})[:100]))


def test_frames_keep_text_of_any_kind():
    words = {"a": "\ud800 \x0b \U0001f600 \u0000", "b": [1.5, None, True, {"c": '"\\'}]}
    assert list(Frames(10**6, 10**6).feed(pack(words))) == [(words, {})]


def frame(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text


MB = 2**20
FLOODS = {
    "empty objects": frame(b'{"blobs": {}, "x": [' + b"{}," * (22 * MB) + b"{}]}"),
    "empty objects, as many as fit": frame(b'{"blobs": {}, "x": [' + b"{}," * (8 * MB // 3 - 20) + b"{}]}"),
    "empty lists": frame(b'{"blobs": {}, "x": [' + b"[]," * (8 * MB // 3 - 20) + b"[]]}"),
    "objects in an array of texts": frame(b'{"blobs": {}, "x": ["' + b'[","' * (2 * MB - 20) + b'"]}'),
    "escapes": frame(b'{"blobs": {}, "x": "' + b"\\n" * (4 * MB - 20) + b'"}'),
    "wide text": frame('{"blobs": {}, "x": "\U0001f600'.encode() + b"x" * (8 * MB - 40) + b'"}'),
    "brackets in a text": frame(b'{"blobs": {}, "x": "' + b"[{," * (8 * MB // 3 - 20) + b'"}'),
    "a long number": frame(b'{"blobs": {}, "x": 0.' + b"1" * (8 * MB - 40) + b"}"),
    "a long integer": frame(b'{"blobs": {}, "x": ' + b"1" * (8 * MB - 40) + b"}"),
    "deep lists": frame(b'{"blobs": {}, "x": ' + b"[" * (8 * MB - 40)),
    "blobs": frame(json.dumps({"blobs": dict.fromkeys(map(str, range(700_000)), 0)}).encode()),
    "frames": frame(b'{"blobs":{}}') * MB,
    "nothing": frame(b"") * MB,
    "vertical tabs": b"\x0b" * (120 * MB),
    "a big blob": pack({}, {"a": b"\x0b" * (100 * MB)}),
}


@pytest.mark.parametrize("stream", FLOODS.values(), ids=FLOODS.keys())
def test_frames_of_a_flood_take_little_memory_and_time(stream: bytes):
    """The bound of a whole sitting is 256 MB and 5 s; a blob is held once, a header up to 12 times for a moment."""
    frames = Frames(128 * MB, 17 * MB)
    tracemalloc.start()
    start = time.process_time()
    try:
        for at in range(0, len(stream), MB):
            for _ in frames.feed(stream[at : at + MB]):
                pass
    except BadFrame:
        pass
    seconds, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 128 * MB
    assert seconds < 5


def test_frames_do_not_read_a_header_again_for_each_byte():
    header = {"x": "y" * 500_000}
    stream = pack(header, {"a": b"0" * 20_000})
    frames, start = Frames(MB, 2 * MB), time.process_time()
    for at in range(len(stream) - 20_000):
        assert not list(frames.feed(stream[at : at + 1]))
    for at in range(len(stream) - 20_000, len(stream)):
        received = list(frames.feed(stream[at : at + 1]))
    assert received == [(header, {"a": b"0" * 20_000})]
    assert time.process_time() - start < 5
