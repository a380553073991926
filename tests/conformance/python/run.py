"""Runs the official Python SDK, and requests as other clients write them, against an endpoint."""

import sys

import foreign
import life
import official
import refusals
import wire
from endpoint import Abandoned, Endpoint, Report


def main():
    endpoint = Endpoint()
    report = Report()
    for client in official.clients(endpoint):
        try:
            life.run(client, report)
        except Abandoned:
            pass
        client.close()
    for client in (
        official.Blocking(endpoint),
        official.Async(endpoint, "HmacSHA256", "GET"),
    ):
        refusals.run(client, report)
        client.close()
    for client in (official.Generic(endpoint), official.Generic(endpoint, "HmacSHA1", "GET")):
        refusals.run(client, report, typed=False)
    for client in wire.clients(endpoint):
        foreign.run(client, report)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
