import "../rpc/http2_guard.ts";
import * as os from "node:os";
import { runDoctor } from "../doctor/doctor.ts";
import { realClock } from "../runtime/clock.ts";
import { localIps } from "../runtime/local_ips.ts";
import { runProgram } from "../runtime/main.ts";
import { realRandom } from "../runtime/random.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { realNet } from "../runtime/real_net.ts";
import { realTerminal } from "../runtime/terminal.ts";

export { doctorCommand as command } from "../doctor/doctor_command.ts";

/** Runs the doctor with the arguments of a command line. */
export function run(args: readonly string[]): Promise<never> {
  const runtime = {
    ...{ clock: realClock(), disk: realDisk(realRandom()), net: realNet(), localIps },
    fetch: (input: string | URL, init?: RequestInit) => fetch(input, init),
    env: (name: string) => Deno.env.get(name),
    hostname: () => os.hostname(),
  };
  const architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";
  return runProgram("doctor", (signal) => runDoctor(args, { runtime, terminal: realTerminal(), architecture }, signal));
}

if (import.meta.main) await run(Deno.args);
