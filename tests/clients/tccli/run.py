"""Runs the official command line against an endpoint: one process for each request."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import life
import refusals
import tools
from endpoint import PATIENCE, Abandoned, Client, Endpoint, Report, ServiceError, expect

# `[TencentCloudSDKException] code:... message:... requestId:...`
REFUSED = re.compile(r"code:(\S+) message:(.*) requestId:(\S+)", re.DOTALL)


class Tccli(Client):
    """`tccli SERVICE ACTION`, with lists and objects as JSON."""

    def __init__(self, endpoint, scratch, service="cvm"):
        self.name = "tccli " + service
        self.service = service
        self.program = os.path.join(os.path.dirname(sys.executable), "tccli")
        self.common = ["--endpoint", endpoint.url, "--language", "en-US", "--output", "json"]
        # It keeps its settings in the home folder, and nothing there may change what it does here.
        home = os.path.join(scratch, "home")
        os.makedirs(home, exist_ok=True)
        self.environment = dict(
            os.environ,
            HOME=home,
            USERPROFILE=home,
            TENCENTCLOUD_SECRET_ID=endpoint.secret_id,
            TENCENTCLOUD_SECRET_KEY=endpoint.secret_key,
        )

    def command(self, action, parameters, region):
        command = [self.program, self.service, action, "--region", region] + self.common
        for name, value in parameters.items():
            command += ["--" + name, value if isinstance(value, str) else json.dumps(value)]
        return command

    def run(self, command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def once(self, action, parameters, region):
        ran = self.run(self.command(action, parameters, region))
        if ran.returncode == 0:
            return json.loads(ran.stdout)
        refused = REFUSED.search(ran.stdout + ran.stderr)
        if not refused:
            raise AssertionError("tccli failed: %s" % (ran.stdout + ran.stderr).strip())
        raise ServiceError(*refused.groups())


def waiter(client, report):
    """Copies an image and leaves the waiting to the program."""
    with report.step(client.name, "wait with --waiter"):
        parameters = {
            "ImageIds": [life.SOURCE],
            "DestinationRegions": ["ap-tokyo"],
            "ImageName": "waited for",
            "ImageSetRequired": True,
        }
        (copy,) = client.call("SyncImages", parameters)["ImageSet"]
        until = "{'expr':'ImageSet[0].ImageState','to':'NORMAL','timeout':%d,'interval':1}" % PATIENCE
        command = client.command("DescribeImages", {"ImageIds": [copy["ImageId"]]}, copy["Region"])
        ran = client.run(command + ["--waiter", until])
        expect(ran.returncode, 0)
        # What it prints while it waits comes first.
        expect('"ImageState": "NORMAL"' in ran.stdout, True)


def main():
    report = Report()
    endpoint, scratch = Endpoint(), os.environ["CVM_SCRATCH"]
    tools.caller(Tccli(endpoint, scratch, "sts"), report)
    client = Tccli(endpoint, scratch)
    try:
        life.run(client, report)
    except Abandoned:
        pass
    waiter(client, report)
    refusals.run(client, report)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
