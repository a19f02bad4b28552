"""Outputs and Markdown of a learner's: text and pictures come through, nothing that acts."""

import base64
import io
import json
import re
import threading
import time
import tracemalloc

import nbformat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert.filters import markdown2html
from PIL import Image, PngImagePlugin

from autograder.classroom import picture_process
from autograder.classroom import safe_outputs as outputs_module
from autograder.classroom.picture_process import MAX_PIXELS, PictureProcess
from autograder.classroom.safe_markdown import fill_markdown, safe_markdown
from autograder.classroom.safe_outputs import MAX_CELL_TEXT, MAX_OUTPUTS, MAX_PICTURES, OutputBudget, clean_outputs
from autograder.classroom.safe_pictures import ALL_SECONDS, MAX_ENCODED, PictureBudget, clean_picture
from autograder.exam.sanitise import plain_text


def picture(size=(6, 4), form="PNG", mode="RGB", **options) -> str:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], len(mode)), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode).save(buffer, form, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def display(**data):
    return {"output_type": "display_data", "metadata": {}, "data": {k.replace("_", "/"): v for k, v in data.items()}}


def texts(cleaned) -> str:
    return "".join(output.text for output in cleaned if output.output_type == "stream")


def test_clean_outputs_keeps_text_and_errors():
    raw = [stream(["a", "b\n"]), stream("c", "stderr"), {"output_type": "error", "ename": "E", "evalue": "v"}]
    cleaned = clean_outputs(raw)
    assert [(o.output_type, o.get("text")) for o in cleaned] == [("stream", "ab\n"), ("stream", "c"), ("error", None)]
    assert (cleaned[2].ename, cleaned[2].evalue, cleaned[2].traceback) == ("E", "v", ["E: v"])


def test_clean_outputs_turns_a_value_into_a_display():
    """nbgrader reads a check's points from a cell's value."""
    raw = [{"output_type": "execute_result", "data": {"text/plain": "4"}, "execution_count": 1, "metadata": {}}]
    assert [(o.output_type, o.data) for o in clean_outputs(raw)] == [("display_data", {"text/plain": "4"})]


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_clean_outputs_makes_pictures_anew(form: str):
    info = PngImagePlugin.PngInfo()
    info.add_text("secret", "hidden words")
    raw = picture(form=form, **({"pnginfo": info} if form == "PNG" else {"comment": b"hidden words"}))
    raw = base64.b64encode(base64.b64decode(raw) + b"<script>trailing</script>").decode()
    (cleaned,) = clean_outputs([display(**{f"image_{form.lower()}": raw, "text_plain": "<Figure>"})])
    content = base64.b64decode(cleaned.data["image/png"])
    assert Image.open(io.BytesIO(content)).size == (6, 4)
    assert b"hidden" not in content
    assert b"script" not in content
    assert cleaned.data["text/plain"] == "<Figure>"


def test_clean_outputs_keeps_a_pictures_pixels():
    raw = picture()
    (cleaned,) = clean_outputs([display(image_png=raw)])
    pictures = [Image.open(io.BytesIO(base64.b64decode(p))) for p in (raw, cleaned.data["image/png"])]
    assert pictures[0].tobytes() == pictures[1].tobytes()


ACTIVE = ("text/html", "image/svg+xml", "application/javascript", "text/latex", "text/markdown")
ACTIVE += ("application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json", "image/gif", "application/pdf")


@pytest.mark.parametrize("kind", ACTIVE)
def test_clean_outputs_drops_what_is_active_and_says_so(kind: str):
    raw = [{"output_type": "display_data", "data": {kind: "<script>alert(1)</script>", "text/plain": "words"}}]
    cleaned = clean_outputs(raw)
    assert "alert" not in json.dumps(cleaned)
    assert cleaned[0].data == {"text/plain": "words"}
    assert kind in texts(cleaned)


@pytest.mark.parametrize(
    "data",
    ["not base64!", base64.b64encode(b"GIF89a").decode(), base64.b64encode(b"<svg/>").decode(), "", None, 7, ["a", 1]],
)
def test_clean_outputs_drops_what_is_no_picture(data):
    cleaned = clean_outputs([{"output_type": "display_data", "data": {"image/png": data}}])
    assert all(output.output_type == "stream" for output in cleaned)


def test_clean_picture_refuses_a_bomb():
    side = int(MAX_PIXELS**0.5) + 50
    buffer = io.BytesIO()
    Image.new("L", (side, side)).save(buffer, "PNG")
    assert len(buffer.getvalue()) < 100_000
    assert clean_picture(base64.b64encode(buffer.getvalue()).decode()) is None


def test_clean_picture_sends_a_big_one_as_jpeg():
    cleaned = clean_picture(picture((1500, 1000)))  # noise: 4.5 MB as PNG
    assert cleaned is not None
    assert cleaned.kind == "image/jpeg"


def test_clean_outputs_caps_everything():
    flood = [stream("x" * 1_000_000) for _ in range(50)]
    flood += [display(text_plain="y" * 100_000) for _ in range(1000)]
    flood += [display(image_png=picture()) for _ in range(100)]
    cleaned = clean_outputs(flood)
    assert len(cleaned) <= MAX_OUTPUTS + 1
    assert len(json.dumps(cleaned)) < 2 * MAX_CELL_TEXT
    assert "left out" in texts(cleaned)
    many = clean_outputs([display(image_png=picture()) for _ in range(20)])
    assert sum("image/png" in output.get("data", {}) for output in many) == MAX_PICTURES


def test_output_budget_is_shared_by_a_notebooks_cells():
    budget = OutputBudget(limit=250_000)
    cells = [budget.clean([stream("x" * 20_000 + "\n") for _ in range(3)]) for _ in range(50)]
    assert texts(cells[0]).startswith("xxx")
    assert len(json.dumps(cells)) < 300_000
    assert "left out" in texts(cells[-1])
    assert budget.clean([]) == []


def test_clean_outputs_joins_a_flood_of_small_pieces():
    cleaned = clean_outputs([stream(f"{i}\n") for i in range(10_000)])
    assert len(cleaned) == 1
    assert cleaned[0].text.startswith("0\n1\n2\n")


def test_plain_text_takes_terminal_codes_out():
    text = "\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 \x1b]0;title\x07a\x00b\x9b31m \u202egnp.exe"
    assert plain_text(text, 1000) == "red link a\ufffdb\ufffd31m \ufffdgnp.exe"


def test_plain_text_shows_a_progress_bar_as_it_ended():
    assert plain_text(" 1%\r 50%\r100%\ndone\r\n", 1000) == "100%\ndone\n"


def test_plain_text_is_quick_on_long_lines():
    for text in ("\x1b[" * 500_000, "\r" * 1_000_000, "a\r" * 500_000, "\x1b]" * 500_000, "\n" * 1_000_000):
        assert len(plain_text(text, 1000)) < 2_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)
