import assert from "node:assert/strict";
import { checkHealth } from "./client.ts";
import { clock, loopback } from "./testdata/calls.ts";

const DESCRIPTORS_MAX = 200;
/** Words with a server in which it tries to accept who has come meanwhile. */
const TURNS = 10;
/** More than a machine with far too much to do needs for one answer. */
const ANSWER_TIMEOUT_MS = 60_000;

/** A server in a process with few file descriptors, all of which are in use, on a unix socket if that is named. */
function startCrowded(...unixPath: readonly string[]) {
  const { pathname } = new URL("./testdata/crowded_server.ts", import.meta.url);
  const script = `ulimit -n ${DESCRIPTORS_MAX} && exec "$0" run -A --no-check "$@"`;
  const args = ["-c", script, Deno.execPath(), pathname, ...unixPath];
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

for (const kind of ["port", "unix socket"]) {
  Deno.test(`a server on a ${kind} that could not accept for want of descriptors accepts again once it has some`, async () => {
    const dir = await Deno.makeTempDir();
    const path = `${dir}/rpc.sock`;
    {
      await using child = startCrowded(...kind === "port" ? [] : [path]);
      const port = Number(await child.read());
      const connect = async () => {
        return kind === "port"
          ? await Deno.connect({ ...loopback, port })
          : await Deno.connect({ transport: "unix", path });
      };
      await child.say("crowd");
      const callers = await Promise.all(Array.from({ length: 3 }, connect));
      for (let turn = 0; turn < TURNS; turn++) await child.say("wait");
      await child.say("free");
      const options = { clock, signal: new AbortController().signal, timeoutMs: ANSWER_TIMEOUT_MS };
      assert.equal(await checkHealth(kind === "port" ? `127.0.0.1:${port}` : `unix:${path}`, options), true);
      for (const caller of callers) caller.close();
    }
    await Deno.remove(dir, { recursive: true });
  });
}
