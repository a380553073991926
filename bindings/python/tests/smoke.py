"""What has to work where nothing but the package is installed: one call, and the command."""

import subprocess
import sys

import cvm
from cvm import local

with local.start() as endpoint:
    client = cvm.Client(
        secret_id=endpoint.secret_id,
        secret_key=endpoint.secret_key,
        endpoint=endpoint.endpoint,
        region="ap-shanghai",
    )
    answer = client.describe_images(ImageIds=["img-o3ycss2p"])
    assert answer["ImageSet"][0]["ImageName"] == "base-ubuntu-22.04", answer

for module in ("cvm.types", "asyncio"):
    assert module not in sys.modules, f"import cvm loads {module}"

said = subprocess.run([sys.executable, "-m", "cvm", "--version"], stdout=subprocess.PIPE, check=True)
assert said.stdout.decode().split() == ["cvm", cvm.__version__], said
