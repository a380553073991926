"""Runs the official command line against an endpoint: one process for each request."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import life
import refusals
from endpoint import Abandoned, Client, Endpoint, Report, ServiceError

# `[TencentCloudSDKException] code:... message:... requestId:...`
REFUSED = re.compile(r"code:(\S+) message:(.*) requestId:(\S+)", re.DOTALL)


class Tccli(Client):
    """`tccli cvm ACTION`, with lists and objects as JSON."""

    name = "tccli"

    def __init__(self, endpoint, scratch):
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

    def once(self, action, parameters, region):
        command = [self.program, "cvm", action, "--region", region] + self.common
        for name, value in parameters.items():
            command += ["--" + name, value if isinstance(value, str) else json.dumps(value)]
        ran = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if ran.returncode == 0:
            return json.loads(ran.stdout)
        refused = REFUSED.search(ran.stdout + ran.stderr)
        if not refused:
            raise AssertionError("tccli failed: %s" % (ran.stdout + ran.stderr).strip())
        raise ServiceError(*refused.groups())


def main():
    report = Report()
    client = Tccli(Endpoint(), os.environ["CVM_SCRATCH"])
    try:
        life.run(client, report)
    except Abandoned:
        pass
    refusals.run(client, report)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
