"""Files, layers, hosts and groups that do not fit together."""

from tests.unit.baseline.malformed import HOSTS, case, files

# One case a line reads better than a formatted one.
# fmt: off
FILES = [
    case("unknown top key", "thresholds", "threshold:\n  cpu: {warn: 80%}\nthresholds: {}\n", 1, "unknown key 'threshold'", "'thresholds'"),
    case("forgotten top key", "endpoints", "endpoints: {}\nshop: {url: http://x}\n", 2, "unknown key 'shop'", "`endpoints:`"),
    case("section in the wrong file", "logs", "logs: {}\nthresholds:\n  cpu: {warn: 80%}\n", 2, "wrong file", "baselines/prod/thresholds.yaml"),
    case("no section", "logs", "version: 1\n", 1, "'logs'", "left margin"),
    case("version of tomorrow", "logs", "version: 2\nlogs: {}\n", 1, "version", "version 1", "2"),
    case("extends in the wrong file", "logs", "extends: [prod2]\nlogs: {}\n", 1, "extends", "hosts.yaml"),
    case("unknown file", "treshold", "thresholds: {}\n", 1, "no section 'treshold'", "'thresholds'"),
    case("groups in a file of their own", "groups", "groups: {}\n", 1, "baselines/prod/hosts.yaml"),
    case("applies to a stranger", "thresholds", "thresholds:\n  cpu: {warn: 80%, applies_to: [web, wbe1]}\n", 2, "applies_to", "no host or group 'wbe1'", "did you mean"),
    case("applies to nobody", "thresholds", "thresholds:\n  cpu: {warn: 80%, applies_to: []}\n", 2, "names nobody"),
    case("removes nothing", "thresholds", "thresholds:\n  cpu: {warn: 80%}\n  disk: null\n", 3, "thresholds.disk", "removes nothing"),
    files("extends itself", "prod/hosts.yaml:1", ("extends", "circle", "prod (baselines/prod/hosts.yaml:1) -> prod"), prod__hosts="extends: [prod]\n" + HOSTS),
    files("extends in a circle", "b.yaml:2", ("extends", "circle", "a (baselines/a.yaml:1) -> b (baselines/b.yaml:2) -> a"), prod__hosts="extends: [a]\n" + HOSTS, a="extends: [b]\nlogs: {}\n", b="version: 1\nextends: [a]\nlogs: {}\n"),
    files("extends a stranger", "prod/hosts.yaml:1", ("no environment 'comon'", "'common'"), prod__hosts="extends: [comon]\n" + HOSTS, common="logs: {}\n"),
    files("extends a text", "prod/hosts.yaml:1", ("extends: [common]",), prod__hosts="extends: common\n" + HOSTS, common="logs: {}\n"),
    files("extends a path", "prod/hosts.yaml:1", ("no environment '../x'",), prod__hosts="extends: [../x]\n" + HOSTS),
    files("file and directory", "prod.yaml:1", ("baselines/prod/", "use one of the two"), prod=HOSTS, prod__logs="logs: {}\n"),
    files("section in two files", "prod/hosts.yaml:1", ("environment", "two files", "baselines/prod/environment.yaml:1"), prod__hosts="environment: {owner: me}\n" + HOSTS, prod__environment="environment: {owner: me}\n"),
    files("mistake in a base", "common.yaml:3", ("thresholds.cpu.warn", "80%"), prod__hosts="extends: [common]\n" + HOSTS, common="thresholds:\n  cpu:\n    warn: 80\n"),
    files("no connection", "prod.yaml:2", ("hosts.web1", "needs 'connection'"), prod="hosts:\n  web1: {groups: [web]}\n"),
    files("connection without kind", "prod.yaml:2", ("hosts.web1.connection", "ssh://10.0.0.1"), prod="hosts:\n  web1: {connection: 10.0.0.1}\n"),
    files("unknown connection", "prod.yaml:2", ("unknown kind", "ssh://"), prod="hosts:\n  web1: {connection: shh://10.0.0.1}\n"),
    files("option as address", "prod.yaml:2", ("dash",), prod="hosts:\n  web1: {connection: 'ssh://-oProxyCommand=x'}\n"),
    files("password in a hostspec", "prod.yaml:2", ("password in a URL",), prod="hosts:\n  web1: {connection: 'ssh://ops:hunter2secret@10.0.0.1'}\n"),
    files("host of no name", "prod.yaml:2", ("not a name",), prod="hosts:\n  'web,1': {connection: local://}\n"),
    files("host called all", "prod.yaml:2", ("every host",), prod="hosts:\n  all: {connection: local://}\n"),
    files("host and group of one name", "prod.yaml:4", ("groups.web", "host already", "prod.yaml:2"), prod="hosts:\n  web: {connection: local://}\ngroups:\n  web: {}\n"),
    files("undeclared group", "prod.yaml:2", ("hosts.web1.groups", "no group 'wbe'", "'web'"), prod="hosts:\n  web1: {connection: local://, groups: [wbe]}\ngroups: {web: {}}\n"),
    files("set of a stranger", "prod.yaml:4", ("hosts.web1.set.endpoints", "thresholds, logs, ", "configuration only"), prod="hosts:\n  web1:\n    connection: local://\n    set: {endpoints: {}}\n"),
    files("set of a text", "prod.yaml:4", ("hosts.web1.set", "must be a mapping"), prod="hosts:\n  web1:\n    connection: local://\n    set: x\n"),
    files("mistake in set", "prod.yaml:5", ("thresholds.cpu.crit", "90%"), prod="hosts:\n  web1:\n    connection: local://\n    set:\n      thresholds: {cpu: {crit: 90}}\n"),
    files("mistake in set of a group without hosts", "prod.yaml:4", ("thresholds.cpu.crit", "90%"), prod="hosts:\n  web1: {connection: local://}\ngroups:\n  db: {set: {thresholds: {cpu: {crit: 90}}}}\n"),
    files(
        "two groups disagree",
        "prod.yaml:7",
        ("thresholds.cpu.crit", "95%", "90%", "prod.yaml:6", "`set:` of the host"),
        prod="thresholds: {cpu: {warn: 50%}}\nhosts:\n"
        "  web1: {connection: local://, groups: [web, big]}\n  db1: {connection: local://}\ngroups:\n"
        "  big: {set: {thresholds: {cpu: {crit: 90%}}}}\n  web: {set: {thresholds: {cpu: {crit: 95%}}}}\n",
    ),
]
