"use strict";
// Prints one line for each step: `pass` or `FAIL`, the client, the step, and what was wrong.

const PATIENCE_MS = 60_000;

/** A step failed without which the ones after it make no sense. */
class Abandoned extends Error {}

class Report {
  failed = 0;

  async step(client, name, vital, run) {
    try {
      await run();
      console.log(`pass ${client}: ${name}`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAIL ${client}: ${name}: ${`${error.code ?? error.name}: ${error.message}`.replace(/\s+/g, " ").slice(0, 400)}`);
      if (vital) throw new Abandoned(name);
    }
  }

  /** A step that the service has to refuse with this very code. */
  refused(client, name, code, run) {
    return this.step(client, name, false, async () => {
      try {
        await run();
      } catch (error) {
        expect(error.code, code);
        expect(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(error.requestId), true);
        return;
      }
      throw new Error(`accepted, where ${code} was due`);
    });
  }
}

/** Fails unless two values are the same. */
function expect(got, wanted) {
  const [text, due] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (text !== due) throw new Error(`got ${text}, where ${due} was due`);
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Asks until the answer is not undefined. */
async function wait(look) {
  const giveUp = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > giveUp) throw new Error(`nothing came of it within ${PATIENCE_MS} ms`);
    await pause(50);
  }
}

module.exports = { Abandoned, Report, expect, wait };
