"""HTML to PDF: nothing is fetched, everything is embedded, and what is too heavy is stopped."""

from __future__ import annotations

import http.server
import io
import subprocess
import sys
import threading
from pathlib import Path

import pikepdf
import pytest

from shared.kit import pdf

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c4944415408d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
SECRET = "the-content-of-a-file-of-the-server"


def page(body: str, head: str = "") -> str:
    return f"<!doctype html><html lang=fr><head><title>Essai</title>{head}</head><body>{body}</body></html>"


def rendered_or_refused(text: str) -> bytes:
    try:
        return pdf.render(text)
    except pdf.ForeignAssetError:
        return pdf.render(page("<p>refused</p>"))


def fonts_of(document: pikepdf.Pdf) -> list[pikepdf.Object]:
    return [
        found
        for found in document.objects
        if isinstance(found, pikepdf.Dictionary) and found.get("/Type") == "/FontDescriptor"
    ]


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text(SECRET)
    return path


@pytest.fixture
def eavesdropper():
    """A web server that remembers what it was asked."""
    asked: list[str] = []

    class Ear(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"body { color: red }")

        def log_message(self, *_arguments: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ear) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


PAYLOADS = [
    "<link rel=attachment href='{url}'>",
    "<a rel=attachment href='{url}'>x</a>",
    "<link rel=stylesheet href='{url}'>",
    "<style>@import url('{url}');</style>",
    "<style>@import '{url}';</style>",
    "<style>@font-face {{ font-family: x; src: url('{url}') }} body {{ font-family: x }}</style>",
    "<style>@font-face {{ font-family: x; src: local('DejaVu Sans') }} body {{ font-family: x }}</style>",
    "<style>@color-profile --x {{ src: url('{url}') }}</style>",
    "<style>body {{ background: url('{url}') }}</style>",
    "<style>p::before {{ content: url('{url}') }}</style><p>x</p>",
    "<style>li {{ list-style-image: url('{url}') }}</style><ul><li>x</ul>",
    "<style>p {{ border-image: url('{url}') 1 }}</style><p>x</p>",
    "<style>p {{ mask-image: url('{url}') }}</style><p>x</p>",
    "<img src='{url}'>",
    "<img srcset='{url} 2x'>",
    "<object data='{url}'></object>",
    "<embed src='{url}'>",
    "<iframe src='{url}'></iframe>",
    "<svg><image href='{url}' width=10 height=10 /></svg>",
    "<svg><use href='{url}#a' /></svg>",
    "<svg><style>@import url('{url}');</style><rect fill=\"url('{url}#g')\" width=9 height=9 /></svg>",
    "<base href='{url}/'><img src='x.png'>",
    "<meta http-equiv=refresh content='0; url={url}'>",
    "<script src='{url}'></script>",
    "<video src='{url}'></video><audio src='{url}'></audio><input type=image src='{url}'>",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_makes_a_request(eavesdropper, payload: str):
    address, asked = eavesdropper

    made = rendered_or_refused(page(payload.format(url=f"{address}/ask")))

    assert made.startswith(b"%PDF-")
    assert asked == []


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("form", ["file://{}", "FILE://{}", "file:{}", "{}", "data:text/html,<img src='file://{}'>"])
def test_no_payload_reads_a_file(secret_file: Path, payload: str, form: str):
    made = rendered_or_refused(page(payload.format(url=form.format(secret_file))))

    with pikepdf.open(io.BytesIO(made)) as document:
        assert len(document.attachments) == 0
        streams = [found.read_bytes() for found in document.objects if isinstance(found, pikepdf.Stream)]
    assert not any(SECRET.encode() in content for content in streams)


def test_an_asset_is_shown_by_its_name_and_others_are_not():
    shown = pdf.render(page("<img src='asset:logo'>"), assets={"logo": PIXEL})
    hidden = pdf.render(page("<img src='asset:../logo'><img src='asset:other'>"), assets={"logo": PIXEL})

    assert b"/Image" in shown
    assert b"/Image" not in hidden


def test_every_font_is_embedded_also_for_letters_that_ours_lacks():
    made = pdf.render(
        page("<p>Été « œuvre » <b>gras</b> <i>penché</i> 1 234,50 € Ω Ж → ✓ ● ‑ ﷽</p>"),
        variant="pdf/a-3b",
        may_miss_signs=True,
    )

    with pikepdf.open(io.BytesIO(made)) as document:
        fonts = fonts_of(document)
        assert fonts
        assert all("/FontFile2" in font or "/FontFile3" in font for font in fonts)


def test_the_same_page_gives_the_same_bytes():
    text = page("<h1>Facture</h1><p>1 234,50 €</p>")

    assert pdf.render(text, variant="pdf/a-3b") == pdf.render(text, variant="pdf/a-3b")


def test_language_title_and_tags_are_those_of_the_page():
    with pikepdf.open(io.BytesIO(pdf.render(page("<h1>Bonjour</h1>")))) as document:
        assert document.Root.Lang == "fr"
        assert document.docinfo["/Title"] == "Essai"
        assert document.Root.MarkInfo.Marked
        assert "/StructTreeRoot" in document.Root


def test_a_hyphen_that_fonts_lack_costs_nothing():
    made = pdf.render(page("<p>" + "non\u2011sécable " * 2000 + "</p>"))

    assert made.startswith(b"%PDF-")


def test_a_hostile_cell_of_a_fixed_table_does_not_cost_minutes():
    text = "株式会社" * 500 + "a\u200b" * 1000 + "😀" * 500
    started = threading.Event()
    done: list[bytes] = []

    def make() -> None:
        started.set()
        cells = f"<td>{text}</td><td>1</td>"
        done.append(pdf.render(page(f"<table><tr>{cells}</tr></table>"), may_miss_signs=True))

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    started.wait()
    thread.join(timeout=30)

    assert done
    assert done[0].startswith(b"%PDF-")


def test_a_large_page_is_made_in_a_child_process_with_its_assets():
    rows = "".join(f"<tr><td>Ligne {number} {'x' * 200}</td></tr>" for number in range(700))
    text = page(f"<img src='asset:logo'><table>{rows}</table>")
    assert len(text) > pdf.LIGHT_HTML

    made = pdf.render(text, variant="pdf/a-3b", assets={"logo": PIXEL})

    with pikepdf.open(io.BytesIO(made)) as document:
        assert len(document.pages) > 10
    assert b"/Image" in made


def test_a_child_that_takes_too_long_is_ended():
    with pytest.raises(pdf.PaperTooHeavyError) as refused:
        pdf.render(page("<p>x</p>" * 30_000), within_s=0.05)
    assert "more than" in refused.value.facts["why"]


def test_what_no_limit_allows_is_refused_at_once():
    with pytest.raises(pdf.PaperTooHeavyError) as refused:
        pdf.render("x" * (pdf.LARGEST_HTML + 1))
    assert "characters" in refused.value.facts["why"]


def test_a_page_that_is_too_deep_is_refused():
    with pytest.raises(pdf.PaperTooHeavyError) as refused:
        pdf.render(page("<div>" * 2000))
    assert "too deep" in refused.value.facts["why"]


def test_the_child_refuses_the_network():
    program = (
        "import sys, socket; from shared.kit import pdf; sys.addaudithook(pdf._refuse_network)\n"
        "try:\n    socket.create_connection(('127.0.0.1', 9))\n"
        "except PermissionError as error:\n    print(error)"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=pdf.ROOT, capture_output=True, text=True, check=True)

    assert "paper does not need socket" in done.stdout


def test_a_machine_without_fonts_prints_with_our_own(tmp_path: Path):
    empty = tmp_path / "fonts.conf"
    empty.write_text(
        f"<?xml version='1.0'?><fontconfig><dir>{tmp_path}</dir><cachedir>{tmp_path}</cachedir></fontconfig>"
    )
    program = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "from shared.kit import pdf; import sys\n"
        "if sys.argv[1] == 'none': pdf._font_files = dict\n"
        "made = pdf.render('<html lang=fr><title>x</title><p>Bonjour</p>')\n"
        "print(len(made))"
    )

    def run(which: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, which],
            cwd=pdf.ROOT,
            env={"FONTCONFIG_FILE": str(empty), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )

    with_ours, without = run("ours"), run("none")

    assert int(with_ours.stdout) > 2000
    assert "fonts-dejavu-core" in without.stderr


def test_a_stylesheet_is_one_of_ours():
    with pytest.raises(ValueError, match="not a stylesheet of ours"):
        pdf.render(page("x"), stylesheets=("../../secret",))
