"""`cvm.proto` with httpx as the transport: signatures, retries, limits and errors are the core's, the network is yours.

    python with_httpx.py img-o3ycss2p

Credentials and endpoint come from the environment (`TENCENTCLOUD_SECRET_ID`, ...), or of `cvm local`.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import httpx

from cvm import proto


def run(http: httpx.Client, machine: proto.Machine) -> Any:
    """Drives any machine to its end: a call, a list, a sync job."""
    while True:
        step = machine.poll()
        if isinstance(step, proto.Send):
            exchange(http, machine, step.request)
        elif isinstance(step, proto.WaitUntil):
            time.sleep(max(0.0, step.at - time.monotonic()))
        elif isinstance(step, proto.Progress):
            print(step.news, file=sys.stderr)
        else:
            return step.output


def exchange(http: httpx.Client, machine: proto.Machine, request: proto.Request) -> None:
    """One request, and what came of it. Only here is it known whether the service may have received it."""
    try:
        response = http.request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.body,
            timeout=request.timeout,
            follow_redirects=False,
        )
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        machine.fail("connect", sent=False, message=str(error))
    except httpx.TimeoutException as error:
        machine.fail("timeout", sent=True, message=str(error))
    except httpx.TransportError as error:
        machine.fail("interrupted", sent=True, message=str(error))
    else:
        machine.reply(response.status_code, response.content, response.headers)


def main(image_id: str) -> None:
    config = proto.Config("ap-shanghai")
    with httpx.Client() as http:
        answer = run(http, proto.Call(config, "DescribeImages", {"ImageIds": [image_id]}))
    for image in answer["ImageSet"]:
        print(image["ImageId"], image["ImageName"], image["ImageState"])


if __name__ == "__main__":
    main(*sys.argv[1:])