mime = st.sampled_from(["text/plain", "text/html", "image/png", "image/jpeg", *ACTIVE]) | st.text(max_size=8)
outputs = st.fixed_dictionaries(
    {"output_type": st.sampled_from(["stream", "error", "display_data", "execute_result"]) | json_values},
    optional={
        "name": json_values,
        "text": json_values | st.text(alphabet=st.characters(), max_size=60),
        "data": st.dictionaries(mime, json_values | st.binary().map(lambda b: base64.b64encode(b).decode())),
        "ename": json_values,
        "evalue": json_values,
        "traceback": json_values,
        "metadata": json_values,
    },
)


@settings(max_examples=200, deadline=None)
@given(st.lists(outputs | json_values, max_size=8) | json_values)
def test_clean_outputs_of_anything_is_a_valid_plain_cell(raw):
    cleaned = clean_outputs(raw)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=cleaned)])
    nbformat.validate(notebook)
    text = nbformat.writes(notebook)
    text.encode("utf-8")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", "".join(json.loads(text).__repr__()))
    for output in cleaned:
        assert output.output_type in ("stream", "error", "display_data")
        assert set(output.get("data", {})) <= {"text/plain", "image/png", "image/jpeg"}
        assert output.get("metadata", {}) == {}


def test_clean_outputs_survives_a_fault_of_its_own(monkeypatch):
    monkeypatch.setattr(outputs_module.PictureBudget, "clean", lambda budget, data: 1 / 0)
    assert "cannot be shown" in texts(clean_outputs([display(image_png=picture()), stream("after")]))


