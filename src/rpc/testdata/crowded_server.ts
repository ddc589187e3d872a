/**
 * Child of listener_test.ts: a server in a process that runs out of file descriptors. It prints its port when they are
 * used up; when it reads a line it has them again, lets the time pass until the server looks around, and says so.
 */
import { silentLog } from "../../runtime/log.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { startRpcServer } from "../server.ts";
import { loopback } from "./calls.ts";

/** Turns of the event loop in which the server tries to accept who has come meanwhile. */
const TURNS = 50;

const clock = new VirtualClock();
const server = await startRpcServer({ listen: loopback, services: [], log: silentLog(), clock });
const files: Deno.FsFile[] = [];
try {
  for (;;) files.push(Deno.openSync("/dev/null"));
} catch {
  console.log(server.port);
}
const input = Deno.stdin.readable.getReader();
await input.read();
for (let turn = 0; turn < TURNS; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
for (const file of files) file.close();
await clock.advance(10_000);
console.log("free");
await input.read();
await server[Symbol.asyncDispose]();
