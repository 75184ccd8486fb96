// Sends requests that are rejected, with Twilio's client for Node, and
// compares the errors with the expected ones. Prints the number of requests.
const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const pointed = require("./pointed.js");

const input = JSON.parse(readFileSync(0, "utf8"));

// The names of the API's parameters as the client writes them.
function named(sent) {
  const names = Object.entries(sent ?? {}).map(([name, value]) => [name[0].toLowerCase() + name.slice(1), value]);
  const { page, ...rest } = Object.fromEntries(names);
  return page === undefined ? rest : { ...rest, pageNumber: page };
}

const asks = {
  export: (v1, [type]) => v1.exports(type).fetch(),
  configuration: (v1, [type]) => v1.exportConfiguration(type).fetch(),
  configure: (v1, [type], sent) => v1.exportConfiguration(type).update(named(sent)),
  create: (v1, [type], sent) => v1.exports(type).exportCustomJobs.create(named(sent)),
  jobs: (v1, [type], sent) => v1.exports(type).exportCustomJobs.page(named(sent)),
  days: (v1, [type], sent) => v1.exports(type).days.page(named(sent)),
  job: (v1, [sid]) => v1.exports.jobs(sid).fetch(),
  deleteJob: (v1, [sid]) => v1.exports.jobs(sid).remove(),
  day: (v1, [type, day]) => v1.exports(type).days(day).fetch(),
};

// Returns the error of a request; retries after 503.
async function answerTo({ What, As, Do, Of, With }) {
  const client = pointed(input.satchel, As.Username, As.Password, { accountSid: input.rejected[0].As.Username });
  const ask = Do === "erase" ? () => client.voice.v1.archivedCalls(...Of).remove() : () => asks[Do](client.bulkexports.v1, Of, With);
  for (const end = Date.now() + 120_000; Date.now() < end; await new Promise((go) => setTimeout(go, 500))) {
    const no = await ask().then(() => assert.fail(`${What}: ${Do} was granted`), (e) => e);
    if (no.status !== 503) return no;
  }
  throw new Error("no answer to " + What);
}

(async () => {
  for (const wrong of input.rejected) {
    const no = await answerTo(wrong);
    const which = `${wrong.Do}, ${wrong.What}: ${no.stack}`;
    assert.equal(no.constructor.name, "RestException", which);
    assert.deepEqual([no.status, no.code], [wrong.Status, wrong.Code], which);
    assert.match(no.moreInfo, new RegExp(`/docs/errors/${wrong.Code}$`), which);
    assert.ok(no.message, which);
  }
  console.log(input.rejected.length);
})().catch((e) => {
  console.error(e);
  process.exitCode = 1;
});
