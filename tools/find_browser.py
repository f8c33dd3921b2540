"""Prints the path of a Chromium that works; ends with status 1 when there is none."""

import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> str | None:
    """A system browser first; else the one that Playwright downloaded."""
    for name in NAMES:
        path = shutil.which(name)
        if path and _works(path):
            return path
    downloads = sorted(Path("~/.cache/ms-playwright").expanduser().glob("chromium-*/chrome-linux*/chrome"))
    return next((str(path) for path in reversed(downloads) if _works(str(path))), None)


def _works(path: str) -> bool:
    """Ubuntu's `chromium-browser` may be a script that only asks for a snap."""
    try:
        done = subprocess.run([path, "--version"], check=False, capture_output=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and b"Chrom" in done.stdout


if __name__ == "__main__":
    found = find_browser()
    if found is None:
        sys.exit(1)
    print(found)  # noqa: T201 - its output is what it is for
