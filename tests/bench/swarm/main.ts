/**
 * How fast an image comes to all nodes at once, on links that have a limit: what is measured is in `run.ts`. It needs a
 * machine whose processors are not the limit, and says when they were.
 *
 * All of it runs in namespaces of its own, so that nothing on the machine is touched and nothing stays.
 *
 *     deno task bench:swarm --help
 */
import { once } from "node:events";
import { spawn } from "node:child_process";
import { inOwnNamespaces } from "../../e2e/lib/own_namespaces.ts";
import { findProgram } from "../../e2e/lib/programs.ts";
import { BIN_DIR_VARIABLE } from "../../interop/lib/stock_programs.ts";
import { missingHere, parseOptions, USAGE } from "./options.ts";

const INSIDE = new URL("./inside.ts", import.meta.url).pathname;

/** Runs the bench with a command line; the result is its exit code. */
async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  const options = parseOptions(args);
  const machine = { os: Deno.build.os, uid: Deno.uid(), stockDir: Deno.env.get(BIN_DIR_VARIABLE) };
  const missing = missingHere(options, machine, (name) => findProgram(name) !== undefined);
  if (missing.length > 0) throw new Error(`Cannot measure here: needs ${missing.join(", ")}`);
  const [command, all] = inOwnNamespaces(Deno.execPath(), ["run", "-q", "-A", INSIDE, ...args]);
  const dir = await Deno.makeTempDir({ prefix: "damselfly-swarm-" });
  // It ends when its input does: with this process, or with the first signal, which reaches it in no other way.
  const inside = spawn(command, all, {
    ...{ stdio: ["pipe", "inherit", "inherit"], detached: true },
    env: { ...Deno.env.toObject(), TMPDIR: dir },
  });
  let isInterrupted = false;
  const interrupt = () => {
    isInterrupted = true;
    inside.stdin?.end();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, interrupt);
  const [code] = await once(inside, "exit");
  // What a failure has left for whoever looks into it stays.
  await Deno.remove(dir, { recursive: isInterrupted }).catch(() => {});
  return typeof code === "number" ? code : 1;
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  console.error((error as Error).message);
  Deno.exit(2);
}
