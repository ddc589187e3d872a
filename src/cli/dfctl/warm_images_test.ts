import assert from "node:assert/strict";
import { type Asked, runDfctlWith } from "./harness_test.ts";

const NEVER = "0001-01-01T00:00:00Z";
const IMAGE = {
  ...{ id: 3, name: "app", bio: "", args: { type: "image", url: "https://reg/v2/app/manifests/v1" } },
  ...{ scheduler_cluster_ids: [], cron: "0 3 * * *", time_zone: "UTC", follow: 5_400_000_000_000, on_join: true },
  ...{ paused: false, user_id: 1, user: null },
  status: {
    ...{ job_id: 0, job_ids: [9, 8], last_run_at: NEVER, last_state: "", last_error: "", failures: 0, skipped: 2 },
    ...{ next_run_at: "2026-01-02T03:00:00Z", digest: "sha256:ab", warm_digest: "", next_check_at: NEVER },
    ...{ check_error: "", check_failures: 0, hosts: { known: 5, warm: 4, failing: 1 } },
  },
};
const CLUSTERS = [{ id: 7, name: "berlin" }];

/** Runs dfctl with a manager that has the warm image above and the cluster berlin; what was asked besides lists. */
async function run(...args: string[]) {
  const isList = ({ method, path }: Asked) => method === "GET" && /^(clusters|warm-images)$/.test(path);
  const { asked, ...ended } = await runDfctlWith((request) => {
    if (!isList(request)) return IMAGE;
    return request.path === "clusters" ? CLUSTERS : [IMAGE];
  }, ["warm-image", ...args]);
  return { ...ended, asked: asked.filter((request) => !isList(request)) };
}

Deno.test("a warm image is declared with what a preheat is told, and when", async () => {
  const { code, asked, errors } = await run(
    ...["create", "app", "reg/team/app:v1", "--scope", "all_peers", "--cluster", "berlin", "--description", "d"],
    ...["--username", "ada", "--password-stdin", "--cron", "0 3 * * *", "--time-zone", "UTC", "--follow", "90m"],
    ...["--on-join", "--plain-http", "--ip", "10.0.0.1"],
  );
  assert.equal(code, 0, errors);
  const [{ method = "", path = "", body: { args, ...rest } = {} } = {}] = asked;
  assert.equal(`${method} ${path}`, "POST warm-images");
  assert.deepEqual(rest, {
    ...{ name: "app", bio: "d", scheduler_cluster_ids: [7], cron: "0 3 * * *", time_zone: "UTC" },
    ...{ on_join: true, follow: 5_400_000_000_000 },
  });
  assert.deepEqual([args["type"], args["username"], args["password"], args["scope"], args["ips"]], [
    ...["image", "ada", "hush", "all_peers", ["10.0.0.1"]],
  ]);
});

Deno.test("a name is one's whole name, also where the manager gives others as well", async () => {
  const { code, errors } = await run("create", "app", "alpine", "--on-join", "--cluster", "munich");
  assert.deepEqual([code, /Cannot find "munich" among the clusters/.test(errors)], [1, true], errors);
});

Deno.test("a change names only what is to be changed", async () => {
  const bodyOf = async (...args: string[]) => (await run("update", "app", ...args)).asked;
  assert.deepEqual(await bodyOf("--follow", "0s"), [{ method: "PATCH", path: "warm-images/3", body: { follow: 0 } }]);
  assert.deepEqual(await bodyOf("--on-join", "no", "--cluster", ""), [
    { method: "PATCH", path: "warm-images/3", body: { on_join: false, scheduler_cluster_ids: [] } },
  ]);
  assert.deepEqual((await run("pause", "3")).asked, [{
    method: "PATCH",
    path: "warm-images/3",
    body: { paused: true },
  }]);
  assert.deepEqual((await run("resume", "app")).asked[0]?.body, { paused: false });
  assert.deepEqual((await run("run", "app")).asked[0]?.path, "warm-images/3/run");
  assert.deepEqual((await run("delete", "app")).asked[0]?.method, "DELETE");
});

Deno.test("warm images are shown with how their runs went", async () => {
  const { output } = await run("list");
  assert.equal(
    output,
    "ID   NAME   CRON        FOLLOW   ON JOIN   LAST RUN   STATE   NEXT RUN               WHAT\n" +
      "3    app    0 3 * * *   1h30m    yes       -          -       2026-01-02T03:00:00Z   " +
      "https://reg/v2/app/manifests/v1\n",
  );
  const shown = (await run("show", "app")).output;
  assert.match(shown, /^HOSTS +4 of 5 have it, 1 fail$/m);
  assert.match(shown, /^CLUSTERS +all$/m);
  assert.match(shown, /^JOBS +9,8$/m);
});
