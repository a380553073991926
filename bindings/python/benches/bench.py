"""Runs `cvm` and the official SDK in turn, and prints a table of both with their ratios.

    python bench.py --server BARE_SERVER --ours PYTHON --official PYTHON [--rounds N]

Each side is the interpreter of an environment in which that package is installed, and nothing else.
Every measurement is a process of its own. Rounds of the two sides alternate, so that whatever else
the machine does meets both. Each row is taken twice, the median of its rounds both times, and the time that is less in
favour of `cvm` is what is printed. The last line says under which load.
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

    def starts(self, module):
        """Seconds that an import takes."""
        command = [self.program[0], str(HERE / "imports.py"), module]
        return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

    def installed(self):
        """MB on the disk of the package with all that it needs, compiled files included."""
        command = [self.program[0], str(HERE / "installed.py"), self.package]
        return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def compare(ours, theirs, rounds):
    """The medians of what two functions measure in turns."""
    ours(), theirs()
    figures = ([], [])
    for turn in range(rounds):
        sides = [(ours, figures[0]), (theirs, figures[1])]
        for measure, into in sides if turn % 2 else reversed(sides):
            into.append(measure())
    return [statistics.median(values) for values in figures]


def row(name, unit, ours, theirs, rounds, more_is_better=False):
    """Prints what two functions measure, and how many times better the first one is."""

    def ratio(figures):
        return figures[0] / figures[1] if more_is_better else figures[1] / figures[0]

    figures = min((compare(ours, theirs, rounds) for _ in range(2)), key=ratio)
    print(f"| {name} | {show(figures[0])} {unit} | {show(figures[1])} {unit} | {ratio(figures):.1f} |", flush=True)


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
                Side("readers.py", OFFICIAL, options.official, url, str(long)),
                options.rounds,
            )
        finally:
            server.stdin.close()
            server.wait()


def run(ours, official, readers, rounds):
    before = os.getloadavg()[0]
    print("| | cvm-sdk | the other | times better |")
    print("|---|---|---|---|")

    def both(work):
        return (lambda: work(ours)), (lambda: work(official))

    row("a script that makes one call", "ms", *both(lambda side: side.once()[0] * 1000), 3 * rounds)
    names = {ours: "cvm", official: "tencentcloud.cvm.v20170312.cvm_client"}
    row("the import alone", "ms", *both(lambda side: side.starts(names[side]) * 1000), 20)
    for mode, name in [
        ("serial", "calls a second, one after the other"),
        ("threads", "calls a second, 8 threads"),
        ("tasks", "calls a second, asyncio with 32 tasks"),
    ]:
        row(name, "/s", *both(lambda side: side.measure(mode)), rounds, more_is_better=True)

    def decode(side, mode="decode"):
        return lambda: side.measure(mode) * 1e6

    row("100 images, bytes to objects", "µs", decode(ours), decode(official), rounds)
    for other in ("json", "orjson", "msgspec"):
        row(f"100 images, beside {other}", "µs", decode(ours), decode(readers, other), rounds)
    row("peak of memory, one call", "MB", *both(lambda side: side.once()[1]), rounds)
    row("installed", "MB", *both(Side.installed), 1)
    print(f"\nLoad of one minute: {before:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} processors.")


if __name__ == "__main__":
    main()
