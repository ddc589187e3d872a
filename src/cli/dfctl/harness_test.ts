/** dfctl with a manager that answers as a test says. */
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { runDfctl } from "./dfctl.ts";

/** A request to the manager; the path is that below `/oapi/v1/`. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  // deno-lint-ignore no-explicit-any -- a test says by its assertions what it expects
  readonly body: any;
}

/** Runs dfctl with a token; `secret` is what is typed at a prompt and stands on standard input. */
export async function runDfctlWith(answerTo: (asked: Asked) => unknown, args: readonly string[], secret = "hush") {
  const asked: Asked[] = [];
  let [output, errors] = ["", ""];
  const runtime = testRuntime({
    disk: new MemoryDisk(),
    env: { DFCTL_MANAGER: "http://m", DFCTL_TOKEN: "t" },
    fetch: (input, init) => {
      const path = new URL(input).pathname.replace("/oapi/v1/", "");
      const body = init?.body === undefined ? undefined : JSON.parse(String(init.body));
      const request = { method: init?.method ?? "GET", path, body };
      asked.push(request);
      return Promise.resolve(Response.json(answerTo(request)));
    },
  });
  const terminal = {
    isTty: false,
    print: (text: string) => void (output += text),
    printError: (text: string) => void (errors += text),
  };
  const input = {
    isTty: true,
    readHiddenLine: () => Promise.resolve(secret),
    readAll: () => Promise.resolve(`${secret}\n`),
  };
  const code = await runDfctl(args, { runtime, terminal, input }, new AbortController().signal);
  return { code, output, errors, asked };
}
