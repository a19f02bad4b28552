"""The UNet's map: the picture of unet_picture.py with a link on each block, and what there is to say of each.

`map_html` makes it for live_unet.py, of the facts of live_blocks.py and the texts of `map.LANGUAGE.json`. Without a
script the links lead to the blocks' entries below the picture; with one (`book/live/unet_map.js`) the chosen entry
stands beside it. page_links.py fills in where the chapters are.
"""

import re
from html import escape

from unet_picture import HEIGHT, WIDTH, unet_places, unet_svg

from colab import colab_url


def map_html(texts, blocks, config):
    """The picture with its links, the slider, and the entries.

    Args:
        texts: of `map.LANGUAGE.json`.
        blocks: of `live_blocks.block_facts`.
        config: Sphinx's, which knows the repository.
    """
    total = sum(block["sd2"]["parameters"] for block in blocks)
    links = "".join(_link(texts, block, place) for block, place in _placed(blocks))
    entries = "".join(_entry(texts, block, total, config) for block in blocks)
    stations = sum(_is_station(block) for block in blocks)
    slider = (
        f'<div class="map-follow" hidden><label for="map-station">{texts["slider"]}</label>'
        f'<input id="map-station" type="range" min="1" max="{stations}" value="1"/>'
        '<div class="map-size"><span class="map-square"></span><output for="map-station"></output></div></div>'
    )
    return (
        f'<div class="map"><div class="map-picture">{unet_svg("none")}'
        f'<div class="map-links" role="group" aria-label="{texts["blocks"]}">{links}</div></div>'
        f'<p class="map-keys" hidden>{texts["keys"]}</p>{slider}'
        f'<div class="map-entries">{entries}</div></div>'
    )


def _placed(blocks):
    """The blocks with their places in the picture, which must be the same ones."""
    places = unet_places()
    if {block["name"] for block in blocks} != set(places):
        raise ValueError(f"The picture and the reference must have the same blocks. Received: {sorted(places)}")
    return [(block, places[block["name"]]) for block in blocks]


def title_of(texts, block):
    """`ResBlock 1 (way down, 64×64)`."""
    name, kind = block["name"], block["kind"]
    flow = re.match(r"(down|middle|up)", name)
    place = flow[1] if flow else "skips" if kind == "skips" else "side" if kind in ("time", "text") else None
    number = re.search(r"(?:res|transformer)(\d)$", name)
    title = texts["kinds"][kind]["title"] + (f" {int(number[1]) + 1}" if number else "")
    if place is None:
        return title
    side = (block["sd2"]["inputs"] or [["", [0]]])[0][1][0]
    where = texts["place"][place].format(side=side)
    return f"{title} ({where})"


def _is_station(block):
    """Whether the latent comes through it on its way."""
    return block["kind"] not in ("time", "text", "skips")


def _link(texts, block, place):
    (x, y, width, height), title = place, escape(title_of(texts, block))
    box = (100 * x / WIDTH, 100 * y / HEIGHT, 100 * width / WIDTH, 100 * height / HEIGHT)
    style = ";".join(f"{name}:{part:.2f}%" for name, part in zip(("left", "top", "width", "height"), box, strict=True))
    return f'<a href="#block-{block["name"]}" data-block="{block["name"]}" style="{style}" aria-label="{title}"></a>'


def _numbers(shape):
    return "×".join(f"{size:,}" for size in shape)


def _entry(texts, block, total, config):
    """What is said of a block."""
    kind, name, title = texts["kinds"][block["kind"]], block["name"], title_of(texts, block)
    rows = [
        (texts["inputs"][what], _numbers(shape), _numbers(small))
        for (what, shape), (_, small) in zip(block["sd2"]["inputs"], block["small"]["inputs"], strict=True)
    ]
    share = texts["share"].format(share=f"{block['sd2']['parameters'] / total:.1%}")
    counts = [f"{block[size]['parameters']:,}" for size in ("sd2", "small")]
    counts[0] += f" <small>{share}</small>" if block["sd2"]["parameters"] else ""
    rows += [(texts["output"], *(_numbers(block[size]["output"]) for size in ("sd2", "small")))]
    rows += [(texts["parameters"], *counts)]
    body = "".join(f'<tr><th scope="row">{what}</th><td>{full}</td><td>{small}</td></tr>' for what, full, small in rows)
    caption = escape(texts["caption"].format(title=title))
    return (
        f'<section class="map-entry" id="block-{name}" data-block="{name}" data-title="{escape(title)}" '
        f'data-tap="{block["tap"]}" data-part="{block["part"] or ""}" data-station="{int(_is_station(block))}" '
        f'data-side="{block["sd2"]["output"][0]}" data-channels="{block["sd2"]["output"][-1]}">'
        f'<h3>{escape(title)}</h3><p>{kind["about"]}</p><table aria-label="{caption}"><thead><tr><td></td>'
        f'<th scope="col">{texts["measure"]}</th><th scope="col">{texts["measure_small"]}</th></tr></thead>'
        f"<tbody>{body}</tbody></table><p>{_reading(texts, kind['chapters'], config)}</p>"
        f'<p class="map-off">{texts["off"] if block["part"] else texts["cannot"]}: {kind["off"]}</p></section>'
    )


def _reading(texts, chapters, config):
    pages = ", ".join(f'<a href="PAGE/{name}">TITLE/{name}</a>' for name in chapters)
    exercises = ", ".join(
        f'<a href="{colab_url(config, name)}">{texts["exercise"].format(exercise=name)}</a>' for name in chapters
    )
    return f"{texts['read']} {pages}. {texts['write']} {exercises}."
