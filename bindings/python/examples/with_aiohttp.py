"""`cvm.proto` with aiohttp as the transport: many calls at once, each a machine of its own.

    python with_aiohttp.py img-o3ycss2p img-7kq2v9ta

Credentials and endpoint come from the environment (`TENCENTCLOUD_SECRET_ID`, ...), or of `cvm local`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import aiohttp
from yarl import URL

from cvm import proto


async def run(http: aiohttp.ClientSession, machine: proto.Machine) -> Any:
    """Drives any machine to its end: a call, a list, a sync job."""
    while True:
        step = machine.poll()
        if isinstance(step, proto.Send):
            await exchange(http, machine, step.request)
        elif isinstance(step, proto.WaitUntil):
            await asyncio.sleep(max(0.0, step.at - time.monotonic()))
        elif isinstance(step, proto.Progress):
            print(step.news, file=sys.stderr)
        else:
            return step.output


async def exchange(http: aiohttp.ClientSession, machine: proto.Machine, request: proto.Request) -> None:
    """One request, and what came of it. Only here is it known whether the service may have received it."""
    try:
        async with http.request(
            request.method,
            # What is signed is what is sent: nothing may be written in another way.
            URL(request.url, encoded=True),
            headers=request.headers,
            data=request.body,
            timeout=aiohttp.ClientTimeout(total=request.timeout),
            allow_redirects=False,
        ) as response:
            machine.reply(response.status, await response.read(), response.headers)
    except aiohttp.ClientConnectorError as error:
        machine.fail("connect", sent=False, message=str(error))
    except asyncio.TimeoutError as error:
        machine.fail("timeout", sent=True, message=str(error))
    except aiohttp.ClientError as error:
        machine.fail("interrupted", sent=True, message=str(error))


async def main(*image_ids: str) -> None:
    config = proto.Config("ap-shanghai")
    async with aiohttp.ClientSession() as http:
        calls = [proto.Call(config, "DescribeImages", {"ImageIds": [image_id]}) for image_id in image_ids]
        for answer in await asyncio.gather(*(run(http, call) for call in calls)):
            for image in answer["ImageSet"]:
                print(image["ImageId"], image["ImageName"], image["ImageState"])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
