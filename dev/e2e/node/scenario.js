// Uses the whole API with Twilio's client for Node. Reads its input as JSON from
// stdin and prints what it received as JSON, for the test to check.
const assert = require("node:assert/strict");
const { once } = require("node:events");
const { readFileSync } = require("node:fs");
const http = require("node:http");
const zlib = require("node:zlib");
const twilio = require("twilio");
const twilioClient = require("./twilioClient.js");

const input = JSON.parse(readFileSync(0, "utf8"));
const types = ["Messages", "Calls", "Conferences", "Participants"];
const client = twilioClient(input.satchel, input.account, input.token);
const v1 = client.bulkexports.v1;

// Polls the condition until it returns a truthy value, and returns that.
async function until(condition, what) {
  for (const end = Date.now() + 180_000; Date.now() < end; await new Promise((go) => setTimeout(go, 100))) {
    const value = await condition();
    if (value) return value;
  }
  throw new Error("timeout: " + what);
}

// Retries a request after 503.
async function retryBusy(send) {
  let response;
  await until(() => send().then((got) => { response = got; return true; }, (e) => {
    if (e.status !== 503) throw e;
  }), "a response");
  return response;
}

async function assertRejected(promise, status, code) {
  await assert.rejects(promise, (e) => {
    assert.equal(e.constructor.name, "RestException");
    assert.deepEqual([e.status, e.code], [status, code], e.message);
    assert.match(e.moreInfo, /\/docs\/errors\//);
    return true;
  });
}

async function configure() {
  for (const type of types) {
    const at = v1.exportConfiguration(type);
    assert.equal((await at.fetch()).enabled, false);
    const set = await retryBusy(() => at.update({ enabled: true, webhookUrl: "https://hooks.example.com/", webhookMethod: "GET" }));
    assert.deepEqual([set.enabled, set.webhookUrl, set.webhookMethod, set.resourceType], [true, "https://hooks.example.com/", "GET", type]);
    const off = await retryBusy(() => at.update({ enabled: false }));
    assert.deepEqual([off.enabled, off.webhookMethod], [false, "GET"]);
    await assertRejected(retryBusy(() => at.update({ webhookUrl: "" })), 400, 20001);
  }
}

const hasEnded = (job) => job.details.every((d) => ["Completed", "CompletedEmptyRecords", "Failed", "DeletedByUserRequest"].includes(d.status));

const ended = (sid) => until(async () => {
  const job = await v1.exports.jobs(sid).fetch();
  return hasEnded(job) && job;
}, "end of " + sid);

async function create(type, startDay, endDay, more = {}) {
  return retryBusy(() => v1.exports(type).exportCustomJobs.create({ startDay, endDay, friendlyName: "Été & fils", ...more }));
}

// Returns the text of a day file.
async function read(type, { day, size }) {
  const { redirectTo } = await v1.exports(type).days(day).fetch();
  const file = Buffer.from(await (await fetch(redirectTo)).arrayBuffer());
  assert.equal(file.length, size);
  return zlib.gunzipSync(file).toString("utf8");
}

// Exports all types and returns the text of each day file.
async function exportAll() {
  const files = {};
  for (const type of types) {
    const job = await create(type, input.from, input.to);
    assert.equal(job.friendlyName, "Été & fils");
    assert.equal((await ended(job.jobSid)).jobQueuePosition, null);
    files[type] = {};
    for (const day of await v1.exports(type).days.list()) files[type][day.day] = await read(type, day);
  }
  return files;
}

async function listPages() {
  const made = await Promise.all(input.single.map((day) => create("Conferences", day, day)));
  const all = await v1.exports("Conferences").exportCustomJobs.list({ pageSize: 5 });
  const sids = all.map((job) => job.jobSid);
  for (const job of made) assert.equal(sids.filter((sid) => sid === job.jobSid).length, 1);
  assert.equal(new Set(sids).size, sids.length);
  assert.equal((await v1.exports("Conferences").exportCustomJobs.list({ limit: 7 })).length, 7);
  for (const job of made) await ended(job.jobSid);
  assert.equal((await v1.exports("Conferences").days.list({ pageSize: 3, limit: 8 })).length, 8);
  const done = v1.exports.jobs(made[0].jobSid);
  await until(async () => (await done.remove().catch((e) => e.status)) === 409, "a job that cannot be deleted");
  await assertRejected(done.remove(), 409, 20409);
}

async function remove() {
  const job = await create("Participants", input.long, input.to);
  assert.equal(await retryBusy(() => v1.exports.jobs(job.jobSid).remove()), true);
  const deleted = await ended(job.jobSid);
  assert.ok(deleted.details.some((d) => d.status === "DeletedByUserRequest"));
}

async function receiveWebhooks() {
  const received = [];
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push({ request, body });
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}/bulk?x=1`;
  for (const webhookMethod of ["POST", "GET"]) {
    received.length = 0;
    const job = await create("Calls", input.to, input.to, { webhookUrl: url, webhookMethod });
    await until(() => received.length > 0, "the webhook");
    const { request, body } = received[0];
    const at = `http://${request.headers.host}${request.url}`;
    const params = Object.fromEntries(new URLSearchParams(body));
    const signature = request.headers["x-twilio-signature"];
    assert.equal(request.method, webhookMethod);
    assert.equal(twilio.validateRequest(input.token, signature, at, params), true);
    assert.equal(twilio.validateRequest("0".repeat(32), signature, at, params), false);
    const all = webhookMethod === "POST" ? params : Object.fromEntries(new URL(at).searchParams);
    assert.deepEqual([all.job_sid, all.status, all.friendly_name], [job.jobSid, "completed", "Été & fils"]);
    assert.equal(request.headers["i-twilio-idempotency-token"], all.event_id);
  }
  server.close();
}

// Erases a call, and returns the text of its day file once that is rebuilt.
async function erase() {
  const archived = client.voice.v1.archivedCalls(input.to, input.call);
  assert.equal(await retryBusy(() => archived.remove()), true);
  assert.equal(await archived.remove(), true);
  return until(async () => {
    const day = (await v1.exports("Calls").days.list()).find(({ day }) => day === input.to);
    const file = day && (await read("Calls", day).catch(() => null)); // replaced while it was read
    return file && !file.includes(input.call) && file;
  }, "the file without the call");
}

async function useAPIKey() {
  const byKey = twilioClient(input.satchel, input.key, input.secret, { accountSid: input.account });
  assert.equal((await byKey.bulkexports.v1.exports("Calls").fetch()).resourceType, "Calls");
}

(async () => {
  const [files] = await Promise.all([exportAll(), configure(), useAPIKey()]);
  await Promise.all([listPages(), remove(), receiveWebhooks()]);
  console.log(JSON.stringify({ files, rebuilt: await erase() }));
})().catch((e) => {
  console.error(e);
  process.exitCode = 1;
});
