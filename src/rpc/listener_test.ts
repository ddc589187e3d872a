import assert from "node:assert/strict";
import { checkHealth } from "./client.ts";
import { clock, loopback } from "./testdata/calls.ts";

const DESCRIPTORS_MAX = 200;
/** Words with a server in which it tries to accept who has come meanwhile. */
const TURNS = 10;
/** More than a machine with far too much to do needs for one answer. */
const ANSWER_TIMEOUT_MS = 60_000;

/** A server in a process with few file descriptors, all of which are in use. */
function startCrowded() {
  const { pathname } = new URL("./testdata/crowded_server.ts", import.meta.url);
  const script = `ulimit -n ${DESCRIPTORS_MAX} && exec "$0" run -A --no-check "$1"`;
  const args = ["-c", script, Deno.execPath(), pathname];
  const env = { NODE_EXTRA_CA_CERTS: "" }; // which is read when there are no descriptors left
  const child = new Deno.Command("sh", { args, env, stdin: "piped", stdout: "piped" }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const input = child.stdin.getWriter();
  const read = async () => (await output.read()).value?.trim();
  return {
    read,
    /** Says something, and waits until it was heard. */
    async say(line: string) {
      await input.write(new TextEncoder().encode(`${line}\n`));
      assert.equal(await read(), line);
    },
    async [Symbol.asyncDispose]() {
      await input.close();
      await output.cancel();
      await child.status;
    },
  };
}

Deno.test("a server that could not accept for want of file descriptors accepts again once it has some", async () => {
  await using child = startCrowded();
  const port = Number(await child.read());
  await child.say("crowd");
  const callers = await Promise.all(Array.from({ length: 3 }, () => Deno.connect({ ...loopback, port })));
  for (let turn = 0; turn < TURNS; turn++) await child.say("wait");
  await child.say("free");
  const options = { clock, signal: new AbortController().signal, timeoutMs: ANSWER_TIMEOUT_MS };
  assert.equal(await checkHealth(`127.0.0.1:${port}`, options), true);
  for (const caller of callers) caller.close();
});
