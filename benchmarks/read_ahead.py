"""200 queues and 200 SQL pairs read at once: `python -m benchmarks.read_ahead` (starts servers)."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from pytest_ddd import clock
from pytest_ddd.probes import queues, sync
from pytest_ddd.probes.entry import AnyEntry
from tests.lab.bootstrap import provide
from tests.lab.reap import Ledger
from tests.lab.svc import postgres, rabbitmq
from tests.lab.svc.postgres import Postgres
from tests.lab.svc.rabbitmq import Rabbit
from tests.support.shipped import scope_of

COUNT = 200
WORKERS = 32
FACTOR, SPARE_S = 1.3, 1.0
ROUNDS = 3


def main() -> int:
    """Print wall times; 1 when 200 take longer than 1.3 times the slowest single one plus 1 s."""
    os.environ["SHOP_PASSWORD"], os.environ["MQ_PASSWORD"] = postgres.PASSWORD, rabbitmq.PASSWORD
    provide(["postgresql", "rabbitmq"])
    with ExitStack() as stack:
        ledger = Ledger.open()
        stack.callback(ledger.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(Postgres(ledger))
        broker = stack.enter_context(Rabbit(ledger))
        for number in range(COUNT):
            broker.declare(f"q{number}")
        broker.shows(f"q{COUNT - 1}", "messages", 0)
        return int(
            any([_case(folder, "queues", _queues(broker)), _case(folder, "sync", _pairs(server))])
        )


def _queues(broker: Rabbit) -> Sequence[str]:
    server = f"{{url: '{broker.url()}', user: {rabbitmq.USER}, password: {{env: MQ_PASSWORD}}}}"
    return [f"q{n}: {{rabbitmq: {server}, depth: {{crit: 9}}}}" for n in range(COUNT)]


def _pairs(server: Postgres) -> Sequence[str]:
    database = f"database: {{url: '{server.url()}', password: {{env: SHOP_PASSWORD}}}}"
    # One of twenty takes a tenth of a second on the server, on each side.
    queries = [f"SELECT {n}, pg_sleep({0 if n % 20 else 0.1})::text" for n in range(COUNT)]
    left = [f"{{{database}, query: '{query}'}}" for query in queries]
    right = [f"{{{database}, query: '{query} LIMIT 1'}}" for query in queries]
    return [
        f"p{n}: {{queries: {{left: {left[n]}, right: {right[n]}}}, difference: {{crit: 1}}}}"
        for n in range(COUNT)
    ]


def _case(folder: Path, section: str, lines: Sequence[str]) -> bool:
    """Return whether it took too long."""
    singles = [_read(folder, section, [line])[0] for line in lines[:2] for _ in range(ROUNDS)]
    slowest_s = max(singles)
    limit_s = FACTOR * slowest_s + SPARE_S
    walls = [_read(folder, section, lines) for _ in range(ROUNDS)]
    best_s = sorted(wall for wall, _cpu in walls)[ROUNDS // 2]
    cpu_s = sorted(cpu for _wall, cpu in walls)[ROUNDS // 2]
    print(
        f"{COUNT} {section}: {best_s:.2f} s wall, {cpu_s:.2f} s CPU; "
        f"slowest single one {slowest_s:.2f} s, limit {limit_s:.2f} s"
    )
    return best_s > limit_s


def _read(folder: Path, section: str, lines: Sequence[str]) -> tuple[float, float]:
    """Return wall and CPU seconds of reading all entries from a pool."""
    text = f"{section}:\n" + "".join(f"  {line}\n" for line in lines)
    modules = {"queues": queues, "sync": sync}
    started_at = clock.now() - timedelta(hours=1)  # waiting for RabbitMQ is not measured
    with scope_of(folder, text, started_at=started_at) as scope:
        found: Sequence[AnyEntry] = modules[section].entries(scope)
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda entry: entry.read(), found))
        return time.perf_counter() - began_s, time.process_time() - began_cpu_s


if __name__ == "__main__":
    sys.exit(main())
