"""Other readers of JSON, each from bytes to dictionaries: `python readers.py MODE URL ANSWER`.

The modes are `json`, `orjson` and `msgspec`; the address is not used.
"""

import sys

from timing import best


def reader(mode):
    if mode == "orjson":
        from orjson import loads
    elif mode == "msgspec":
        from msgspec.json import decode as loads
    else:
        from json import loads
    return loads


def main(mode, _, answer):
    loads = reader(mode)
    with open(answer, "rb") as file:
        text = file.read()
    assert len(loads(text)["Response"]["ImageSet"]) == 100
    print(best(lambda: loads(text), 2_000))


if __name__ == "__main__":
    main(*sys.argv[1:])
