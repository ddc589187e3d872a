/** What people paste from Dragonfly's documentation: requests of a real curl, and what scripts read of the answers. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { formatHostPort } from "../../src/config/addresses.ts";
import { image, REPOSITORY, Stage } from "../cluster/stage.ts";
import { e2eTest, requireProgram } from "../e2e/lib/programs.ts";
import { waitFor } from "../e2e/lib/wait.ts";

const JSON_HEADER = ["--header", "Content-Type: application/json"];
const JOB_TIMEOUT_MS = 20_000;
const NEEDS = { programs: ["curl"] };

interface CurlAnswer {
  readonly status: number;
  readonly text: string;
}

/** Runs curl; the status and the body of the answer. */
async function curl(...args: readonly string[]): Promise<CurlAnswer> {
  const command = new Deno.Command(requireProgram("curl"), {
    args: ["--silent", "--show-error", "--write-out", "\n%{http_code}", ...args],
    env: { no_proxy: "*" },
  });
  const { code, stdout, stderr } = await command.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const [, text = "", status] = /^([^]*)\n(\d+)$/.exec(new TextDecoder().decode(stdout)) ?? [];
  return { status: Number(status), text };
}

/** The JSON of an answer that is a success: always 200, also for what is made or removed (manager-rest.md §0). */
// deno-lint-ignore no-explicit-any -- a test says by its assertions what it expects
function jsonOf({ status, text }: CurlAnswer): any {
  assert.equal(status, 200, text);
  return text === "" ? undefined : JSON.parse(text);
}

/** Signs root in with a cookie jar, as the console's documentation does it, and makes a token for scripts. */
async function personalAccessToken(rest: string, dir: string): Promise<string> {
  const jar = join(dir, "cookies.txt");
  const credentials = '{"name":"root","password":"dragonfly"}';
  const session = jsonOf(
    await curl("-X", "POST", `${rest}/api/v1/users/signin`, ...JSON_HEADER, "-d", credentials, "-c", jar),
  );
  assert.match(session.token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.ok(Date.parse(session.expire) > 0);
  const order = '{"name":"script","expired_at":"2099-01-01T00:00:00Z","user_id":1,"scopes":["job","cluster"]}';
  const path = `${rest}/api/v1/personal-access-tokens`;
  const { token } = jsonOf(await curl("-X", "POST", path, ...JSON_HEADER, "-d", order, "-b", jar));
  assert.match(token, /^[\w-]{48}$/);
  return token;
}

e2eTest("the curl scripts that preheat an image, and ask until it is done, run as written", NEEDS, async () => {
  await using stage = await Stage.open();
  const rest = `http://${formatHostPort(stage.manager.it.rest)}`;
  const token = await personalAccessToken(rest, stage.dir);
  const bearer = ["--header", `Authorization: Bearer ${token}`];
  const order = `{
    "type": "preheat",
    "args": {
        "type": "image",
        "url": "${stage.registry.url}/v2/${REPOSITORY}/manifests/v1",
        "filtered_query_params": "Expires&Signature",
        "username": "your_registry_username",
        "password": "your_registry_password"
    }
}`;
  const jobs = `${rest}/oapi/v1/jobs`;
  const job = jsonOf(
    await curl("--location", "--request", "POST", jobs, ...JSON_HEADER, ...bearer, "--data-raw", order),
  );
  assert.deepEqual([job.type, job.state, Number.isInteger(job.id)], ["preheat", "PENDING", true]);
  assert.ok(!JSON.stringify(job).includes("your_registry_password"));
  const done = await waitFor("the job to end", JOB_TIMEOUT_MS, async () => {
    const now = jsonOf(await curl("--request", "GET", `${jobs}/${job.id}`, ...JSON_HEADER, ...bearer));
    return now.state === "PENDING" ? undefined : now;
  });
  assert.equal(done.state, "SUCCESS", JSON.stringify(done.result));
  const [{ results: [{ success_tasks }] }] = done.result.job_states;
  assert.deepEqual(Object.keys(success_tasks[0]).toSorted(), ["hostname", "ip", "url"]);
  assert.equal(success_tasks.length, image.blobs.length);

  const file =
    `{"type":"preheat","args":{"type":"file","url":"${stage.registry.url}/v2/"},"scheduler_cluster_ids":[1]}`;
  const second = jsonOf(await curl("--location", jobs, ...JSON_HEADER, ...bearer, "--data-raw", file));
  assert.equal(second.id, job.id + 1, "without --request POST the data makes it one");
  const byQuery = jsonOf(await curl(`${jobs}?page=1&per_page=1&access_token=${token}`));
  assert.equal(byQuery.length, 1);
  assert.deepEqual(await curl(`${jobs}/${job.id}`), { status: 401, text: '{"message":"Unauthorized"}' });
});

e2eTest(
  "the curl scripts that look after clusters run as written, with a session and with a token",
  NEEDS,
  async () => {
    await using stage = await Stage.open({ nodes: [] });
    const rest = `http://${formatHostPort(stage.manager.it.rest)}`;
    const token = await personalAccessToken(rest, stage.dir);
    const byToken = { prefix: `${rest}/oapi/v1/clusters`, auth: ["-H", `Authorization: Bearer ${token}`] };
    const bySession = { prefix: `${rest}/api/v1/clusters`, auth: ["-b", join(stage.dir, "cookies.txt")] };
    for (const { prefix, auth } of [byToken, bySession]) {
      const body = JSON.stringify({
        name: "cluster-2",
        bio: "second",
        scopes: { idc: "hangzhou|shanghai", location: "asia|cn", cidrs: ["10.0.0.0/8"], hostnames: ["dragonfly.*"] },
        scheduler_cluster_config: { candidate_parent_limit: 4, filter_parent_limit: 40, job_rate_limit: 10 },
        seed_peer_cluster_config: { load_limit: 300 },
        peer_cluster_config: { load_limit: 50 },
        is_default: false,
      });
      // Scripts that forget the header send JSON as a form; a stock manager takes that too.
      const made = jsonOf(await curl("-X", "POST", prefix, ...auth, "-d", body));
      assert.equal(made.id, made.scheduler_cluster_id);
      const one = `${prefix}/${made.id}`;
      assert.deepEqual(jsonOf(await curl(one, ...auth)).scopes, made.scopes);
      const names = jsonOf(await curl("-G", prefix, ...auth, "-d", "name=cluster-2"));
      assert.equal(names[0].bio, "second");
      const patch = '{"bio":"changed","is_default":false}';
      assert.equal(jsonOf(await curl("-X", "PATCH", one, ...JSON_HEADER, ...auth, "-d", patch)).bio, "changed");
      assert.equal(jsonOf(await curl("-X", "DELETE", one, ...auth)), undefined);
      assert.equal((await curl(one, ...auth)).status, 404);
    }
    const { text } = await curl("-D", "-", `${rest}/api/v1/clusters?page=1&per_page=1`, ...bySession.auth);
    assert.match(text, /^link: <\/api\/v1\/clusters\?page=1&per_page=1>;rel=prev,.*;rel=last\r$/im);
  },
);
