"""The life of an image, as any client can run it: copied to two regions, waited for, found again."""

from endpoint import HOME, check_request_id, expect, wait

#: An image of the default seed.
SOURCE = "img-o3ycss2p"
DESTINATIONS = ("ap-guangzhou", "ap-beijing")


def run(client, report):
    """Runs it step by step, each a line of the report."""

    def step(name, vital=False):
        return report.step(client.name, name, vital)

    with step("describe by id", vital=True):
        image = only(describe(client, ImageIds=[SOURCE]))
        expect(image["ImageName"], "base-ubuntu-22.04")
        expect(image["ImageSize"], 50)
        expect(image["IsSupportCloudinit"], True)
        expect(image["Tags"][0], {"Key": "env", "Value": "production"})
        expect(image["SnapshotSet"][0]["DiskSize"], 50)

    with step("describe with filters"):
        found = describe(
            client,
            Filters=[
                {"Name": "image-type", "Values": ["PRIVATE_IMAGE", "SHARED_IMAGE"]},
                {"Name": "image-name", "Values": ["no such & name=%2B +ü", "ubuntu-22"]},
                {"Name": "tag:env", "Values": ["production"]},
            ],
        )
        expect(only(found)["ImageId"], SOURCE)

    with step("page through a list"):
        whole = describe(client, Limit=100)
        ids = []
        while len(ids) < whole["TotalCount"]:
            page = describe(client, Offset=len(ids), Limit=3)
            expect(page["TotalCount"], whole["TotalCount"])
            ids += [image["ImageId"] for image in page["ImageSet"]]
        expect(ids, [image["ImageId"] for image in whole["ImageSet"]])

    with step("list regions and the quota"):
        regions = client.call("DescribeRegions")
        expect(regions["TotalCount"], len(regions["RegionSet"]))
        expect(HOME in [region["Region"] for region in regions["RegionSet"]], True)
        expect(client.call("DescribeImageQuota")["ImageNumQuota"] > 0, True)

    name = "copy of " + client.name
    with step("sync to two regions", vital=True):
        wait(lambda: is_normal(client, SOURCE, HOME) or None)
        answer = client.call(
            "SyncImages",
            {
                "ImageIds": [SOURCE],
                "DestinationRegions": list(DESTINATIONS),
                "ImageName": name,
                "ImageSetRequired": True,
            },
        )
        check_request_id(answer["RequestId"])
        copies = {copy["Region"]: copy["ImageId"] for copy in answer["ImageSet"]}
        expect(sorted(copies), sorted(DESTINATIONS))

    with step("wait for the copies by their progress", vital=True):
        for region, image_id in copies.items():
            wait_for(client, image_id, region)

    with step("find the copies by name"):
        for region, image_id in copies.items():
            found = describe(client, region, Filters=[{"Name": "image-name", "Values": [name]}])
            copy = only(found)
            expect(copy["ImageId"], image_id)
            expect(copy["SyncPercent"], 100)


def describe(client, region=HOME, **parameters):
    """The images that are asked for."""
    return client.call("DescribeImages", parameters, region)


def only(answer):
    """The one image of an answer."""
    expect(answer["TotalCount"], 1)
    (image,) = answer["ImageSet"]
    return image


def is_normal(client, image_id, region):
    return only(describe(client, region, ImageIds=[image_id]))["ImageState"] == "NORMAL"


def wait_for(client, image_id, region):
    """Waits until an image is there. Its progress may only rise."""
    seen = [0]

    def look():
        image = only(describe(client, region, ImageIds=[image_id]))
        percent = image.get("SyncPercent")
        if image["ImageState"] == "NORMAL":
            return image
        expect(image["ImageState"] in ("CREATING", "SYNCING"), True)
        if percent is not None:
            expect(seen[-1] <= percent <= 100, True)
            seen.append(percent)
        return None

    return wait(look)
