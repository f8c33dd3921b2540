"""Templates compiled once a process: each test builds doors of its own, and compiling was a third of what they took."""

from __future__ import annotations

from jinja2 import Environment
from jinja2.bccache import Bucket, BytecodeCache


class Compiled(BytecodeCache):
    """Keeps the code of templates in memory, apart for each kind of environment, door and language.

    A template changed meanwhile is compiled anew: its checksum stands in the bucket.
    """

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def get_bucket(self, environment: Environment, name: str, filename: str | None, source: str) -> Bucket:
        door = getattr(getattr(environment, "app", None), "name", "")
        whose = f"{type(environment).__qualname__}|{door}|{getattr(environment, 'language', None)}|"
        return super().get_bucket(environment, whose + name, filename, source)

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()
