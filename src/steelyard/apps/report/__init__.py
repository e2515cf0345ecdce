"""The report of a run: one offline HTML page, and the same facts as Markdown for a pull request."""

from steelyard.apps.report.markdown import render_markdown
from steelyard.apps.report.render import render

__all__ = ["render", "render_markdown"]
