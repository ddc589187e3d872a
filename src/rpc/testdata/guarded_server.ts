/** Child of http2_guard_test.ts: serves on a port that it prints, until its standard input ends. */
import { silentLog } from "../../runtime/log.ts";
import { startRpcServer } from "../server.ts";
import { clock, loopback } from "./calls.ts";

await using server = await startRpcServer({
  listen: loopback,
  services: [],
  log: silentLog(),
  clock,
});
console.log(server.port);
await Array.fromAsync(Deno.stdin.readable);
