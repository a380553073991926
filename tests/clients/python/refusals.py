"""What the service refuses, from the list that all clients share."""

import json
import os

from endpoint import HOME

with open(os.path.join(os.path.dirname(__file__), "..", "refusals.json"), encoding="utf-8") as _file:
    CASES = json.load(_file)


def run(client, report, typed=True):
    """Sends every request of the list. A `typed` client cannot send those that its types do not let pass."""
    for case in CASES:
        if typed and case.get("untyped"):
            continue
        name = "refused: %s %s" % (case["action"], case["why"])
        with report.refused(client.name, name, case["code"]):
            client.call(case["action"], case["parameters"], case.get("region", HOME))
