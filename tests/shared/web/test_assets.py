"""Styles and scripts: joined, named by content, compressed once, cached for ever."""

from __future__ import annotations

import gzip
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.web import assets
from shared.web.app import build


@pytest.fixture
def app(settings) -> Flask:
    return build("portal", settings, cookie="assets")


@pytest.fixture
def client(app) -> FlaskClient:
    return app.test_client()


def test_an_entry_is_one_file_with_bootstrap_in_the_lowest_layer(client):
    css = client.get(assets.shelf()["portal.css"].path).text
    layers = re.findall(r"@layer ([\w, ]+);", css)
    assert layers[0] == "bootstrap, tokens, base, layout, components, pages"
    assert re.findall(r"@layer (\w+)\{", css) == ["bootstrap", "tokens", "base", "layout", "components", "pages"]
    assert "Bootstrap" in css
    assert "@import" not in css
    assert "sourceMappingURL" not in css


def test_scripts_are_joined_each_in_a_block_of_its_own(client):
    script = client.get(assets.shelf()["backoffice.js"].path).text
    assert not re.search(r"^import ", script, re.MULTILINE)
    assert script.count("\n{\n") + script.startswith("{") >= 8


def test_the_true_fingerprint_is_cached_for_a_year_and_an_old_one_is_not(client):
    path = assets.shelf()["portal.css"].path
    assert client.get(path).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    old = client.get(re.sub(r"/assets/\w+/", "/assets/0123456789ab/", path))
    assert old.status_code == 200
    assert old.headers["Cache-Control"] == "no-cache"


def test_who_accepts_gzip_gets_the_same_bytes_in_less(client):
    path = assets.shelf()["portal.css"].path
    plain, small = client.get(path), client.get(path, headers={"Accept-Encoding": "gzip, br"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.data) == plain.data
    assert len(small.data) < len(plain.data) / 4
    assert small.headers["Vary"] == "Accept-Encoding"


def test_an_asset_does_not_depend_on_the_session(client):
    response = client.get(assets.shelf()["portal.js"].path, headers={"Cookie": "assets=x"})
    assert "Cookie" not in response.headers.get("Vary", "")
    assert "Set-Cookie" not in response.headers


def test_an_unchanged_asset_is_answered_with_304(client):
    first = client.get(assets.shelf()["portal.js"].path)
    again = client.get(assets.shelf()["portal.js"].path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["../wsgi.py", "tokens.css", "%2e%2e/%2e%2e/pyproject.toml", "nothing.css"])
def test_only_what_is_on_the_shelf_is_served(client, name):
    assert client.get(f"/assets/0123456789ab/{name}").status_code == 404


def test_a_companys_colours_are_served_and_anything_else_is_not_found(client):
    response = client.get("/brand.css?c=e8590c")
    assert response.content_type == "text/css; charset=utf-8"
    assert "--accent:#" in response.text
    assert client.get("/brand.css?c=red;}body{").status_code == 404
    assert client.get("/brand.css").status_code == 404


def test_addresses_stand_below_the_doors_own_root(app):
    with app.test_request_context("/", environ_overrides={"SCRIPT_NAME": "/backoffice"}):
        assert assets.asset_url("backoffice.css").startswith("/backoffice/assets/")
        assert assets.brand_url("#0B6B5D") == "/backoffice/brand.css?c=0b6b5d"
        assert assets.brand_url(None) == ""
        assert assets.brand_url("javascript:") == ""


def test_every_asset_has_its_guard(app):
    for endpoint in (route.endpoint for route in assets.ROUTES):
        assert app.view_functions[endpoint].guard.name == "anyone"


def test_an_import_of_nothing_is_a_fault_at_start(tmp_path):
    entry = tmp_path / "portal.css"
    entry.write_text('@import url("missing.css") layer(base);\n')
    with pytest.raises(FileNotFoundError, match=r"missing\.css"):
        assets.join_css(entry)
