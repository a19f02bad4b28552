"""Frames: what is packed comes out again however it is cut up, and nothing else raises anything but `BadFrame`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.sandbox.inner.frames import BadFrame, Frames, pack

headers = st.dictionaries(st.text(max_size=5).filter(lambda key: key != "blobs"), st.integers() | st.text(max_size=9))
blobs = st.dictionaries(st.text(max_size=5), st.binary(max_size=40), max_size=3)


@given(st.lists(st.tuples(headers, blobs), max_size=4), st.integers(1, 30))
def test_frames_come_out_as_they_were_packed(sent, size):
    stream = b"".join(pack(header, blob) for header, blob in sent)
    frames, received = Frames(10**6), []
    for start in range(0, len(stream), size):
        received += frames.feed(stream[start : start + size])
    assert received == sent


@given(st.binary(max_size=200))
def test_frames_of_anything_raise_nothing_else(stream: bytes):
    try:
        received = list(Frames(10**6).feed(stream))
    except BadFrame:
        return
    assert all(isinstance(header, dict) and isinstance(blobs, dict) for header, blobs in received)


@pytest.mark.parametrize("text", [b"[1, 2]", b"{}", b'{"blobs": {"a": -1}}', b'{"blobs": {"a": true}}', b"[" * 9999])
def test_frames_refuse_a_header_of_another_form(text: bytes):
    with pytest.raises(BadFrame):
        list(Frames(10**6).feed(len(text).to_bytes(4, "big") + text))


def test_frames_refuse_too_much():
    with pytest.raises(BadFrame, match="hand back"):
        list(Frames(10).feed(b"0" * 11))
    with pytest.raises(BadFrame, match="announces"):
        list(Frames(1000).feed(pack({}, {"a": b"0" * 2000})[:100]))
