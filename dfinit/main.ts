import { realDisk } from "../src/runtime/real_disk.ts";
import { realRandom } from "../src/runtime/random.ts";
import { runDfinit } from "./cli.ts";

if (import.meta.main) {
  const encoder = new TextEncoder();
  Deno.exitCode = await runDfinit(Deno.args, {
    disk: realDisk(realRandom()),
    env: (name) => Deno.env.get(name),
    print: (text) => void Deno.stdout.writeSync(encoder.encode(text)),
    printError: (text) => void Deno.stderr.writeSync(encoder.encode(text)),
  });
}
