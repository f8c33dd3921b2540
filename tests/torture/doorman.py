"""The webhook door as a process of its own, to be killed and started again on the same port."""

from __future__ import annotations

import json
import sys
import time

from shared.kit.settings import get_settings
from tests.support.counter import Door
from tests.torture.zygote import enter


def main() -> None:
    enter(json.loads(sys.stdin.readline()))
    import payments
    from shared.web.app import build

    door = Door(port=int(sys.argv[1]))
    door.app = build("portal", get_settings(), cookie="guichet")
    payments.register(door.app, get_settings())
    door.open()
    sys.stdout.write(f"{door.port}\n")
    sys.stdout.flush()
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
