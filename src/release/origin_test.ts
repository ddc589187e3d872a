import assert from "node:assert/strict";
import { originOf } from "./origin.ts";
import { runTool } from "./run_tool.ts";

/** A folder with one commit of a known time. */
async function repository(): Promise<{ readonly top: string } & AsyncDisposable> {
  const top = await Deno.makeTempDir();
  const git = (...args: string[]) => runTool("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], top);
  await git("init", "--quiet");
  await Deno.writeTextFile(`${top}/file`, "one");
  await git("add", "file");
  await runTool("sh", [
    "-c",
    "GIT_COMMITTER_DATE='1700000000 +0100' git -c user.name=a -c user.email=a@b commit -qm one",
  ], top);
  return { top, [Symbol.asyncDispose]: () => Deno.remove(top, { recursive: true }) };
}

const none = () => undefined;

Deno.test("a build is of its commit and dated to it, whoever makes it and when", async () => {
  await using repo = await repository();
  const { commit, time } = await originOf(repo.top, none);
  assert.match(commit ?? "", /^[0-9a-f]{12}$/);
  assert.equal(time, 1_700_000_000);
});

Deno.test("a checkout that differs from its commit says so", async () => {
  await using repo = await repository();
  await Deno.writeTextFile(`${repo.top}/file`, "two");
  assert.match((await originOf(repo.top, none)).commit ?? "", /^[0-9a-f]{12}\+$/);
});

Deno.test("variables say what a build is of where there is no repository", async () => {
  const top = await Deno.makeTempDir();
  try {
    assert.deepEqual(await originOf(top, none), { commit: undefined, time: 0 });
    const env: Record<string, string> = { DAMSELFLY_COMMIT: "abc", SOURCE_DATE_EPOCH: "1600000000" };
    assert.deepEqual(await originOf(top, (name) => env[name]), { commit: "abc", time: 1_600_000_000 });
    assert.equal((await originOf(top, (name) => name === "SOURCE_DATE_EPOCH" ? "soon" : undefined)).time, 0);
  } finally {
    await Deno.remove(top, { recursive: true });
  }
});
