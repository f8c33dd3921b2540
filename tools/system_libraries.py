"""Names the Debian packages of the system libraries that are missing, in one line; nothing when all are there.

WeasyPrint cannot work without Pango; harfbuzz-subset makes PDFs four times faster; without any font, text falls back on
what we bring. With the word `dev`, also what the driver of the browser tests needs.
"""

import ctypes
import sys
from itertools import chain
from pathlib import Path

LIBRARIES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}
FOR_BROWSER_TESTS = {"libatomic.so.1": "libatomic1"}
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("~/.local/share/fonts").expanduser())


def missing(purpose: str) -> list[str]:
    """The packages to install."""
    libraries = LIBRARIES | (FOR_BROWSER_TESTS if purpose == "dev" else {})
    packages = [package for library, package in libraries.items() if not _loads(library)]
    fonts = chain.from_iterable(folder.rglob("*.[to]tf") for folder in FONT_FOLDERS if folder.is_dir())
    return packages if next(fonts, None) else [*packages, "fonts-dejavu-core"]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


if __name__ == "__main__" and sys.platform == "linux":
    print(*missing(sys.argv[1] if len(sys.argv) > 1 else "run"))  # noqa: T201 - its output is what it is for
