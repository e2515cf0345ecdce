"""The page in a real browser, where there is one: no error, the switch works, filter and sort work."""

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sample_facts

from steelyard.page import render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--enable-logging=stderr",
    "--virtual-time-budget=4000",
)
ACT = """
const said = {};
const shown = (el) => getComputedStyle(el).display !== "none";
const heading = document.querySelector("h1 .zh");
said.before = shown(heading);
document.querySelector("[data-to=zh]").click();
said.after = shown(heading);
said.title = document.title;
said.placeholder = document.getElementById("filter").placeholder;
const rows = () => Array.from(document.querySelectorAll("#worst tbody tr")).filter((r) => !r.hidden);
const filter = document.getElementById("filter");
filter.value = "macbook";
filter.dispatchEvent(new Event("input"));
said.filtered = rows().length;
filter.value = "";
filter.dispatchEvent(new Event("input"));
document.querySelector("th[data-sort=benefit] button").click();
said.benefit = rows().map((r) => Number(r.dataset.benefit));
document.getElementById("theme").click();
said.theme = document.documentElement.dataset.theme;
document.body.dataset.said = JSON.stringify(said);
"""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_switch_filter_sort_without_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[render.__module__]
    template = module.template

    def acting(name: str) -> str:
        return template(name) + (ACT if name == "page.js" else "")

    monkeypatch.setattr(module, "template", acting)
    page = tmp_path / "report.html"
    page.write_text(render(sample_facts.facts("keep_uniform")), encoding="utf-8")
    call = [str(CHROMIUM), *QUIET, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()]
    done = subprocess.run(call, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr
    said = json.loads(html.unescape(re.findall(r'data-said="([^"]*)"', done.stdout)[0]))
    assert (said["before"], said["after"]) == (False, True)
    assert said["title"] == "pairs.parquet · 杆秤报告"
    assert said["placeholder"].startswith("按文字")
    assert said["filtered"] == 10
    assert said["benefit"] == sorted(said["benefit"], reverse=True)
    assert said["theme"] in ("dark", "light")
