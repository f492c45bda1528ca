"""Pages that are derived from the code are as the code is, and pages refer to what exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_derived_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate_docs.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert "://" in target or (page.parent / target).exists(), target


def test_reasons_of_whole_calls_are_explained() -> None:
    """Each reason that the dispatch gives for a whole call stands on the page that its warning names."""
    text = (ROOT / "dlp" / "frontends" / "torch" / "dispatch.py").read_text()
    reasons = re.findall(r'return "([^"]+)"', text[text.index("def _reason_for_framework") :])
    page = (ROOT / "docs" / "fallbacks.md").read_text()
    assert len(reasons) >= 5
    assert [reason for reason in reasons if reason not in page] == []
    assert "docs/fallbacks.md" in text
