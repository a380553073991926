"""Runs `cvm` and the official SDK in turn, and prints a table of both with their ratios.

    python bench.py --server BARE_SERVER --ours PYTHON --official PYTHON [--rounds N]

Each side is the interpreter of an environment in which that package is installed, and nothing else.
Every measurement is a process of its own. Rounds of the two sides alternate, so that whatever else
the machine does meets both; a figure is the median of its rounds.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).parent
OFFICIAL = "tencentcloud-sdk-python-cvm"

SYNC = {
    "ImageSet": [
        {"ImageId": "img-pi0ii46r", "Region": "ap-guangzhou"},
        {"ImageId": "img-evhmqsbi", "Region": "ap-beijing"},
        {"ImageId": "img-3kq1nsr9", "Region": "ap-shenzhen"},
    ],
    "RequestId": "71e69b56-32be-4412-ab45-49eded6a87be",
}


def images():
    """An answer with 100 images, as the core's own benchmark has it."""
    return {
        "TotalCount": 100,
        "ImageSet": [image(number) for number in range(100)],
        "RequestId": "71e69b56-32be-4412-ab45-49eded6a87be",
    }


def image(number):
    return {
        "ImageId": f"img-{number:08x}",
        "OsName": "TencentOS Server 3.1 (TK4) UEFI Edition",
        "ImageType": "PRIVATE_IMAGE",
        "CreatedTime": "2019-02-25T16:44:25Z",
        "ImageName": f"nightly-build-{number:05}",
        "ImageDescription": "Base image of the web tier, with the monitoring agent and the "
        "company's certificates",
        "ImageSize": 50,
        "Architecture": "x86_64",
        "ImageState": "NORMAL",
        "Platform": "TencentOS",
        "ImageCreator": "100000000001",
        "ImageSource": "CREATE_IMAGE",
        "SyncPercent": None,
        "IsSupportCloudinit": True,
        "SnapshotSet": [
            {"SnapshotId": f"snap-{number:08x}", "DiskUsage": "SYSTEM_DISK", "DiskSize": 50},
            {"SnapshotId": f"snap-{number:07x}d", "DiskUsage": "DATA_DISK", "DiskSize": 200},
        ],
        "Tags": [{"Key": "team", "Value": "web"}, {"Key": "stage", "Value": "production"}],
        "LicenseType": "TencentCloud",
        "ImageFamily": "web-tier",
        "ImageDeprecated": False,
    }


def compact(answer):
    return json.dumps({"Response": answer}, separators=(",", ":"))


class Side:
    """A package in its environment."""

    def __init__(self, name, package, python, url, answer):
        self.package = package
        self.program = [python, str(HERE / name), "MODE", url, answer]

    def command(self, mode):
        return [mode if word == "MODE" else word for word in self.program]

    def measure(self, mode):
        """What the program itself measures."""
        return float(subprocess.run(self.command(mode), stdout=subprocess.PIPE, check=True).stdout)

    def once(self):
        """Seconds and the peak of memory in MB of a script that makes one call."""
        command = self.command("once")
        start = time.perf_counter()
        process = os.spawnv(os.P_NOWAIT, command[0], command)
        _, status, usage = os.wait4(process, 0)
        seconds = time.perf_counter() - start
        if status:
            raise SystemExit(f"{' '.join(command)} failed")
        return seconds, usage.ru_maxrss / 1024

    def installed(self):
        """MB on the disk of the package with all that it needs, compiled files included."""
        command = [self.program[0], str(HERE / "installed.py"), self.package]
        return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def compare(ours, official, rounds, measure):
    """The medians of both, each measured in its turn."""
    measure(ours), measure(official)
    figures = ([], [])
    for turn in range(rounds):
        sides = [(ours, figures[0]), (official, figures[1])]
        for side, into in sides if turn % 2 else reversed(sides):
            into.append(measure(side))
    return [statistics.median(values) for values in figures]


def row(name, unit, ours, official, more_is_better):
    ratio = ours / official if more_is_better else official / ours
    print(f"| {name} | {show(ours)} {unit} | {show(official)} {unit} | {ratio:.1f} |", flush=True)


def show(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def main():
    # Compiled files are part of what is installed, whatever this machine thinks of them.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--official", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        short, long = pathlib.Path(scratch, "sync.json"), pathlib.Path(scratch, "images.json")
        short.write_text(compact(SYNC))
        long.write_text(compact(images()))
        server = subprocess.Popen(
            [options.server, str(short)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            url = server.stdout.readline().strip()
            run(
                Side("ours.py", "cvm-sdk", options.ours, url, str(long)),
                Side("official.py", OFFICIAL, options.official, url, str(long)),
                options.rounds,
            )
        finally:
            server.stdin.close()
            server.wait()


def run(ours, official, rounds):
    print("| | cvm-sdk | official | times better |")
    print("|---|---|---|---|")

    def once(side):
        return side.once()[0] * 1000

    row("a script that makes one call", "ms", *compare(ours, official, 3 * rounds, once), False)
    for mode, name in [
        ("serial", "calls a second, one after the other"),
        ("threads", "calls a second, 8 threads"),
        ("tasks", "calls a second, asyncio with 32 tasks"),
    ]:
        row(name, "/s", *compare(ours, official, rounds, lambda side: side.measure(mode)), True)

    def decode(side):
        return side.measure("decode") * 1e6

    row("100 images, bytes to objects", "µs", *compare(ours, official, rounds, decode), False)

    def own(mode):
        return ours.measure(mode) * 1e6

    row("100 images, beside json.loads", "µs", *compare("decode", "floor", rounds, own), False)
    row("installed", "MB", ours.installed(), official.installed(), False)

    def memory(side):
        return side.once()[1]

    row("peak of memory, one call", "MB", *compare(ours, official, rounds, memory), False)


if __name__ == "__main__":
    main()
