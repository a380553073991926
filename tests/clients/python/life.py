"""The life of an image, as any client can run it: made, found, shared, copied, changed, deleted."""

from endpoint import HOME, ServiceError, check_request_id, expect, wait

#: An image, an instance and another account of the default seed.
SOURCE = "img-o3ycss2p"
INSTANCE = "ins-stopped0"
NEIGHBOUR = "100000000002"

DESTINATIONS = ("ap-beijing", "ap-guangzhou")
TAG = {"Key": "made by", "Value": "a client & co"}


def run(client, report):
    """Runs it step by step, each a line of the report."""

    def step(name, vital=False):
        return report.step(client.name, name, vital)

    name = client.name

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
                {"Name": "image-name", "Values": ["no such & name=%2B +ü中", "ubuntu-22"]},
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

    with step("create an image from an instance", vital=True):
        made = client.call(
            "CreateImage",
            {
                "ImageName": name,
                "ImageDescription": "Made by a client: 100 % of it = “all”",
                "InstanceId": INSTANCE,
                "TagSpecification": [{"ResourceType": "image", "Tags": [TAG]}],
            },
        )
        check_request_id(made["RequestId"])
        image_id = made["ImageId"]
        expect(wait_for(client, image_id, HOME)["ImageName"], name)

    with step("find it by name and tag"):
        filters = [
            {"Name": "image-name", "Values": [name]},
            {"Name": "tag-key", "Values": [TAG["Key"], "another"]},
        ]
        image = only(describe(client, Filters=filters))
        expect(image["ImageId"], image_id)
        expect(image["ImageDescription"], "Made by a client: 100 % of it = “all”")
        expect(image["Tags"], [TAG])

    with step("share it, and no longer"):
        for permission, shared_with in (("SHARE", [NEIGHBOUR]), ("CANCEL", [])):
            client.call(
                "ModifyImageSharePermission",
                {"ImageId": image_id, "AccountIds": [NEIGHBOUR], "Permission": permission},
            )
            shares = client.call("DescribeImageSharePermission", {"ImageId": image_id})
            expect([share["AccountId"] for share in shares["SharePermissionSet"]], shared_with)

    copy_name = "copy of " + name
    with step("sync it to two regions", vital=True):
        answer = client.call(
            "SyncImages",
            {
                "ImageIds": [image_id],
                "DestinationRegions": list(DESTINATIONS),
                "ImageName": copy_name,
                "ImageSetRequired": True,
            },
        )
        check_request_id(answer["RequestId"])
        copies = {copy["Region"]: copy["ImageId"] for copy in answer["ImageSet"]}
        expect(sorted(copies), sorted(DESTINATIONS))

    with step("wait for the copies by their progress", vital=True):
        for region, copy_id in copies.items():
            wait_for(client, copy_id, region)
        wait_for(client, image_id, HOME)

    with step("find the copies by name"):
        for region, copy_id in copies.items():
            found = describe(client, region, Filters=[{"Name": "image-name", "Values": [copy_name]}])
            copy = only(found)
            expect(copy["ImageId"], copy_id)
            expect(copy["SyncPercent"], 100)

    with step("modify it"):
        changed = {"ImageName": name + " 2", "ImageDescription": "", "ImageDeprecated": True}
        client.call("ModifyImageAttribute", {"ImageId": image_id, **changed})
        image = only(describe(client, ImageIds=[image_id]))
        expect({member: image[member] for member in changed}, changed)

    with step("delete it and its copies"):
        for region, one in [(HOME, image_id), *copies.items()]:
            client.call("DeleteImages", {"ImageIds": [one], "DeleteBindedSnap": True}, region)
            expect(describe(client, region, ImageIds=[one])["TotalCount"], 0)
            try:
                client.call("ModifyImageAttribute", {"ImageId": one, "ImageName": "gone"}, region)
            except ServiceError as error:
                expect(error.code, "InvalidImageId.NotFound")
            else:
                raise AssertionError("an image that was deleted can be changed")


def describe(client, region=HOME, **parameters):
    """The images that are asked for."""
    return client.call("DescribeImages", parameters, region)


def only(answer):
    """The one image of an answer."""
    expect(answer["TotalCount"], 1)
    (image,) = answer["ImageSet"]
    return image


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
