"""The same mistakes with three SDKs, one at a time: what ``docs/three-programs.md`` compares."""

#: What each mistake is, and how it is made with ours, with the official SDK, and with boto3.
MISTAKES = [
    (
        "a method's name",
        "client.describe_image()",
        "client.DescribeImage(models.DescribeImagesRequest())",
        "client.describe_image()",
    ),
    (
        "a parameter's name",
        'client.describe_images(ImageId=["img-o3ycss2p"])',
        'request = models.DescribeImagesRequest()\nrequest.ImageId = ["img-o3ycss2p"]\nclient.DescribeImages(request)',
        'client.describe_images(ImageId=["ami-0abcdef1234567890"])',
    ),
    (
        "a name inside of a parameter",
        'client.describe_images(Filters=[{"Nam": "image-type", "Values": ["PRIVATE_IMAGE"]}])',
        "condition = models.Filter()\n"
        'condition.Nam, condition.Values = "image-type", ["PRIVATE_IMAGE"]\n'
        "request = models.DescribeImagesRequest()\n"
        "request.Filters = [condition]\n"
        "client.DescribeImages(request)",
        'client.describe_images(Filters=[{"Nam": "architecture", "Values": ["x86_64"]}])',
    ),
    (
        "a text for a number",
        'client.describe_images(Limit="20")',
        'request = models.DescribeImagesRequest()\nrequest.Limit = "20"\nclient.DescribeImages(request)',
        'client.describe_images(MaxResults="20")',
    ),
    (
        "a text for a list",
        'client.describe_images(ImageIds="img-o3ycss2p")',
        'request = models.DescribeImagesRequest()\nrequest.ImageIds = "img-o3ycss2p"\nclient.DescribeImages(request)',
        'client.describe_images(ImageIds="ami-0abcdef1234567890")',
    ),
    (
        "a parameter that is required",
        'client.sync_images(ImageIds=["img-o3ycss2p"])',
        'request = models.SyncImagesRequest()\nrequest.ImageIds = ["img-o3ycss2p"]\nclient.SyncImages(request)',
        'client.copy_image(Name="nightly", SourceImageId="ami-0abcdef1234567890")',
    ),
    (
        "a name in an answer",
        'client.describe_images()["ImageSets"]',
        "client.DescribeImages(models.DescribeImagesRequest()).ImageSets",
        'client.describe_images()["Image"]',
    ),
    (
        "a name deep in an answer",
        'client.describe_images()["ImageSet"][0]["ImageNam"]',
        "client.DescribeImages(models.DescribeImagesRequest()).ImageSet[0].ImageNam",
        'client.describe_images()["Images"][0]["Nam"]',
    ),
]

#: What a program of each SDK begins with, for a type checker.
HEADS = {
    "ours": "import cvm\n\nclient = cvm.Client()\n",
    "official": "from tencentcloud.cvm.v20170312 import cvm_client, models  # type: ignore[import-untyped]\n\n"
    'client = cvm_client.CvmClient(None, "ap-shanghai")\n',
    "boto3": 'import boto3\n\nclient = boto3.client("ec2")\n',
}


def programs():
    """For each SDK a program that makes all mistakes, one in each function."""
    out = {}
    for at, (side, head) in enumerate(HEADS.items(), start=1):
        functions = []
        for number, mistake in enumerate(MISTAKES):
            body = "".join(f"    {line}\n" for line in mistake[at].splitlines())
            functions.append(f"\n\ndef mistake_{number}() -> None:\n{body}")
        out[side] = head + "".join(functions)
    return out


def mistake_at(text, line):
    """The number of the mistake that a line of a program is in; ``None`` before the first."""
    before = [each for each in text.splitlines()[:line] if each.startswith("def mistake_")]
    return int(before[-1].split("_")[1].split("(")[0]) if before else None
