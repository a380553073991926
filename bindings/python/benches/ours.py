"""`cvm` in each of the ways that are measured: `python ours.py MODE URL [ANSWER]`."""

import sys
import time

import cvm

DESTINATIONS = ["ap-guangzhou", "ap-beijing", "ap-shenzhen"]


def settings(url):
    return {
        "secret_id": "AKIDbench",
        "secret_key": "not-a-real-key",
        "region": "ap-shanghai",
        "endpoint": url,
        # The service's rates are far below what is measured here.
        "rate_limit": False,
    }


def once(url):
    """What a script does that makes one call."""
    client = cvm.Client(**settings(url))
    answer = client.sync_images(ImageIds=["img-o3ycss2p"], DestinationRegions=DESTINATIONS)
    assert len(answer["ImageSet"]) == 3


def serial(url, calls):
    client = cvm.Client(**settings(url))
    client.sync_images(ImageIds=["img-o3ycss2p"], DestinationRegions=DESTINATIONS)
    start = time.perf_counter()
    for _ in range(calls):
        client.sync_images(ImageIds=["img-o3ycss2p"], DestinationRegions=DESTINATIONS)
    return calls / (time.perf_counter() - start)


def threads(url, calls, workers):
    from threading import Thread

    client = cvm.Client(**settings(url))
    client.sync_images(ImageIds=["img-o3ycss2p"], DestinationRegions=DESTINATIONS)

    def work():
        for _ in range(calls // workers):
            client.sync_images(ImageIds=["img-o3ycss2p"], DestinationRegions=DESTINATIONS)

    running = [Thread(target=work) for _ in range(workers)]
    start = time.perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return calls / (time.perf_counter() - start)


async def tasks(url, calls, workers):
    import asyncio

    async with cvm.AsyncClient(**settings(url)) as client:
        await client.sync_images(ImageIds=["img-o3ycss2p"], DestinationRegions=DESTINATIONS)

        async def work():
            for _ in range(calls // workers):
                await client.sync_images(ImageIds=["img-o3ycss2p"], DestinationRegions=DESTINATIONS)

        start = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(workers)))
        return calls / (time.perf_counter() - start)


def decode(text, rounds):
    """Seconds for one answer, from bytes to dictionaries."""
    from cvm import proto
    from timing import best

    assert len(proto.decode(text)["ImageSet"]) == 100
    return best(lambda: proto.decode(text), rounds)


def main(mode, url, answer=None):
    if mode == "once":
        return once(url)
    if mode == "serial":
        print(serial(url, 6_000))
    elif mode == "threads":
        print(threads(url, 24_000, 8))
    elif mode == "tasks":
        import asyncio

        print(asyncio.run(tasks(url, 8_000, 32)))
    elif mode == "decode":
        with open(answer, "rb") as file:
            print(decode(file.read(), 2_000))


if __name__ == "__main__":
    main(*sys.argv[1:])
