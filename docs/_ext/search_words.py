"""The search finds a name by its parts: `mul8s_1KVL` by 1KVL, `population_prediction` by population."""
from sphinx.search.en import SearchEnglish


class WordsAndParts(SearchEnglish):
    """English whose words may be names with underscores, which count whole and in parts."""

    def split(self, input):
        words = super().split(input)
        return words + [part for word in words if "_" in word for part in word.split("_") if part]


def setup(app):
    app.add_search_language(WordsAndParts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
