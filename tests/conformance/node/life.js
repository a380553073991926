"use strict";
// The life of an image: copied to two regions, waited for, found again.

const { expect, wait } = require("./report.js");

const HOME = "ap-shanghai";
const SOURCE = "img-o3ycss2p";
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

  const name = `copy of ${client.name}`;
  let copies;
  await vital("sync to two regions", async () => {
    await wait(async () => ((await one(SOURCE)).ImageState === "NORMAL" ? true : undefined));
    const answer = await client.call(
      "SyncImages",
      { ImageIds: [SOURCE], DestinationRegions: DESTINATIONS, ImageName: name, ImageSetRequired: true },
      HOME,
    );
    copies = answer.ImageSet;
    expect(copies.map((copy) => copy.Region).sort(), DESTINATIONS);
  });

  await vital("wait for the copies by their progress", async () => {
    for (const copy of copies) {
      let percent = 0;
      await wait(async () => {
        const image = await one(copy.ImageId, copy.Region);
        if (image.ImageState === "NORMAL") return image;
        expect([image.ImageState, image.SyncPercent >= percent], ["SYNCING", true]);
        percent = image.SyncPercent;
        return undefined;
      });
    }
  });

  await step("find the copies by name", async () => {
    for (const copy of copies) {
      const found = await describe({ Filters: [{ Name: "image-name", Values: [name] }] }, copy.Region);
      expect(only(found).ImageId, copy.ImageId);
    }
  });
}

/** The one image of an answer. */
function only(answer) {
  expect([answer.TotalCount, answer.ImageSet.length], [1, 1]);
  return answer.ImageSet[0];
}

module.exports = { HOME, run };
