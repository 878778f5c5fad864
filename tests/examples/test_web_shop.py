"""The web shop of the examples on three lab hosts: healthy, each tier broken, healed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.examples.conftest import EXAMPLES, Example
from tests.lab import faults
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.net import answers, enter
from tests.lab.proc import Proc
from tests.lab.svc.postgres import Postgres
from tests.system.conftest import Run

pytestmark = pytest.mark.needs("lab", "postgresql")

APP = EXAMPLES / "web-shop" / "app"
PASSWORD = "reader-of-the-shop"  # of a database that lives as long as the test
DEADLINE_S = 60.0


@dataclass
class Shop:
    """The three tiers, and the site that looks at them."""

    site: Example
    database: Postgres
    web: LabHost
    app: LabHost
    db: LabHost
    process: Proc | None = None

    def start_app(self) -> None:
        """Start the application in the network of its host."""
        dsn = f"host={self.db.address} dbname=shop user=reader password={PASSWORD}"
        self.process = Proc(
            self.app.ledger,
            "shop",
            [sys.executable, str(APP / "shop.py")],
            env={"SHOP_DSN": dsn},
            prefix=enter(self.app.netns),
        )
        self.process.ready(lambda: answers(self.app.address, 8080, self.app.netns), DEADLINE_S)

    def stop_app(self) -> None:
        """Stop it."""
        assert self.process is not None
        self.process.stop()

    def look(self) -> Run:
        """Run both daily routines, as the README says."""
        return self.site.look("--host=prod", env={"SHOP_DB_PASSWORD": PASSWORD})

    def sql(self, *statements: str) -> None:
        """Change something in the database."""
        self.database.run(*statements, database="shop")


def _tier_of_data(shop: Shop) -> None:
    """Make the database and its dump of last night."""
    shop.database.database("shop")
    shop.sql((APP / "shop.sql").read_text())
    shop.sql(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'", "GRANT pg_read_all_data TO reader")
    dump = subprocess.run(
        ["pg_dump", "-h", shop.database.dir, "-U", "lab", "shop"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    shop.db.write("/srv/dumps/shop-today.sql", dump.stdout)
    shop.db.write("/srv/dumps/done", "exit 0\n")


def _tier_of_web(shop: Shop) -> None:
    shop.web.run(f"echo '{shop.app.address} app1' >>/etc/hosts", check=True)
    shop.web.write("/etc/nginx/conf.d/shop.conf", (APP / "nginx.conf").read_text())
    shop.web.run("systemctl restart nginx", check=True)


@pytest.fixture
def shop(lab: Lab, lab_hosts: dict[str, LabHost], tmp_path: Path) -> Iterator[Shop]:
    """The shop, open and healthy."""
    site = Example("web-shop", tmp_path / "web-shop")
    site.init()
    endpoints = site.root / "baselines/prod/endpoints.yaml"
    slow = endpoints.read_text().replace("{warn: 2s, crit: 8s}", "{warn: 8s, crit: 9s}")
    endpoints.write_text(slow)  # how fast this machine answers is not what is tested
    app = lab.up(["app1"])["app1"]
    web, db = lab_hosts["web1"], lab_hosts["db1"]
    site.lab = lab
    site.write("ssh_config", lab.ssh_config.read_text())
    site.write("ca.pem", lab.authority.cert.read_text())
    (site.root / "ssh_config").chmod(0o600)
    with Postgres(lab.ledger, host=db) as database:
        made = Shop(site=site, database=database, web=web, app=app, db=db)
        _tier_of_data(made)
        made.start_app()
        _tier_of_web(made)
        yield made
        made.stop_app()
        web.run("sed -i '/ app1$/d' /etc/hosts; rm -f /etc/nginx/conf.d/shop.conf")
        web.run("rm -f /var/log/nginx/shop-error.log; systemctl restart nginx", check=True)
        db.run("rm -rf /srv/dumps")
    lab.remove(app)


ENDPOINTS = (("endpoint:shop", "shop"), ("app1", "application"), ("db1", "database"))


def endpoints(run: Run) -> tuple[str, ...]:
    """Return the outcomes of the three looks, from the outside in."""
    return tuple(run.of(*one).outcome.value for one in ENDPOINTS)


@contextmanager
def bad_data(shop: Shop) -> Iterator[None]:
    """Three invoices are missing, and nobody ships."""
    shop.sql("DELETE FROM invoices WHERE order_id <= 3")
    shop.sql("INSERT INTO orders (cents) SELECT 1 FROM generate_series(1, 99)")
    yield
    shop.sql("DELETE FROM orders WHERE cents = 1")
    shop.sql("INSERT INTO invoices SELECT generate_series(1, 3)")


def test_each_tier_is_told_from_the_others(shop: Shop) -> None:
    """Green when open; which endpoints are red says which tier is at fault; green when healed."""
    healthy = shop.look()
    assert healthy.bad() == {}, healthy.text
    assert healthy.status == 0
    assert {one.scenario for one in healthy.results} == {
        "morning-health-check", "end-of-day-validation",
    }  # fmt: skip

    with faults.stop_service(shop.web, "nginx"), bad_data(shop):
        no_web = shop.look()
    assert endpoints(no_web) == ("RED", "GREEN", "GREEN"), no_web.text
    assert no_web.of("prod", "invoices").outcome.value == "YELLOW"
    assert no_web.of("prod", "orders-to-ship").outcome.value == "RED"
    assert "(baselines/prod/queues.yaml:" in no_web.of("prod", "orders-to-ship").reason

    shop.stop_app()
    no_app = shop.look()
    assert endpoints(no_app) == ("RED", "RED", "GREEN"), no_app.text
    shop.start_app()

    with shop.database.down():
        no_data = shop.look()
    assert endpoints(no_data) == ("RED", "RED", "RED"), no_data.text
    assert no_data.of("prod", "orders-to-ship").outcome.value == "UNKNOWN"

    healed = shop.look()
    assert healed.bad() == {}, healed.text
