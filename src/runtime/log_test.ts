import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { jsonLog, openLog } from "./log.ts";
import { LogLines } from "./log_lines.ts";
import { inRequest } from "./tracing.ts";

Deno.test("a log on a full disk loses lines and nothing else", () => {
  const fd = openSync("/dev/full", "a");
  const log = jsonLog("dfdaemon", { fd });
  for (let n = 0; n < 3; n++) log.info("nobody reads this");
  closeSync(fd);
});

Deno.test("lines that were lost are counted, and a torn one spoils no other", () => {
  let [room, text] = [20, ""];
  const lines = new LogLines(1, (count) => `lost ${count}\n`, (bytes) => {
    if (room === 0) throw new Error("ENOSPC");
    const part = bytes.subarray(0, room);
    room -= part.length;
    text += new TextDecoder().decode(part);
    return part.length;
  });
  for (const line of ["first line\n", "second line\n", "third line\n"]) lines.write(line);
  assert.equal(text, "first line\nsecond li");
  room = 1_000;
  for (const line of ["fourth line\n", "fifth line\n"]) lines.write(line);
  assert.equal(text, "first line\nsecond li\nlost 2\nfourth line\nfifth line\n");
});

Deno.test("the level of a log can be changed while it is used", () => {
  const path = Deno.makeTempFileSync();
  const fd = openSync(path, "a");
  try {
    const log = jsonLog("dfdaemon", { fd, level: "warn" });
    log.info("one");
    log.setLevel("info");
    log.info("two");
    const lines = readFileSync(path, "utf8").trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ level, component, msg }) => [level, component, msg]), [["info", "dfdaemon", "two"]]);
  } finally {
    closeSync(fd);
    Deno.removeSync(path);
  }
});

/** What `write` logs, as it stands in the file. */
function logged(options: { readonly isForPeople?: boolean }, write: (log: ReturnType<typeof openLog>) => void): string {
  const path = Deno.makeTempFileSync();
  const fd = openSync(path, "a");
  try {
    write(openLog("dfdaemon", { ...options, fd }));
    return readFileSync(path, "utf8");
  } finally {
    closeSync(fd);
    Deno.removeSync(path);
  }
}

Deno.test("lines that are written for a request have its id, also those of its later steps", async () => {
  let later: Promise<void> | undefined;
  const text = logged({}, (log) => {
    log.info("before");
    inRequest({ requestId: "4bf9" }, () => {
      log.child({ peerId: "p" }).info("within");
      later = Promise.resolve().then(() => assert.equal(log.level, "info"));
    });
    log.info("after");
  });
  await later;
  const ids = text.trim().split("\n").map((line) => JSON.parse(line)).map(({ msg, requestId }) => [msg, requestId]);
  assert.deepEqual(ids, [["before", undefined], ["within", "4bf9"], ["after", undefined]]);
});

Deno.test("lines for people have the time, the level, the message and the facts, and no secret either", () => {
  const text = logged({ isForPeople: true }, (log) => {
    log.info("A task is complete", { taskId: "abc", durationMs: 41, url: "https://a/b c", password: "lovelace" });
    log.warn("It is late");
  });
  assert.match(
    text,
    /^\d\d:\d\d:\d\d\.\d{3} info {2}A task is complete taskId=abc durationMs=41 url="https:\/\/a\/b c" password=\[redacted\]\n/,
  );
  assert.match(text, /\d warn {2}It is late\n$/);
});

Deno.test("nothing from outside gives orders to the terminal of people, or begins a line of its own", () => {
  const text = logged({ isForPeople: true }, (log) => {
    log.info("Gave library/\x1b[2Japp\nnext", { host: "a\x1b]0;b\x07", tag: "c\x9b2J", "d\x1b": 1 });
  });
  assert.ok(
    text.endsWith(
      "Gave library/\\u001b[2Japp\\u000anext host=a\\u001b]0;b\\u0007 tag=c\\u009b2J d\\u001b=1\n",
    ),
    JSON.stringify(text),
  );
});
