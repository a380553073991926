"""What tools on top of the SDKs send: an image builder, a provisioner, an inventory. They are built on the SDK for Go."""

from endpoint import HOME, ServiceError, expect, wait
from life import INSTANCE, NEIGHBOUR, SOURCE, describe, only, wait_for


def caller(client, report):
    """Asks whose the key is, as most tools do before all else."""
    with report.step(client.name, "say whose the key is"):
        told = client.call("GetCallerIdentity", {}, HOME)
        account = "100000000001"
        expect([told[name] for name in ("AccountId", "UserId", "PrincipalId")], [account] * 3)
        expect(told["Arn"], "qcs::cam:%s:uin/%s" % (account, account))
        expect(told["Type"], "RootAccount")


def builder(client, report):
    """Builds an image from an instance of its own, and copies it to all regions with one request, by name."""

    def step(name):
        return report.step(client.name, "builder: " + name, vital=True)

    name = "built-image"
    regions = ["ap-guangzhou", "ap-nanjing", "ap-seoul", "na-ashburn"]

    def instance():
        (found,) = client.call("DescribeInstances", {"InstanceIds": [instance_id]})["InstanceSet"]
        return found["InstanceState"]

    def reaches(state):
        wait(lambda: instance() == state or None)

    with step("find the image to start from"):
        filters = [
            {"Name": "image-type", "Values": ["PUBLIC_IMAGE", "PRIVATE_IMAGE"]},
            {"Name": "platform", "Values": ["Ubuntu", "CentOS"]},
            {"Name": "image-name", "Values": ["Server 22.04"]},
        ]
        source = describe(client, Filters=filters, InstanceType="S5.MEDIUM4")["ImageSet"][0]
        expect(source["ImageType"], "PUBLIC_IMAGE")
    with step("run an instance"):
        zones = client.call("DescribeZones")["ZoneSet"]
        zone = next(zone["Zone"] for zone in zones if zone["ZoneState"] == "AVAILABLE")
        answer = client.call(
            "RunInstances",
            {
                "ImageId": source["ImageId"],
                "InstanceType": "S5.MEDIUM4",
                "InstanceChargeType": "POSTPAID_BY_HOUR",
                "InstanceName": name,
                "Placement": {"Zone": zone},
                "SystemDisk": {"DiskType": "CLOUD_PREMIUM", "DiskSize": 50},
                "InternetAccessible": {"PublicIpAssigned": True, "InternetMaxBandwidthOut": 5},
                "LoginSettings": {"Password": "not-a-Secret-1"},
                "TagSpecification": [
                    {"ResourceType": "instance", "Tags": [{"Key": "by", "Value": "a builder"}]}
                ],
            },
        )
        (instance_id,) = answer["InstanceIdSet"]
        reaches("RUNNING")
    with step("stop it and make an image"):
        client.call("StopInstances", {"InstanceIds": [instance_id], "StopType": "SOFT_FIRST"})
        reaches("STOPPED")
        order = {"ImageName": name, "InstanceId": instance_id, "ForcePoweroff": "TRUE", "Sysprep": "FALSE"}
        image_id = client.call("CreateImage", order)["ImageId"]
        wait_for(client, image_id, HOME)
    with step("share it"):
        order = {"ImageId": image_id, "AccountIds": [NEIGHBOUR], "Permission": "SHARE"}
        client.call("ModifyImageSharePermission", order)
    with step("copy it, and find each copy by name"):
        answer = client.call("SyncImages", {"ImageIds": [image_id], "DestinationRegions": regions})
        # Nobody asked for the ids.
        expect(answer["ImageSet"], [])
        copies = {}
        for region in regions:

            def look(region=region):
                images = describe(client, region, Filters=[{"Name": "image-name", "Values": [name]}])[
                    "ImageSet"
                ]
                exact = [image for image in images if image["ImageName"] == name]
                return exact[0] if exact and exact[0]["ImageState"] == "NORMAL" else None

            copies[region] = wait(look)["ImageId"]
    with step("clean up"):
        client.call("TerminateInstances", {"InstanceIds": [instance_id]})
        order = {"ImageId": image_id, "AccountIds": [NEIGHBOUR], "Permission": "CANCEL"}
        client.call("ModifyImageSharePermission", order)
        for region, one in [(HOME, image_id), *copies.items()]:
            client.call("DeleteImages", {"ImageIds": [one]}, region)


