"""Draws `book/_static/card.png`, the picture that link previews show of the site: the UNet beside the course's title.

Run it by hand after a change of the UNet's picture or of the title: `.venv/bin/python tools/site_card.py`.
"""

import shutil
import sys
from html import escape
from pathlib import Path

import yaml
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 1200, 630  # pixels, what link previews expect
PAGE = """<!DOCTYPE html><html data-theme="light"><style>
body {{ margin: 0; width: {width}px; height: {height}px; display: grid; grid-template-columns: 1fr 560px; gap: 40px;
  align-items: center; box-sizing: border-box; padding: 0 40px 0 70px; background: #fff; color: #1f2937;
  font-family: system-ui, sans-serif; }}
h1 {{ font-size: 64px; font-weight: 600; line-height: 1.15; margin: 0; }}
svg {{ width: 100%; }}
</style><h1>{title}</h1>{picture}</html>"""


def main() -> None:
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    from unet_picture import unet_svg

    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        sys.exit("The card is drawn by chromium, which is not installed. Run, as root: apt-get install chromium")
    title = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["title"]
    page = PAGE.format(width=WIDTH, height=HEIGHT, title=escape(title), picture=unet_svg())
    target = ROOT / "book" / "_static" / "card.png"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        tab.set_content(page)
        tab.screenshot(path=target)
        browser.close()
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
