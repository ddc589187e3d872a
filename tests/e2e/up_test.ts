/** `deno task up` as a user runs it: it says where things are, and leaves nothing behind. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { reserveAddresses } from "./lib/addresses.ts";
import { REPOSITORY } from "./lib/components.ts";
import { answers } from "./lib/http.ts";
import { startProcess } from "./lib/process.ts";
import { Workspace } from "./lib/workspace.ts";

const READY_TIMEOUT_MS = 60_000;

Deno.test("up serves on the standard ports of its addresses until it is stopped, and removes its files", async () => {
  await using workspace = await Workspace.create();
  await using addresses = await reserveAddresses();
  const ip = addresses.ip(1);
  await using up = startProcess({
    ...{ name: "up", command: Deno.execPath(), args: ["task", "--quiet", "up", "--peers", "1", "--ip", ip] },
    ...{ cwd: REPOSITORY, logDir: workspace.dir },
  });
  await up.ready("the text", READY_TIMEOUT_MS, () => up.log().includes("api/v1/users/signin") || undefined);
  const text = up.log();
  const dir = /files +(\S+) \(removed at the end\)/.exec(text)?.[1] ?? "";
  assert.ok(existsSync(dir), text);
  assert.match(text, new RegExp(`\\[host\\."http://${ip.replaceAll(".", "\\.")}:4001"\\]`));
  const socket = /--endpoint (\S+)$/m.exec(text)?.[1] ?? "";
  assert.ok(existsSync(socket), text);
  for (
    const url of [`http://${ip}:8080/healthy`, `http://${ip}:4003/healthy`, `http://${addresses.ip(2)}:4003/healthy`]
  ) {
    await up.ready(url, READY_TIMEOUT_MS, (signal) => answers(url, signal));
  }
  const output = join(workspace.dir, "healthy");
  await using origin = Deno.serve({ hostname: ip, port: 0, onListen() {} }, () => new Response("content"));
  const url = `http://${ip}:${origin.addr.port}/file`;
  const dfget = ["task", "--quiet", "dfget", url, "-O", output, "--endpoint", socket];
  const got = await new Deno.Command(Deno.execPath(), { args: dfget, cwd: REPOSITORY }).output();
  // Without a dfdaemon at that socket it would fetch alone, and warn.
  assert.deepEqual([got.code, new TextDecoder().decode(got.stderr)], [0, ""]);
  assert.equal(await readFile(output, "utf8"), "content");
  await up.stop();
  assert.equal(existsSync(dir), false);
});