def scans(count: int, side: int = 1900) -> bytes:
    """A progressive JPEG whose last scan is there `count` times: little to send, and a whole pass over it for each."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (9, 99, 200)).save(buffer, "JPEG", progressive=True)
    content = buffer.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * count + content[-2:]


def seconds_of(action) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start


def test_clean_picture_gives_up_on_one_that_takes_long_and_decodes_the_next():
    """Whatever it is that takes long. Reading it whole would take minutes."""
    slow = base64.b64encode(scans(8_000)).decode()
    assert len(slow) < MAX_ENCODED
    assert clean_picture(picture()) is not None
    assert seconds_of(lambda: clean_picture(slow)) < 5
    assert clean_picture(slow) is None
    assert clean_picture(picture()) is not None


def test_clean_picture_keeps_a_progressive_one():
    assert clean_picture(base64.b64encode(scans(0)).decode()) is not None


def test_pictures_of_a_submission_have_a_time_together():
    budget, slow = PictureBudget(), base64.b64encode(scans(8_000)).decode()
    assert seconds_of(lambda: [budget.clean(slow) for _ in range(50)]) < 2 * ALL_SECONDS
    assert budget.clean(picture()) is None


def test_pictures_do_not_pay_for_those_of_another_submission():
    """Neither for their time nor for the process that they ended."""
    slow, budget = base64.b64encode(scans(8_000)).decode(), PictureBudget(1.9)
    other = threading.Thread(target=lambda: clean_picture(slow))
    other.start()
    while not picture_process.DECODER._lock.locked():
        time.sleep(0.01)
    assert budget.clean(picture()) is not None
    other.join()
    process = picture_process.DECODER._process
    assert process is not None
    process.kill()
    process.wait()
    assert budget.clean(picture()) is not None


def test_picture_process_can_do_nothing_but_decode(tmp_path, monkeypatch):
    """What a picture that takes the decoder over could try."""
    escape = "from autograder.classroom import picture_process as p; import os, socket\n"
    escape += "def tried(content):\n    found = []\n"
    escape += f"    for act in (lambda: open('/etc/hostname'), lambda: open({str(tmp_path / 'x')!r}, 'w'), os.fork, "
    escape += "socket.socket, lambda: os.kill(os.getppid(), 0), lambda: bytearray(2**30)):\n"
    escape += "        try: act(); found.append(1)\n        except (OSError, MemoryError): found.append(0)\n"
    escape += "    return p.Pixels('RGB', (len(found), 1), bytes(found * 3))\n"
    escape += "p._rehearse(); p._rehearse = lambda: None  # what it sets up, it sets up with the real one\n"
    monkeypatch.setattr(
        picture_process, "START", f"import sys; sys.path[:] = {{paths!r}}\n{escape}p.decoded = tried; p.serve()"
    )
    process = PictureProcess()
    pixels, _ = process.decode(b"", 10)
    process.close()
    assert pixels is not None
    assert pixels.content == bytes(18)


TABS = "\x0b" * 10_000_000
PICTURE_OF_TABS = "A\x0b" * 3_900_000
HEAVY = {
    "vertical tabs printed": [stream(TABS) for _ in range(20)],
    "vertical tabs raised": [{"output_type": "error", "ename": TABS, "evalue": TABS, "traceback": [TABS] * 20}],
    "vertical tabs in pictures": [display(image_png=PICTURE_OF_TABS) for _ in range(25)],
    "vertical tabs in parts": [stream(list(TABS[:100_000])), display(image_png=list(PICTURE_OF_TABS[:100_000]))],
    "kinds": [display(**{f"application_{i}": "" for i in range(200_000)}) for _ in range(3)],
    "long kinds": [{"output_type": "display_data", "data": {TABS: ""}}] * 2_000,
    "nothing": [{}] * 2_000_000,
    "empty displays": [display(text_plain="")] * 2_000_000,
    "escapes": [display(text_plain="\x1b7" * 50_000)] * 2_000,
    "open escapes": [display(text_plain="\x1b[" + "0" * 100_000)] * 2_000,
}


@pytest.mark.parametrize("raw", HEAVY.values(), ids=HEAVY.keys())
def test_clean_outputs_of_a_flood_take_little_memory_and_time(raw):
    tracemalloc.start()
    seconds = seconds_of(lambda: clean_outputs(raw))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20
    assert seconds < 5


# ---------------------------------------------------------------------------------------------- Markdown


SCRIPTS = {
    "script": "<script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "svg": "<svg/onload=alert(1)>",
    "frame": "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "comment": "<!--><script>alert(1)</script>-->",
    "instruction": "<?x?><script>alert(1)</script>",
    "link": "[words](javascript:alert(1))",
    "link in brackets": "[words](<javascript:alert(1)>)",
    "link with entities": "[words](java&#x73;cript:alert(1))",
    "link with a tab": "[words](java\tscript:alert(1))",
    "data link": "[words](data:text/html;base64,PHNjcmlwdD4=)",
    "reference": "[words][a]\n\n[a]: javascript:alert(1)",
    "autolink": "<javascript:alert(1)>",
    "remote picture": "![words](https://evil.example/pixel.png)",
    "picture reference": "![words][a]\n\n[a]: https://evil.example/pixel.png",
    "title": '[words](https://x.example "a\\" onmouseover=alert(1)")',
    "TeX link": r"$\href{javascript:alert(1)}{words}$",
    "TeX class": r"$$\require{html}\style{x}{words}$$",
    "TeX name": r"$\csname href\endcsname{javascript:alert(1)}{words}$",
    "TeX definition": r"$\def\x{\href{javascript:alert(1)}{words}}\x$",
    "diagram": '```mermaid\ngraph TD\n  A-->B\n  click A "javascript:alert(1)"\n```',
    "missing attachment": "![words](attachment:nothing.png)",
    "unclosed": "<script src=//evil.example ",
    "nested": "[![words](x)](javascript:alert(1))",
    "quoted": "> <img src=x onerror=alert(1)>\n\n- <b onclick=alert(1)>words",
    "heading": "# <img src=x onerror=alert(1)>",
    "table": "|a|\n|-|\n|<img src=x onerror=alert(1)>|",
}
ACTS = re.compile(
    r"<(?:script|img|svg|iframe|b|object|embed|pre class=.mermaid)\b|\son\w+\s*=[^<]*>|href=.?(?!.?(?:https?://|#))"
    r"|\\(?:href|require|style|csname|def|class)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_neutral_markdown_renders_to_nothing_that_acts(text: str):
    html = markdown2html(safe_markdown(text))
    found = ACTS.search(re.sub(r'title="[^"]*"', "", html))
    assert not found, html
    if "words" in text:
        assert "words" in html


def test_neutral_markdown_would_act_without_it():
    """The pattern above sees what it is to see."""
    acting = [
        name for name, text in SCRIPTS.items() if name != "missing attachment" and ACTS.search(markdown2html(text))
    ]
    assert {"script", "image", "frame", "link", "remote picture", "TeX link", "diagram", "table"} <= {*acting}


def test_neutral_markdown_leaves_ordinary_answers_alone():
    text = (
        "# Why\n\nA **residual** keeps $x + \\frac{1}{\\sqrt{d}} \\sum_i h_i$ and `a[0] < b`, 3 < 4.\n\n"
        "- see [Keras](https://keras.io) and [above](#top)\n\n```python\nx = y[None]\n```\n"
    )
    assert safe_markdown(text) == text


def test_neutral_markdown_is_cut_and_quick_to_render():
    for text in ("[" * 100_000, "*a" * 50_000, "> " * 50_000, "`" * 100_000, "$" * 100_000, "\\begin{a}" * 10_000):
        assert markdown2html(safe_markdown(text))


def test_fill_markdown_keeps_attached_pictures_that_are_some():
    raw = {"a.png": {"image/png": picture()}, "b.png": {"image/png": "PHN2Zz4="}, "c.svg": {"image/svg+xml": "<svg/>"}}
    cell = nbformat.v4.new_markdown_cell()
    fill_markdown(
        cell, "![one](attachment:a.png) ![two](attachment:b.png) ![three](attachment:c.svg)", raw, PictureBudget()
    )
    assert set(cell.attachments) == {"a.png"}
    assert cell.source.startswith("![one](attachment:a.png)")
    assert "![two]" not in cell.source
    assert "![three]" not in cell.source
