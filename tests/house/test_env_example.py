"""The file that newcomers copy says everything, and nothing that is not so."""

import re
from pathlib import Path

from shared.kit.settings import PREFIX, Settings

SAID = Path(__file__).resolve().parents[2] / ".env.example"


def test_every_setting_is_in_the_example_and_nothing_else():
    named = set(re.findall(rf"^#?({PREFIX}\w+)=", SAID.read_text(encoding="utf-8"), re.MULTILINE))

    assert named == {f"{PREFIX}{name}".upper() for name in Settings.model_fields}


def test_a_commented_value_is_the_default():
    said = dict(re.findall(rf"^#{PREFIX}(\w+)=(.+)$", SAID.read_text(encoding="utf-8"), re.MULTILINE))

    for name in ("MODE", "PUBLIC_URL", "VAR_DIR", "PROXY_HOPS", "LOG_LEVEL", "MAIL_SENDER"):
        assert said[name] == str(Settings.model_fields[name.lower()].default)
