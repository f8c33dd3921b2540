"""Whatever a door answers, a refusal included, it speaks the reader's language."""

from __future__ import annotations

import re

import pytest
from flask import Flask

import wsgi
from tests.support.browser import Browser


@pytest.fixture
def portal(database, settings, frozen) -> Flask:
    wsgi.import_jobs()
    return wsgi.build_portal(settings)


def heading(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    assert found, page
    return found[1].strip()


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "Cette demande est illisible"), ("en", "This request cannot be read")]
)
def test_a_form_without_its_token_is_refused_in_the_readers_language(portal: Flask, language: str, said: str) -> None:
    client = portal.test_client()
    other = "en" if language == "fr" else "fr"

    by_browser = client.post("/new-link", data={"email": "x"}, headers={"Accept-Language": language})
    by_choice = client.post(f"/new-link?language={language}", data={"email": "x"}, headers={"Accept-Language": other})

    assert by_browser.status_code == by_choice.status_code == 400
    assert f'<html lang="{language}"' in by_browser.text
    assert f'<html lang="{language}"' in by_choice.text
    assert heading(by_browser.text) == heading(by_choice.text)
    assert said in by_browser.text or heading(by_browser.text)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_is_too_large_is_refused_in_the_readers_language(portal: Flask, language: str) -> None:
    answer = portal.test_client().post(
        "/new-link", data={"email": "x" * 17_000_000}, headers={"Accept-Language": language}
    )

    assert answer.status_code == 413
    assert f'<html lang="{language}"' in answer.text


def test_the_language_that_was_chosen_before_holds_for_refusals(portal: Flask) -> None:
    browser = Browser(portal, language="en")
    browser.open("/new-link?language=fr")

    answer = browser.client.post("/new-link", data={"email": "x"}, headers=browser.headers, base_url=browser.base_url)

    assert answer.status_code == 400
    assert '<html lang="fr"' in answer.text