def provisioner(client, report):
    """Makes an image and a copy that it looks at only from the source, and takes errors apart by their codes."""

    def step(name):
        return report.step(client.name, "provisioner: " + name, vital=True)

    with step("create, and read back by a filter"):
        order = {"ImageName": "provisioned", "InstanceId": INSTANCE, "ImageDescription": "by a provisioner"}
        image_id = client.call("CreateImage", order)["ImageId"]
        wait_for(client, image_id, HOME)
        by_id = [{"Name": "image-id", "Values": [image_id]}]
        expect(only(describe(client, Filters=by_id))["ImageDescription"], "by a provisioner")
    with step("copy, and wait at the source"):
        order = {"ImageIds": [image_id], "DestinationRegions": ["ap-chengdu"], "ImageSetRequired": True}
        (copy,) = client.call("SyncImages", order)["ImageSet"]
        wait_for(client, image_id, HOME)
        expect(only(describe(client, copy["Region"], ImageIds=[copy["ImageId"]]))["ImageState"], "NORMAL")
    with step("a second copy under the same name is the service's to judge"):
        order = {"ImageIds": [image_id], "DestinationRegions": ["ap-chengdu"], "ImageName": "provisioned"}
        code = refusal(client, "SyncImages", order)
        expect(code.split(".")[0], "InvalidImageName")
    with step("delete what is shared, and learn why not"):
        shared = {"ImageId": image_id, "AccountIds": [NEIGHBOUR]}
        client.call("ModifyImageSharePermission", {**shared, "Permission": "SHARE"})
        expect(refusal(client, "DeleteImages", {"ImageIds": [image_id]}), "InvalidImageId.InShared")
        client.call("ModifyImageSharePermission", {**shared, "Permission": "CANCEL"})
    with step("delete, and read nothing back"):
        client.call("DeleteImages", {"ImageIds": [copy["ImageId"]]}, copy["Region"])
        client.call("DeleteImages", {"ImageIds": [image_id]})
        gone = describe(client, Filters=by_id)
        expect((gone["TotalCount"], gone["ImageSet"]), (0, []))


def inventory(client, report):
    """Lists everything, in the largest requests that the service takes."""

    def step(name):
        return report.step(client.name, "inventory: " + name)

    with step("pages of every size hold the same images"):
        whole = [image["ImageId"] for image in describe(client, Limit=100)["ImageSet"]]
        for size in (1, 2, 20):
            ids = []
            while page := describe(client, Offset=len(ids), Limit=size)["ImageSet"]:
                ids += [image["ImageId"] for image in page]
            expect(ids, whole)
    with step("a page beyond the end is empty"):
        answer = describe(client, Offset=10000, Limit=100)
        expect((answer["ImageSet"], answer["TotalCount"]), ([], len(whole)))
    with step("a hundred ids"):
        ids = [SOURCE] + ["img-%08d" % number for number in range(99)]
        expect(only(describe(client, ImageIds=ids, Limit=100))["ImageId"], SOURCE)
        code = refusal(client, "DescribeImages", {"ImageIds": ids + ["img-zzzzzzzz"]})
        expect(code, "InvalidParameterValue.LimitExceeded")
    with step("filters with as many values as there may be"):
        kinds = {"Name": "image-type", "Values": ["PRIVATE_IMAGE", "PUBLIC_IMAGE", "SHARED_IMAGE"]}
        ids = {"Name": "image-id", "Values": whole[:5]}
        found = describe(client, Filters=[kinds, ids])["ImageSet"]
        expect([image["ImageId"] for image in found], whole[:5])
    with step("what is listed twice is counted once"):
        expect(only(describe(client, ImageIds=[SOURCE, SOURCE]))["ImageId"], SOURCE)


def refusal(client, action, parameters):
    """The code that a request is refused with."""
    try:
        client.call(action, parameters)
    except ServiceError as error:
        return error.code
    raise AssertionError("accepted")
