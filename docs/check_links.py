"""Check the links inside of the built site: ``python docs/check_links.py docs/_build/html``.

Links to other sites are not followed, so that the check needs no network.
"""

from __future__ import annotations

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """Links and anchors of a page.

    Parameters
    ----------
    html : str
        Text of the page.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the targets of a tag, and the anchors that it defines."""
        for name, value in attrs:
            if value is None:
                continue
            if name in ("href", "src"):
                self.links.add(value)
            elif name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)


@cache
def read_page(path: Path) -> Page:
    """Read a page."""
    return Page(path.read_text(encoding="utf-8"))


def pages_of(site: Path) -> list[Path]:
    """Return the pages of a site, without the templates of the theme in ``_static``."""
    return [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]


def broken_links(site: Path) -> list[str]:
    """Return the links of all pages whose file or anchor is missing.

    Parameters
    ----------
    site : Path
        Folder of the built site.

    Returns
    -------
    broken : list of str
        A line for each broken link: the page, and the target of the link.
    """
    return [
        f"{path.relative_to(site).as_posix()}: {link}"
        for path in pages_of(site)
        for link in sorted(read_page(path).links)
        if not _is_valid(link, path, site)
    ]


def _is_valid(link: str, path: Path, site: Path) -> bool:
    """Check whether the target of a link of a page exists, if it is in the site."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(site) or not target.exists():
        return False
    if not parts.fragment or target.suffix != ".html":
        return True
    return unquote(parts.fragment) in read_page(target).anchors


def main(folder: str) -> int:
    """Print the broken links, and return 1 if there are any."""
    site = Path(folder).resolve()
    pages = pages_of(site)
    if not pages:
        print(f"There are no pages in {site}; build the site first.", file=sys.stderr)
        return 1
    broken = broken_links(site)
    print("\n".join([*broken, f"{len(pages)} pages, {len(broken)} broken links"]))
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
