// Sends requests that are rejected, with Twilio's client for Node, and
// compares the errors with the expected ones. Prints the number of requests.
const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const twilioClient = require("./twilioClient.js");

const input = JSON.parse(readFileSync(0, "utf8"));

// Returns parameters with the names that the client's methods use.
function clientParams(sent) {
  const names = Object.entries(sent ?? {}).map(([name, value]) => [name[0].toLowerCase() + name.slice(1), value]);
  const { page, ...rest } = Object.fromEntries(names);
  return page === undefined ? rest : { ...rest, pageNumber: page };
}

const operations = {
  export: (v1, [type]) => v1.exports(type).fetch(),
  configuration: (v1, [type]) => v1.exportConfiguration(type).fetch(),
  configure: (v1, [type], sent) => v1.exportConfiguration(type).update(clientParams(sent)),
  create: (v1, [type], sent) => v1.exports(type).exportCustomJobs.create(clientParams(sent)),
  jobs: (v1, [type], sent) => v1.exports(type).exportCustomJobs.page(clientParams(sent)),
  days: (v1, [type], sent) => v1.exports(type).days.page(clientParams(sent)),
  job: (v1, [sid]) => v1.exports.jobs(sid).fetch(),
  deleteJob: (v1, [sid]) => v1.exports.jobs(sid).remove(),
  day: (v1, [type, day]) => v1.exports(type).days(day).fetch(),
};

// Returns the error of a request; retries after 503.
async function errorOf({ What, As, Do, Of, With }) {
  const client = twilioClient(input.satchel, As.Username, As.Password, { accountSid: input.rejected[0].As.Username });
  const send = Do === "erase" ? () => client.voice.v1.archivedCalls(...Of).remove() : () => operations[Do](client.bulkexports.v1, Of, With);
  for (const end = Date.now() + 120_000; Date.now() < end; await new Promise((go) => setTimeout(go, 500))) {
    const error = await send().then(() => assert.fail(`${What}: ${Do} succeeded`), (e) => e);
    if (error.status !== 503) return error;
  }
  throw new Error("only 503 for " + What);
}

(async () => {
  for (const request of input.rejected) {
    const error = await errorOf(request);
    const which = `${request.Do}, ${request.What}: ${error.stack}`;
    assert.equal(error.constructor.name, "RestException", which);
    assert.deepEqual([error.status, error.code], [request.Status, request.Code], which);
    assert.match(error.moreInfo, new RegExp(`/docs/errors/${request.Code}$`), which);
    assert.ok(error.message, which);
  }
  console.log(input.rejected.length);
})().catch((e) => {
  console.error(e);
  process.exitCode = 1;
});
