/**
 * Child of listener_test.ts: a server in a process that runs out of file descriptors, on the unix socket that its
 * argument names, or on a port. It prints its port, and repeats each line that it reads: at "crowd" it uses up all
 * descriptors, by then Deno has those for standard input and signals; at "free" it has them again, and looks around as it
 * does now and then.
 */
import { silentLog } from "../../runtime/log.ts";
import { startRpcServer } from "../server.ts";
import { clock as realTime, loopback } from "./calls.ts";

const lookAround: (() => void)[] = [];
const clock = {
  ...realTime,
  every(_ms: number, run: () => void) {
    lookAround.push(run);
    return { [Symbol.dispose]() {} };
  },
};
const [unixPath] = Deno.args;
const listen = unixPath === undefined ? loopback : { unixPath };
await using server = await startRpcServer({ listen, services: [], log: silentLog(), clock });
// Deno sets up its way to signals with the first one that is wanted, and cannot do that without descriptors.
Deno.addSignalListener("SIGUSR2", () => {});
const files: Deno.FsFile[] = [];
console.log(server.port);
for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  if (line.trim() === "crowd") useUp();
  if (line.trim() === "free") {
    for (const file of files) file.close();
    for (const run of lookAround) run();
  }
  console.log(line.trim());
}
Deno.exit(0);

function useUp(): void {
  try {
    for (;;) files.push(Deno.openSync("/dev/null"));
  } catch {
    // There are no more.
  }
}
