"""A probe of our own: how many days a certificate file is still good for."""

import shlex
from datetime import UTC, datetime

from pytest_ddd.errors import CannotLookError


def days_left(host, options):
    """Return the days until a certificate ends, and what openssl said."""
    path = str(options["path"])
    answer = host.run(f"openssl x509 -noout -enddate -in {shlex.quote(path)}")
    if answer.rc != 0:
        raise CannotLookError(f"{path}: {answer.stderr.strip()}", hint=f"ls -l {path}")
    said = answer.stdout.strip()
    end = datetime.strptime(said, "notAfter=%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    return round((end - datetime.now(UTC)).total_seconds() / 86400, 1), said


def pytest_ddd_register_probes(probes):
    """Let the baseline say `kind: certificate-file`."""
    probes["certificate-file"] = days_left
