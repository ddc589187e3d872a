/** A dfctl of a user who has nothing yet, as a test types it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDfctl } from "../../src/cli/dfctl/dfctl.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import type { Fetch } from "../../src/runtime/runtime.ts";

/** What one run of dfctl came to. */
export interface Ended {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** How a run differs from one without input, on no terminal. */
export interface RunOptions {
  /** What stands on standard input. */
  readonly input?: string;
  /** What a person types at the prompts, one after the other. */
  readonly typed?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly columns?: number;
  /** Called with all that is written to standard error. */
  readonly onError?: (text: string) => void;
}

/** A user's dfctl, with a home of its own. */
export class Dfctl implements AsyncDisposable {
  readonly home: string;
  readonly #clock: Clock;
  readonly #fetch: Fetch;

  private constructor(home: string, clock: Clock, fetch: Fetch) {
    this.home = home;
    this.#clock = clock;
    this.#fetch = fetch;
  }

  static async open({ clock = realClock(), fetch: given }: { clock?: Clock; fetch?: Fetch } = {}): Promise<Dfctl> {
    const home = await mkdtemp(join(tmpdir(), "dfctl-test-"));
    return new Dfctl(home, clock, given ?? ((input, init) => fetch(input, init)));
  }

  /** Where the login is kept. */
  get loginPath(): string {
    return join(this.home, ".config", "damselfly", "dfctl.json");
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    let [output, errors] = ["", ""];
    const typed = [...options.typed ?? []];
    const random = realRandom();
    const env: Readonly<Record<string, string>> = { HOME: this.home, ...options.env };
    const effects = {
      runtime: {
        ...{ clock: this.#clock, random, disk: realDisk(random), fetch: this.#fetch },
        env: (name: string) => env[name],
      },
      terminal: {
        isTty: false,
        columns: options.columns,
        print: (text: string) => void (output += text),
        printError: (text: string) => {
          errors += text;
          options.onError?.(text);
        },
      },
      input: {
        isTty: options.typed !== undefined,
        readHiddenLine: () => Promise.resolve(typed.shift() ?? ""),
        readAll: () => Promise.resolve(options.input ?? ""),
      },
    };
    const signal = options.signal ?? new AbortController().signal;
    const code = await runDfctl(args, effects, signal);
    return { code, output, errors };
  }

  /** What a run that must succeed prints. */
  async output(...args: readonly string[]): Promise<string> {
    const { code, output, errors } = await this.run(args);
    if (code !== 0) throw new Error(`dfctl ${args.join(" ")} ends with ${code}: ${errors}`);
    return output;
  }

  /** The JSON that a run prints which must succeed. */
  // deno-lint-ignore no-explicit-any -- a test says by its assertions what it expects
  async json(...args: readonly string[]): Promise<any> {
    return JSON.parse(await this.output(...args, "--json"));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.home, { recursive: true });
  }
}
