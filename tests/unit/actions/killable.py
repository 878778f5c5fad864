"""Set the night's rules once a line comes on stdin: a process that a test kills in the middle."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pytest_ddd.actions.rule_sets import SetRules
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.rule_sets import RuleSet as Model
from pytest_ddd.connections import Connections
from pytest_ddd.probes.rule_sets import RuleSet
from tests.unit.actions.rule_site import ORIGIN, hand


def main() -> None:
    """Arguments: the root of the site, and the keys of the rule set as JSON."""
    root, keys = Path(sys.argv[1]), json.loads(sys.argv[2])
    connections = Connections({})
    declaration = Declaration(
        section="rule_sets", key="shop", model=Model.model_validate(keys), origins={(): ORIGIN}
    )
    shop = RuleSet(declaration, environment="prod", host="", connections=connections)
    connections.controller.run("true")
    print("ready", flush=True)
    sys.stdin.readline()
    done = hand(root, run_id="killed").carry_out(SetRules(shop))
    print("done" if not done.problems else done.problems, flush=True)
    connections.close()


if __name__ == "__main__":
    main()
