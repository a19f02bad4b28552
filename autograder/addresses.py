"""Where the site is and its chapters are: derived from the one line that says where the repository lives."""

import re
import unicodedata
from pathlib import Path

REPOSITORY = re.compile(r"https://github\.com/([^/]+)/([^/]+?)(\.git)?/?")
CHAPTERS = Path(__file__).parent / "questions" / "notebooks"  # a file an exercise; each has its chapter's name


def site_address(repository: str) -> str:
    """Where GitHub Pages serves a repository, with a slash at its end.

    Raises:
        ValueError: if it is no repository on GitHub.
    """
    found = REPOSITORY.fullmatch(repository)
    if not found:
        raise ValueError(f"`repository.url` must be https://github.com/OWNER/NAME. Received: {repository}")
    host, name = f"{found[1].lower()}.github.io", found[2]
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def chapter_path(number: int, section: str = "") -> str:
    """The path of a chapter on the site, of one of its sections if it is given; "" if there is no such chapter."""
    found = sorted(CHAPTERS.glob(f"{number:02d}-*.en.json"))
    if not found:
        return ""
    page = f"book/{found[0].name.removesuffix('.en.json')}.html"
    return f"{page}#{anchor(section)}" if section else page


def anchor(heading: str) -> str:
    """The id that Sphinx gives to a heading: letters and digits of ASCII, and a hyphen for what is between them."""
    plain = unicodedata.normalize("NFKD", heading.lower()).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-").lstrip("0123456789-")
