"""Entries that do not fit their models."""

from tests.unit.baseline.malformed import case

_KEY = "'SHA256:" + "a" * 43 + "'"


def _waiver(
    checks: str = "morning-health-check/*",
    targets: str = "web1",
    key: str = _KEY,
    ends: str = "'2026-12-31T00:00:00Z'",
) -> str:
    return (
        f"waivers:\n  W-1:\n    checks: [{checks}]\n    targets: [{targets}]\n    reason: r\n    risk: r\n    compensating_control: c\n"
        f"    approver: {{principal: a, key: {key}}}\n    approved_at: '2026-11-01T00:00:00Z'\n    expires_at: {ends}\n"
    )


# One case a line reads better than a formatted one.
# fmt: off
MODELS = [
    case("unknown key", "thresholds", "thresholds:\n  cpu: {warn: 80%, crti: 90%}\n", 2, "thresholds.cpu.crti", "unknown key", "'crit'"),
    case("unknown nested key", "endpoints", "endpoints:\n  shop:\n    url: http://x\n    latency:\n      wran: 1s\n      crit: 2s\n", 5, "endpoints.shop.latency.wran", "'warn'"),
    case("trailing underscore", "backups", "backups:\n  db: {kind: files, files: /b/*, from_: host, applies_to: [web]}\n", 2, "from_", "unknown key", "'from'"),
    case("wrong type", "logs", "logs:\n  app:\n    path: /x\n    error: fatal\n", 4, "logs.app.error", "must be a list"),
    case("text for a mapping", "endpoints", "endpoints:\n  shop: https://shop.example\n", 2, "endpoints.shop", "must be a mapping"),
    case("list for a section", "endpoints", "endpoints:\n  - url: https://shop.example\n", 1, "endpoints", "must be a mapping"),
    case("bool for a number", "endpoints", "endpoints:\n  shop: {url: http://x, redirects: true}\n", 2, "redirects", "whole number", "true"),
    case("text for a bool", "logs", "logs:\n  app: {path: /x, error: [x], optional: perhaps}\n", 2, "optional", "true or false", "perhaps"),
    case("number for a text", "configuration", "configuration:\n  users:\n    app: {shell: 5}\n", 3, "configuration.users.app.shell", "must be a text", "5"),
    case("version without quotes", "configuration", "configuration:\n  packages:\n    nginx: {version: 1.10}\n", 3, "version in quotes", "1.10"),
    case("duration without unit", "endpoints", "endpoints:\n  shop:\n    url: http://x\n    deadline: 10\n", 4, "endpoints.shop.deadline", "needs a unit", "30s"),
    case("unknown duration unit", "endpoints", "endpoints:\n  shop:\n    url: http://x\n    deadline: 10min\n", 4, "not a duration", "15m", "10min"),
    case("size with a wrong unit", "logs", "logs:\n  app:\n    path: /x\n    error: [x]\n    max_bytes: 10 GigaBytes\n", 5, "not a size", "10GiB"),
    case("overflowing size", "logs", f"logs:\n  app:\n    path: /x\n    error: [x]\n    max_bytes: {'9' * 400}GiB\n", 5, "not a size"),
    case("percentage without sign", "thresholds", "thresholds:\n  disk:/var:\n    warn: 80\n", 3, "thresholds.disk:/var.warn", "needs a unit", "80%"),
    case("load with a percent sign", "thresholds", "thresholds:\n  load:\n    warn: 80%\n", 3, "load is a number", "1.5"),
    case("night without sign", "thresholds", "thresholds:\n  cpu:\n    warn: 80%\n    night:\n      warn: 90\n", 5, "thresholds.cpu.night.warn", "90%"),
    case("more than everything", "thresholds", "thresholds:\n  cpu: {crit: 800%}\n", 2, "never be reached", "800%"),
    case("unknown resource", "thresholds", "thresholds:\n  memroy: {warn: 80%}\n", 2, "no resource 'memroy'", "'memory'"),
    case("disk without slash", "thresholds", "thresholds:\n  disk:var: {warn: 80%}\n", 2, "no resource", "'disk:/var'"),
    case("no limit", "thresholds", "thresholds:\n  cpu: {description: x}\n", 2, "thresholds.cpu", "needs warn, crit or both"),
    case("limits the wrong way round", "thresholds", "thresholds:\n  cpu: {warn: 90%, crit: 80%}\n", 2, "never be seen"),
    case("missing url", "endpoints", "endpoints:\n  node: {status: 200}\n", 2, "endpoints.node", "needs 'url'"),
    case("ftp endpoint", "endpoints", "endpoints:\n  shop: {url: ftp://x}\n", 2, "not an endpoint", "https://"),
    case("impossible port", "endpoints", "endpoints:\n  shop: {url: 'http://x:99999/'}\n", 2, "not an endpoint"),
    case("impossible address", "endpoints", "endpoints:\n  shop: {url: 'http://[::1/'}\n", 2, "not an endpoint"),
    case("wrong choice", "backups", "backups:\n  db: {kind: restci}\n", 2, "backups.db.kind", "'restic'", "restci"),
    case("backup without place", "backups", "backups:\n  db: {kind: borg}\n", 2, "borg backup needs repository"),
    case("integrity of a command", "backups", "backups:\n  db: {kind: command, command: x, integrity: data}\n", 2, "integrity has no meaning for command"),
    case("tags of an archive", "backups", "backups:\n  db: {kind: borg, repository: /r, tags: [db]}\n", 2, "tags has no meaning for borg", "restic"),
    case("part of data nobody reads", "backups", "backups:\n  db: {kind: restic, repository: /r, password: {env: A}, data_subset: 5%}\n", 2, "integrity: data"),
    case("from host of nobody", "backups", "backups:\n  db: {kind: files, files: /b/*, from: host}\n", 2, "backups.db.from", "applies_to"),
    case("log without source", "logs", "logs:\n  app: {error: [x]}\n", 2, "exactly one of path and journal"),
    case("log with every line ignored", "logs", "logs:\n  app: {path: /x, error: [x], ignore: ['a*']}\n", 2, "ignores every line", "a*"),
    case("empty body", "endpoints", "endpoints:\n  shop: {url: http://x, body: ''}\n", 2, "endpoints.shop.body", "matches everything"),
    case("status of a mere connection", "endpoints", "endpoints:\n  db: {url: 'tcp://x:1', status: 200}\n", 2, "status has no meaning for tcp"),
    case("json of a mere connection", "endpoints", "endpoints:\n  db: {url: 'tcp://x:1', json: {a: 1}}\n", 2, "json has no meaning for tcp"),
    case("relative log", "logs", "logs:\n  app: {path: log/x, error: [x]}\n", 2, "logs.app.path", "whole path"),
    case("not an expression", "endpoints", "endpoints:\n  shop: {url: http://x, body: '['}\n", 2, "not a regular expression"),
    case("not a mode", "configuration", "configuration:\n  files:\n    /etc/x: {mode: rw-r--r--}\n", 3, "not a file mode", "0644"),
    case("relative file", "configuration", "configuration:\n  files:\n    etc/x: {}\n", 3, "configuration.files.etc/x", "whole path"),
    case("impossible socket", "configuration", "configuration:\n  listeners:\n    tcp:70000: {}\n", 3, "not a socket", "tcp:443"),
    case("bare IPv6 socket", "configuration", "configuration:\n  listeners:\n    'tcp:::1:25': {}\n", 3, "not a socket", "[::1]"),
    case("option as package", "configuration", "configuration:\n  packages:\n    --root: {}\n", 3, "dash"),
    case("unknown kind of configuration", "configuration", "configuration:\n  pakages: {}\n", 2, "configuration.pakages", "'packages'"),
    case("unlisted colour", "configuration", "configuration:\n  unlisted: {users: orange}\n", 2, "configuration.unlisted.users", "red, yellow", "orange"),
    case("unknown time zone", "environment", "environment:\n  timezone: Europe/Berln\n", 2, "environment.timezone", "IANA", "Berln"),
    case("time zone as a path", "environment", "environment:\n  timezone: ../../etc/passwd\n", 2, "unknown time zone"),
    case("night without length", "environment", "environment:\n  night: {start: '06:00', end: '06:00'}\n", 2, "environment.night", "length"),
    case("unknown scenario", "scenarios", "scenarios:\n  morning-helth-check: {}\n", 2, "no scenario", "'morning-health-check'"),
    case("not a window", "scenarios", "scenarios:\n  security-patch-tuesday: {window: Tuesday night}\n", 2, "not a window", "Tue 02:00-04:00"),
    case("unknown channel", "escalation", "escalation:\n  channels: {ops: {kind: syslog}}\n  rules:\n    red: {when: [RED], notify: [opps]}\n", 4, "escalation.rules.red.notify[0]", "'ops'"),
    case("green alarm", "escalation", "escalation:\n  channels: {ops: {kind: syslog}}\n  rules:\n    red:\n      when: [GREEN]\n      notify: [ops]\n", 5, "when[0]", "RED, YELLOW, UNKNOWN", "GREEN"),
    case("literal secret", "backups", "backups:\n  db: {kind: restic, repository: /r, password: hunter2secret}\n", 2, "backups.db.password", "literal secret", "{env: NAME}"),
    case("literal token in a header", "endpoints", "endpoints:\n  shop:\n    url: http://x\n    headers: {Authorization: Bearer hunter2secret}\n", 4, "headers.Authorization", "literal secret"),
    case("literal key in an environment", "backups", "backups:\n  db:\n    kind: restic\n    repository: s3:x\n    environment:\n      AWS_SECRET_ACCESS_KEY: hunter2secret\n", 6, "AWS_SECRET_ACCESS_KEY", "literal secret"),
    case("password in a URL", "endpoints", "endpoints:\n  shop: {url: 'https://ops:hunter2secret@shop.example'}\n", 2, "endpoints.shop.url", "password in a URL"),
    case("secret in two places", "backups", "backups:\n  db: {kind: restic, repository: /r, password: {env: A, file: /b}}\n", 2, "backups.db.password", "a secret is {env: NAME}"),
    case("waiver of no check", "waivers", _waiver(checks="backup"), 3, "waivers.W-1.checks[0]", "SCENARIO/CHECK"),
    case("waiver of an unknown scenario", "waivers", _waiver(checks="morning-helth-check/x"), 3, "no scenario", "'morning-health-check'"),
    case("waiver for nobody", "waivers", _waiver(targets="web9"), 4, "waivers.W-1.targets", "no host or group 'web9'"),
    case("approver without key", "waivers", _waiver(key="abc"), 8, "waivers.W-1.approver.key", "ssh-keygen -lf"),
    case("waiver without time zone", "waivers", _waiver(ends="'2026-12-31T00:00:00'"), 10, "waivers.W-1.expires_at", "not a moment in UTC"),
    case("waiver for ever", "waivers", _waiver(ends="'2046-12-31T00:00:00Z'"), 2, "waivers.W-1", "366 days at most"),
    case("waiver that never holds", "waivers", _waiver(ends="'2026-10-31T00:00:00Z'"), 2, "expires_at is not after approved_at"),
    case("waiver without approver", "waivers", "waivers:\n  W-1: {checks: [a/b], targets: [x]}\n".replace("a/b", "'*/b'").replace("x]", "web1]").replace("}", ", reason: r, risk: r, compensating_control: c, approved_at: '2026-11-01T00:00:00Z', expires_at: '2026-12-01T00:00:00Z'}"), 2, "waivers.W-1", "needs 'approver'"),
    case("unknown framework", "controls", "controls:\n  PCY: {}\n", 2, "controls.PCY", "'PCI'"),
    case("unknown control of a framework", "controls", "controls:\n  PCI:\n    out_of_scope: {10.4.2: none}\n".replace("10.4.2", "'10.4.2'"), 3, "controls.PCI.out_of_scope", "'10.4.1'"),
    case("unknown control of an entry", "logs", "logs:\n  app:\n    path: /x\n    error: [x]\n    controls: [PCI 10.4.2]\n", 5, "logs.app.controls", "'PCI 10.4.1'"),
    case("framework for some hosts", "controls", "controls:\n  PCI: {applies_to: [web1]}\n", 2, "applies_to has no meaning"),
]
