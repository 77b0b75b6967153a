"""Links, anchors and the search of a built site: python -m tests.tools.site_check site

Every local link leads to a page that is there, every anchor to an id on it, every picture is there; and the search
knows the words that a reader types.
"""
import html.parser
import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

# stems, as in the index -> a page that has the word
WORDS = {"wmed": "glossary", "zero": "lessons/lesson_04_codes", "point": "lessons/lesson_04_codes",
         "1kvl": "lessons/lesson_05_one_neuron", "mul8s_1kvl": "lessons/lesson_05_one_neuron", "drum": "multipliers",
         "population_predict": "api/refapprox.error_stats.population_prediction"}


class Page(html.parser.HTMLParser):
    """Ids and targets of one page."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.targets = set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        self.targets |= {attributes[key] for key in ("href", "src") if attributes.get(key)}


def broken_links(site):
    """(page, target) of every local link that leads nowhere."""
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            goal = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            goal = goal / "index.html" if goal.is_dir() else goal
            # a listing of source links back to the name where it is defined, which is documented where it is offered
            checked = parts.fragment and goal in pages and "_modules" not in path.parts
            missing_anchor = checked and unquote(parts.fragment) not in pages[goal].ids
            if not goal.exists() or missing_anchor:
                yield path.relative_to(site.resolve()), target


def missing_words(site):
    """Those of `WORDS` for which the search does not find their page."""
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    found = json.loads(re.fullmatch(r"Search\.setIndex\((.*)\)", index, re.DOTALL)[1])
    for word, page in WORDS.items():
        numbers = [found[kind].get(word, []) for kind in ("terms", "titleterms")]      # one page is no list
        pages = {found["docnames"][n] for some in numbers for n in (some if isinstance(some, list) else [some])}
        if page not in pages:
            yield word


def main():
    site = Path(sys.argv[1])
    broken, missing = sorted(broken_links(site)), list(missing_words(site))
    for page, target in broken:
        print(f"{page}: {target} leads nowhere")
    for word in missing:
        print(f"the search does not know {word}")
    print(f"{len(list(site.rglob('*.html')))} pages, {len(broken)} broken links")
    return 1 if broken or missing else 0


if __name__ == "__main__":
    sys.exit(main())
