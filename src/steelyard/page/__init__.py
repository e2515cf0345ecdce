"""The report of a run: one offline HTML page, and the same facts as Markdown for a pull request."""

from steelyard.page.markdown import render_markdown
from steelyard.page.render import render

__all__ = ["render", "render_markdown"]
