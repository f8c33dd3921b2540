"""Gunicorn: workers that hear out many and work on one at a time (`shared.kit.clerk`), recycled, with a log that holds no secret.

Use it with `gunicorn --config python:shared.kit.gunicorn_conf wsgi:app`; any flag on the command line wins.
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

_TOKEN = re.compile(r"(?<=/l/)[^/]+|[A-Za-z0-9_-]{30,}")


class DiscreetLogger(Logger):  # type: ignore[misc]
    """Leaves out of the access log whatever could open a door: tokens in paths, query strings, referrers."""

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, Any]:
        """The facts of one request, without what must not be kept."""
        atoms: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        path = _TOKEN.sub("…", str(environ.get("RAW_URI") or environ.get("PATH_INFO") or "").partition("?")[0])
        return {**atoms, "U": path, "q": "", "f": "-", "r": f"{environ.get('REQUEST_METHOD')} {path}"}


wsgi_app = "wsgi:app"
worker_class = "shared.kit.clerk.Clerk"
workers = 2
timeout = 60
graceful_timeout = 20
max_requests = 5_000
max_requests_jitter = 500
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a heartbeat; a slow disk would stall it
control_socket_disable = True  # one per user, so that two copies would meet there
logger_class = DiscreetLogger
access_log_format = '%(t)s %(h)s "%(m)s %(U)s" %(s)s %(b)s %(M)s ms'
loglevel = "warning"
