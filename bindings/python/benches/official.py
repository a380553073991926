"""The official SDK in each of the ways that are measured: `python official.py MODE URL [ANSWER]`."""

import asyncio
import json
import sys
import time
from threading import Thread
from urllib.parse import urlsplit

from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.cvm.v20170312 import cvm_client, models
from timing import best

DESTINATIONS = ["ap-guangzhou", "ap-beijing", "ap-shenzhen"]


def settings(url):
    http = HttpProfile(protocol="http", endpoint=urlsplit(url).netloc, keepAlive=True)
    return Credential("AKIDbench", "not-a-real-key"), "ap-shanghai", ClientProfile(httpProfile=http)


def request():
    made = models.SyncImagesRequest()
    made.ImageIds = ["img-o3ycss2p"]
    made.DestinationRegions = DESTINATIONS
    return made


def once(url):
    """What a script does that makes one call."""
    answer = cvm_client.CvmClient(*settings(url)).SyncImages(request())
    assert len(answer.ImageSet) == 3


def serial(url, calls):
    client = cvm_client.CvmClient(*settings(url))
    client.SyncImages(request())
    start = time.perf_counter()
    for _ in range(calls):
        client.SyncImages(request())
    return calls / (time.perf_counter() - start)


def threads(url, calls, workers):
    # One client for all: each thread has a connection of its own in its pool.
    client = cvm_client.CvmClient(*settings(url))
    client.SyncImages(request())

    def work():
        for _ in range(calls // workers):
            client.SyncImages(request())

    running = [Thread(target=work) for _ in range(workers)]
    start = time.perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return calls / (time.perf_counter() - start)


async def tasks(url, calls, workers):
    from tencentcloud.cvm.v20170312 import cvm_client_async

    async with cvm_client_async.CvmClient(*settings(url)) as client:
        await client.SyncImages(request())

        async def work():
            for _ in range(calls // workers):
                await client.SyncImages(request())

        start = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(workers)))
        return calls / (time.perf_counter() - start)


def decode(text, rounds):
    """Seconds for one answer, from bytes to objects: what the client does with a body that has come."""

    def one():
        answer = models.DescribeImagesResponse()
        answer._deserialize(json.loads(text)["Response"])
        return answer

    assert len(one().ImageSet) == 100
    return best(one, rounds)


def main(mode, url, answer=None):
    if mode == "once":
        return once(url)
    if mode == "serial":
        print(serial(url, 1_000))
    elif mode == "threads":
        print(threads(url, 1_600, 8))
    elif mode == "tasks":
        print(asyncio.run(tasks(url, 960, 32)))
    elif mode == "decode":
        with open(answer, "rb") as file:
            print(decode(file.read(), 200))


if __name__ == "__main__":
    main(*sys.argv[1:])
