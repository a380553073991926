"use strict";
// The life of an image: made, found, shared, copied, changed, deleted.

const { expect, wait } = require("./report.js");

const HOME = "ap-shanghai";
const SOURCE = "img-o3ycss2p";
const INSTANCE = "ins-stopped0";
const NEIGHBOUR = "100000000002";
const DESTINATIONS = ["ap-beijing", "ap-guangzhou"];

async function run(client, report) {
  const step = (name, work) => report.step(client.name, name, false, work);
  const vital = (name, work) => report.step(client.name, name, true, work);
  const describe = (parameters, region = HOME) => client.call("DescribeImages", parameters, region);
  const one = async (id, region) => only(await describe({ ImageIds: [id] }, region));

  await vital("describe by id", async () => {
    const image = await one(SOURCE);
    expect([image.ImageName, image.ImageSize, image.IsSupportCloudinit], ["base-ubuntu-22.04", 50, true]);
    expect(image.Tags[0], { Key: "env", Value: "production" });
  });

  await step("describe with filters", async () => {
    const Filters = [
      { Name: "image-type", Values: ["PRIVATE_IMAGE", "SHARED_IMAGE"] },
      { Name: "image-name", Values: ["no such & name=%2B +ü", "ubuntu-22"] },
      { Name: "tag:env", Values: ["production"] },
    ];
    expect(only(await describe({ Filters })).ImageId, SOURCE);
  });

  await step("page through a list", async () => {
    const whole = await describe({ Limit: 100 });
    const ids = [];
    while (ids.length < whole.TotalCount) {
      const page = await describe({ Offset: ids.length, Limit: 3 });
      ids.push(...page.ImageSet.map((image) => image.ImageId));
    }
    expect(ids, whole.ImageSet.map((image) => image.ImageId));
  });

  await step("list regions without naming one, and the quota", async () => {
    const regions = await client.call("DescribeRegions", {}, undefined);
    expect(regions.RegionSet.length, regions.TotalCount);
    expect((await client.call("DescribeImageQuota", {}, HOME)).ImageNumQuota > 0, true);
  });

  const name = client.name;
  let id;
  await vital("create an image from an instance", async () => {
    const Tags = [{ Key: "made by", Value: "a client & co" }];
    const made = await client.call(
      "CreateImage",
      { ImageName: name, InstanceId: INSTANCE, TagSpecification: [{ ResourceType: "image", Tags }] },
      HOME,
    );
    id = made.ImageId;
    const image = await waitFor(id, HOME);
    expect([image.ImageName, image.Tags], [name, Tags]);
  });

  await step("share it, and no longer", async () => {
    for (const [Permission, sharedWith] of [["SHARE", [NEIGHBOUR]], ["CANCEL", []]]) {
      const change = { ImageId: id, AccountIds: [NEIGHBOUR], Permission };
      await client.call("ModifyImageSharePermission", change, HOME);
      const shares = await client.call("DescribeImageSharePermission", { ImageId: id }, HOME);
      expect(shares.SharePermissionSet.map((share) => share.AccountId), sharedWith);
    }
  });

  const ImageName = `copy of ${name}`;
  let copies;
  await vital("sync it to two regions", async () => {
    const order = { ImageIds: [id], DestinationRegions: DESTINATIONS, ImageName, ImageSetRequired: true };
    copies = (await client.call("SyncImages", order, HOME)).ImageSet;
    expect(copies.map((copy) => copy.Region).sort(), DESTINATIONS);
  });

  await vital("wait for the copies by their progress", async () => {
    for (const copy of copies) await waitFor(copy.ImageId, copy.Region);
    await waitFor(id, HOME);
  });

  await step("find the copies by name", async () => {
    for (const copy of copies) {
      const found = await describe({ Filters: [{ Name: "image-name", Values: [ImageName] }] }, copy.Region);
      expect(only(found).ImageId, copy.ImageId);
    }
  });

  await step("modify it", async () => {
    const changed = { ImageName: `${name} 2`, ImageDescription: "changed", ImageDeprecated: true };
    await client.call("ModifyImageAttribute", { ImageId: id, ...changed }, HOME);
    const image = await one(id);
    expect([image.ImageName, image.ImageDescription, image.ImageDeprecated], Object.values(changed));
  });

  await step("delete it and its copies", async () => {
    for (const [image, region] of [[id, HOME], ...copies.map((copy) => [copy.ImageId, copy.Region])]) {
      await client.call("DeleteImages", { ImageIds: [image], DeleteBindedSnap: true }, region);
      expect((await describe({ ImageIds: [image] }, region)).TotalCount, 0);
    }
  });

  /** Waits until an image is there. Its progress may only rise. */
  function waitFor(image, region) {
    let percent = 0;
    return wait(async () => {
      const found = await one(image, region);
      if (found.ImageState === "NORMAL") return found;
      expect(["CREATING", "SYNCING"].includes(found.ImageState), true);
      if (found.SyncPercent !== null) {
        expect(found.SyncPercent >= percent, true);
        percent = found.SyncPercent;
      }
      return undefined;
    });
  }
}

/** The one image of an answer. */
function only(answer) {
  expect([answer.TotalCount, answer.ImageSet.length], [1, 1]);
  return answer.ImageSet[0];
}

module.exports = { HOME, run };
