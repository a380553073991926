"""Starts a sync job as a Python program does, and prints its report as the command does.

One argument, an object in JSON: `blocking`, `images`, `to`, `options`.
"""

import asyncio
import json
import sys

import cvm


def plain(error):
    """An error as the command prints it."""
    names = ("kind", "code", "message", "request_id")
    return {name: getattr(error, name, None) for name in names}


async def run_async(images, to, options):
    async with cvm.AsyncClient() as client:
        return await client.sync(images, to=to, **options)


def run_blocking(images, to, options):
    with cvm.Client() as client:
        return client.sync(images, to=to, **options)


def main():
    what = json.loads(sys.argv[1])
    images, to, options = what["images"], what["to"], what["options"]
    try:
        if what["blocking"]:
            report = run_blocking(images, to, options)
        else:
            report = asyncio.run(run_async(images, to, options))
    except cvm.Error as error:
        print(json.dumps({"error": plain(error)}), file=sys.stderr)
        return 5 if error.code else 1
    except ValueError as error:
        print(json.dumps({"error": {"kind": "config", "message": str(error)}}), file=sys.stderr)
        return 2
    print(json.dumps(report.to_dict()))
    outcomes = {each.outcome for each in report.destinations}
    good = {"copied", "present", "skipped"}
    if not options["wait"]:
        good.add("started")
    if options["dry_run"]:
        good.add("planned")
    if outcomes <= good:
        return 0
    return 4 if outcomes <= {"copied", "present", "skipped", "timed_out"} else 3


sys.exit(main())
