import assert from "node:assert/strict";
import { silentLog } from "../runtime/log.ts";
import { startRpcServer } from "./server.ts";
import { clock, loopback } from "./testdata/calls.ts";

const SERVER_STOPS = 300;

/** Runs clients in a process in which freed memory is overwritten, so that a use of it shows. */
function startClients() {
  const { href } = new URL("./testdata/guarded_client.ts", import.meta.url);
  const env = { MALLOC_PERTURB_: "165" };
  const args = ["run", "-A", "--no-check", href];
  const child = new Deno.Command(Deno.execPath(), { args, env, stdin: "piped", stdout: "piped" }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const input = child.stdin.getWriter();
  return {
    write: (line: string) => input.write(new TextEncoder().encode(`${line}\n`)),
    read: async () => (await output.read()).value?.trim(),
    /** Ends the child's input and says how the child ended. */
    async finish() {
      await input.close();
      await output.cancel();
      const { success, code, signal } = await child.status;
      return { success, code, signal };
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

Deno.test("a client outlives servers that stop while it is connected", async () => {
  await using child = startClients();
  for (let i = 0; i < SERVER_STOPS; i++) {
    await using server = await startRpcServer({ listen: loopback, services: [], log: silentLog(), clock });
    await child.write(`${server.port}`);
    assert.equal(await child.read(), "SERVING");
  }
  assert.deepEqual(await child.finish(), { success: true, code: 0, signal: null });
});
