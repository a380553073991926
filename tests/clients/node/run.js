"use strict";
// Runs the official Node SDK against an endpoint.

const fs = require("node:fs");
const path = require("node:path");
const { cvm } = require("tencentcloud-sdk-nodejs-cvm");

const life = require("./life.js");
const { Abandoned, Report } = require("./report.js");

const endpoint = JSON.parse(fs.readFileSync(process.env.CVM_READY_FILE, "utf8"));
const cases = JSON.parse(fs.readFileSync(path.join(__dirname, "..", "refusals.json"), "utf8"));

/** The SDK's client with one signature and one method; one object for each region. */
class Client {
  #clients = new Map();

  constructor(signMethod, reqMethod, host = new URL(endpoint.endpoint).host) {
    this.name = `node ${signMethod} ${reqMethod}${host.startsWith("localhost") ? " to localhost" : ""}`;
    this.profile = { signMethod, httpProfile: { reqMethod, endpoint: host, protocol: "http://" } };
  }

  async call(action, parameters, region) {
    if (!this.#clients.has(region)) {
      const credential = { secretId: endpoint.secret_id, secretKey: endpoint.secret_key };
      this.#clients.set(region, new cvm.v20170312.Client({ credential, region, profile: this.profile }));
    }
    const client = this.#clients.get(region);
    for (;;) {
      try {
        // An action that the client does not have is one that the service does not have either.
        return await (client[action] ? client[action](parameters) : client.request(action, parameters));
      } catch (error) {
        if (error.code !== "RequestLimitExceeded") throw error;
        await new Promise((done) => setTimeout(done, 50));
      }
    }
  }
}

async function refusals(client, report) {
  for (const { action, why, code, parameters, region = life.HOME } of cases) {
    await report.refused(client.name, `refused: ${action} ${why}`, code, () => client.call(action, parameters, region));
  }
}

async function main() {
  const report = new Report();
  const port = new URL(endpoint.endpoint).port;
  const signatures = ["TC3-HMAC-SHA256", "HmacSHA256", "HmacSHA1"];
  const clients = signatures.flatMap((signature) => [new Client(signature, "POST"), new Client(signature, "GET")]);
  for (const client of [...clients, new Client("TC3-HMAC-SHA256", "POST", `localhost:${port}`)]) {
    try {
      await life.run(client, report);
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error;
    }
  }
  for (const client of [clients[0], clients[3]]) {
    await refusals(client, report);
  }
  process.exitCode = report.failed ? 1 : 0;
}

main();
