import assert from "node:assert/strict";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { runDfctl } from "./dfctl.ts";

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

/** Runs dfctl with a token, against a manager that has the warm image above and the cluster berlin. */
async function run(...args: string[]) {
  const asked: { readonly call: string; readonly body: unknown }[] = [];
  let [output, errors] = ["", ""];
  const runtime = testRuntime({
    disk: new MemoryDisk(),
    env: { DFCTL_MANAGER: "http://m", DFCTL_TOKEN: "t" },
    fetch: (input, init) => {
      const { pathname } = new URL(input);
      const isList = /\/(clusters|warm-images)$/.test(pathname) && init?.method === "GET";
      const call = `${init?.method} ${pathname.replace("/oapi/v1/", "")}`;
      if (!isList) asked.push({ call, body: init?.body === undefined ? undefined : JSON.parse(String(init.body)) });
      const rows = pathname.endsWith("/clusters") ? CLUSTERS : [IMAGE];
      return Promise.resolve(Response.json(isList ? rows : IMAGE));
    },
  });
  const terminal = {
    isTty: false,
    print: (text: string) => void (output += text),
    printError: (text: string) => void (errors += text),
  };
  const input = { isTty: false, readHiddenLine: () => Promise.resolve(""), readAll: () => Promise.resolve("secret\n") };
  const code = await runDfctl(["warm-image", ...args], { runtime, terminal, input }, new AbortController().signal);
  return { code, output, errors, asked };
}

Deno.test("a warm image is declared with what a preheat is told, and when", async () => {
  const { code, asked, errors } = await run(
    ...["create", "app", "reg/team/app:v1", "--scope", "all_peers", "--cluster", "berlin", "--description", "d"],
    ...["--username", "ada", "--password-stdin", "--cron", "0 3 * * *", "--time-zone", "UTC", "--follow", "90m"],
    ...["--on-join", "--plain-http", "--ip", "10.0.0.1"],
  );
  assert.equal(code, 0, errors);
  const [{ call, body } = { call: "", body: undefined }] = asked;
  const { args, ...rest } = body as { args: Record<string, unknown> };
  assert.equal(call, "POST warm-images");
  assert.deepEqual(rest, {
    ...{ name: "app", bio: "d", scheduler_cluster_ids: [7], cron: "0 3 * * *", time_zone: "UTC" },
    ...{ on_join: true, follow: 5_400_000_000_000 },
  });
  assert.deepEqual([args["type"], args["username"], args["password"], args["scope"], args["ips"]], [
    ...["image", "ada", "secret", "all_peers", ["10.0.0.1"]],
  ]);
});

Deno.test("a name is one's whole name, also where the manager gives others as well", async () => {
  const { code, errors } = await run("create", "app", "alpine", "--on-join", "--cluster", "munich");
  assert.deepEqual([code, /none in clusters with the name "munich"/.test(errors)], [1, true], errors);
});

Deno.test("a change names only what is to be changed", async () => {
  const bodyOf = async (...args: string[]) => (await run("update", "app", ...args)).asked;
  assert.deepEqual(await bodyOf("--follow", "0s"), [{ call: "PATCH warm-images/3", body: { follow: 0 } }]);
  assert.deepEqual(await bodyOf("--on-join", "no", "--cluster", ""), [
    { call: "PATCH warm-images/3", body: { on_join: false, scheduler_cluster_ids: [] } },
  ]);
  assert.deepEqual((await run("pause", "3")).asked, [{ call: "PATCH warm-images/3", body: { paused: true } }]);
  assert.deepEqual((await run("resume", "app")).asked[0]?.body, { paused: false });
  assert.deepEqual((await run("run", "app")).asked[0]?.call, "POST warm-images/3/run");
  assert.deepEqual((await run("delete", "app")).asked[0]?.call, "DELETE warm-images/3");
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
