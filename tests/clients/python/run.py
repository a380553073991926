"""Runs the official Python SDK, and requests as other clients write them, against an endpoint.

And asks jmespath.py, which needs none, whether `cvm call --query` is still compared with what it finds.
"""

import sys

import foreign
import life
import official
import queries
import refusals
import tools
import wire
from endpoint import Abandoned, Endpoint, Report


def main():
    endpoint = Endpoint()
    report = Report()
    queries.run(report)
    for client in official.clients(endpoint):
        whole(life.run, client, report)
        client.close()
    for client in (
        official.Blocking(endpoint),
        official.Async(endpoint, "HmacSHA256", "GET"),
    ):
        refusals.run(client, report)
        client.close()
    for client in (official.Generic(endpoint), official.Generic(endpoint, "HmacSHA1", "GET")):
        refusals.run(client, report, typed=False)
    for signature in official.SIGNATURES:
        for method in official.METHODS:
            tools.caller(official.Sts(endpoint, signature, method), report)
    for client in wire.clients(endpoint):
        foreign.run(client, report)
    for client in (
        wire.Tc3(endpoint, "Go POST"),
        wire.V1(endpoint, "Go HmacSHA256 GET", "HmacSHA256", method="GET"),
    ):
        for tool in (tools.builder, tools.provisioner, tools.inventory):
            whole(tool, client, report)
    return 1 if report.failed else 0


def whole(steps, client, report):
    """Runs steps that build on each other, up to the first that fails."""
    try:
        steps(client, report)
    except Abandoned:
        pass


if __name__ == "__main__":
    sys.exit(main())
