import assert from "node:assert/strict";
import { EXIT, StopWish } from "./main.ts";

const MAIN = new URL("main.ts", import.meta.url).href;
const TERMINAL = new URL("terminal.ts", import.meta.url).href;

/** Runs `body` in a process of its own, sends it the signals once it has written something, and tells how it ended. */
async function runScript(body: string, signals: readonly Deno.Signal[]) {
  const imports = `import { runProgram, untilStopped } from "${MAIN}"; import { realTerminal } from "${TERMINAL}";`;
  const command = new Deno.Command(Deno.execPath(), {
    ...{ args: ["eval", "--quiet", `${imports}\n${body}`], stdout: "piped", stderr: "piped" },
  });
  await using process = command.spawn();
  let [out, errors] = ["", ""];
  const decoder = new TextDecoder();
  const errorsRead = (async () => {
    for await (const chunk of process.stderr) errors += decoder.decode(chunk);
  })();
  for await (const chunk of process.stdout) {
    if (out === "") { for (const signal of signals) process.kill(signal); }
    out += decoder.decode(chunk);
  }
  await errorsRead;
  return { code: (await process.status).code, out, errors };
}

/** Something long-lived that says when it is open, and takes a few turns of the event loop to close. */
const opened = (closing: string) =>
  `await untilStopped(() => {
    console.log("open");
    return Promise.resolve({ async [Symbol.asyncDispose]() { await fetch("data:,"); ${closing} } });
  }, signal); return 0;`;

Deno.test("what is long-lived is closed when a signal comes, even when it comes twice as one Ctrl-C does", async () => {
  const body = `await runProgram("part", async (signal) => { ${opened('console.log("closed");')} })`;
  assert.deepEqual(await runScript(body, ["SIGINT", "SIGINT"]), { code: 0, out: "open\nclosed\n", errors: "" });
  assert.deepEqual(await runScript(body, ["SIGTERM"]), { code: 0, out: "open\nclosed\n", errors: "" });
});

Deno.test("what cannot be closed ends with 1 and says why", async () => {
  const body = `await runProgram("part", async (signal) => { ${opened('throw new Error("Cannot close it");')} })`;
  assert.deepEqual(await runScript(body, ["SIGTERM"]), { code: 1, out: "open\n", errors: "part: Cannot close it\n" });
});

Deno.test("work that gives up because of a signal ends with 130 and says nothing", async () => {
  const work = `await new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    setInterval(() => {}, 1000);
    console.log("working");
  });`;
  const body = `await runProgram("work", async (signal) => { ${work} return 0; })`;
  assert.deepEqual(await runScript(body, ["SIGINT"]), { code: EXIT.interrupted, out: "working\n", errors: "" });
});

Deno.test("a failure is one line on standard error, without a stack", async () => {
  const body = `await runProgram("work", () => Promise.reject(new Error("Cannot work", { cause: new Error("why") })))`;
  assert.deepEqual(await runScript(body, []), { code: 1, out: "", errors: "work: Cannot work: why\n" });
});

Deno.test("a signal a second after the first is another wish", () => {
  let now = 5;
  const wish = new StopWish({ now: () => now });
  assert.equal(wish.take(), "stop");
  now += 999;
  assert.equal(wish.take(), "wait");
  now += 1;
  assert.equal(wish.take(), "end at once");
});

Deno.test("what nobody reads any more is dropped, and the program goes on", async () => {
  const body = `const { print, printError } = realTerminal();
    for (let line = 0; line < 100_000; line++) print("a line of text that somebody might have read\\n");
    printError("still here\\n");`;
  const imports = `import { realTerminal } from "${TERMINAL}";`;
  const command = new Deno.Command(Deno.execPath(), {
    ...{ args: ["eval", "--quiet", `${imports}\n${body}`], stdout: "piped", stderr: "piped" },
  });
  await using process = command.spawn();
  const reader = process.stdout.getReader();
  await reader.read();
  await reader.cancel();
  assert.equal(await new Response(process.stderr).text(), "still here\n");
  assert.equal((await process.status).code, 0);
});
