"""What is asked of a client whose requests are written by hand: little, in each way of writing them."""

from endpoint import HOME, expect
from life import SOURCE, describe, only


def run(client, report):
    """Asks for images, regions and a copy that is not made, and makes a mistake."""
    with report.step(client.name, "describe by id and with filters"):
        expect(only(describe(client, ImageIds=[SOURCE]))["ImageId"], SOURCE)
        names = ["no such & name=%2B +/ü中", "ubuntu-22"]
        filters = [
            {"Name": "image-name", "Values": names},
            {"Name": "tag:env", "Values": ["production"]},
        ]
        found = describe(client, Filters=filters, Offset=0, Limit=5)
        expect(only(found)["ImageId"], SOURCE)
    with report.step(client.name, "list regions without naming one"):
        regions = client.call("DescribeRegions", {}, None)
        expect(HOME in [region["Region"] for region in regions["RegionSet"]], True)
    with report.refused(client.name, "refused: SyncImages as a dry run", "DryRunOperation"):
        flags = {"DryRun": True, "ImageSetRequired": False}
        client.call(
            "SyncImages", {"ImageIds": ["img-7kq2v9ta"], "DestinationRegions": ["ap-chengdu"], **flags}
        )
    with report.refused(client.name, "refused: DescribeImages without a region", client.no_region):
        client.call("DescribeImages", {"Limit": 1}, None)
