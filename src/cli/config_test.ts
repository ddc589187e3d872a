import assert from "node:assert/strict";
import { MemoryDisk } from "../testing/memory_disk.ts";
import { EXIT, runConfig } from "./config.ts";

const OLD = "keepStorage: true\ngcInterval: 1m\n";

async function run(files: Readonly<Record<string, string>>, ...args: string[]) {
  const disk = new MemoryDisk();
  for (const [path, text] of Object.entries(files)) await disk.writeTextAtomic(path, text);
  let [printed, errors] = ["", ""];
  const terminal = {
    print: (text: string) => void (printed += text),
    printError: (text: string) => void (errors += text),
  };
  const code = await runConfig(args, { disk, terminal }).catch((error: Error) => {
    errors += error.message;
    return EXIT.failed;
  });
  return { code, printed, errors, disk };
}

Deno.test("config convert prints the file as it is written today", async () => {
  const { code, printed, errors } = await run({ "/dfget.yaml": OLD }, "convert", "/dfget.yaml");
  assert.deepEqual({ code, errors }, { code: EXIT.done, errors: "" });
  assert.match(
    printed,
    /^# Converted from dfget.yaml, which had [^]*\nstorage:\n {2}keep: true\ngc:\n {2}interval: 1m\n$/,
  );
});

Deno.test("config convert writes a new file that only its owner reads, and never over one that is there", async () => {
  const files = { "/dfget.yaml": OLD };
  const { code, printed, disk } = await run(files, "convert", "/dfget.yaml", "-o", "/dfdaemon.yaml");
  assert.deepEqual({ code, printed }, { code: EXIT.done, printed: "" });
  assert.match(await disk.readText("/dfdaemon.yaml"), /keep: true/);
  assert.equal((await disk.stat("/dfdaemon.yaml"))?.mode, 0o600);
  const again = await run({ ...files, "/there": "mine" }, "convert", "/dfget.yaml", "-o", "/there");
  assert.equal(again.code, EXIT.failed);
  assert.match(again.errors, /Cannot write \/there: it exists/);
  assert.equal(await again.disk.readText("/there"), "mine");
});

Deno.test("config convert ends with 3 while something has to be decided", async () => {
  const { code, printed, errors } = await run({ "/f": `${OLD}host: { securityDomain: a }` }, "convert", "/f");
  assert.equal(code, EXIT.toDecide);
  assert.equal(errors, "1 thing has to be decided: see the top of the result\n");
  assert.match(printed, /^# - host.securityDomain: /m);
});

Deno.test("config convert passes on what today's component warns of, and refuses what it refuses", async () => {
  const warned = await run(
    { "/f": "scheduler: { manager: { seedPeer: { type: weak } } }\nupload: { rateLimit: 2Mi }\n" },
    "convert",
    "/f",
  );
  assert.match(warned.errors, /^warning: what \/f becomes:\d+:\d+: 'seedPeer.type' has no effect/);
  const refused = await run({ "/f": `${OLD}host: { listenIP: nope }` }, "convert", "/f");
  assert.deepEqual([refused.code, refused.printed], [EXIT.failed, ""]);
  assert.match(refused.errors, /'upload.server.ip' is wrong: Cannot parse IP address/);
});

Deno.test("whose file it is, is told by its keys, by its name, or by --kind", async () => {
  const both = "jaeger: a\n";
  assert.match((await run({ "/f": both }, "convert", "/f")).errors, /Cannot tell whose file \/f is: add --kind/);
  assert.equal((await run({ "/scheduler.yml": both }, "convert", "/scheduler.yml")).code, EXIT.done);
  assert.equal((await run({ "/f": both }, "convert", "/f", "--kind", "manager")).code, EXIT.done);
  assert.equal((await run({ "/f": "scheduler: { backSourceCount: 3 }" }, "convert", "/f")).code, EXIT.done);
  assert.equal((await run({ "/f": both }, "convert", "/f", "--kind", "cat")).code, EXIT.usage);
});

Deno.test("config convert leaves a file of today alone", async () => {
  const { code, errors } = await run({ "/dfdaemon.yaml": "host: {}" }, "convert", "/dfdaemon.yaml");
  assert.equal(code, EXIT.failed);
  assert.match(errors, /has no key of an old form of dfdaemon/);
});

Deno.test("config check says what the component would say", async () => {
  const fine = await run({ "/scheduler.yaml": "server: { port: 1 }" }, "check", "/scheduler.yaml");
  assert.deepEqual([fine.code, fine.printed, fine.errors], [EXIT.done, "/scheduler.yaml is fine\n", ""]);
  const warned = await run(
    { "/f": "proxy: { readBufferSize: 1 }" },
    "check",
    "/f",
    "--kind",
    "dfdaemon",
  );
  assert.match(warned.errors, /^warning: \/f:1:\d+: 'proxy.readBufferSize' has no effect/);
  const wrong = await run({ "/dfdaemon.yaml": "hots: {}" }, "check", "/dfdaemon.yaml");
  assert.equal(wrong.code, EXIT.failed);
  assert.match(wrong.errors, /did you mean 'host'/);
  const old = await run({ "/dfdaemon.yaml": OLD }, "check", "/dfdaemon.yaml");
  assert.match(old.errors, /To convert it: damselfly config convert \/dfdaemon.yaml/);
});
