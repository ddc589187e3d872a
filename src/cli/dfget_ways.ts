import { DamselflyError, type ErrorCode } from "../core/error.ts";
import type { Terminal } from "../runtime/terminal.ts";
import { failureText, statusOf } from "./daemon_error.ts";
import { DaemonWay } from "./dfget_daemon.ts";
import type { DfgetPlan } from "./dfget_plan.ts";
import { SourceWay, type SourceWayRuntime } from "./dfget_source.ts";
import type { Way } from "./dfget_way.ts";

/** Failures of dfdaemon's own, in spite of which the source may have the content. */
const PASSED_OVER: ReadonlySet<ErrorCode> = new Set(["unavailable", "internal", "resource_exhausted", "unimplemented"]);

/**
 * Through dfdaemon as long as that can do it, and from the source else, which is never silent: what is downloaded so is
 * not shared with anybody.
 */
export class Ways implements Disposable {
  readonly #plan: DfgetPlan;
  readonly #runtime: SourceWayRuntime;
  readonly #terminal: Terminal;
  readonly #opened = new DisposableStack();
  readonly #daemon: DaemonWay;
  readonly #warned = new Set<string>();
  #source: Promise<SourceWay> | undefined;
  #isAlone = false;

  constructor(plan: DfgetPlan, runtime: SourceWayRuntime, terminal: Terminal) {
    this.#plan = plan;
    this.#runtime = runtime;
    this.#terminal = terminal;
    this.#daemon = this.#opened.use(new DaemonWay(plan, runtime));
  }

  /** What `ask` gets from the first way that can do it. */
  async through<T>(ask: (way: Way) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (!this.#isAlone) {
      try {
        return await ask(this.#daemon);
      } catch (error) {
        signal.throwIfAborted();
        if (this.#plan.disableBackToSource === true || !mayPassOver(error)) throw error;
        this.#warn(error);
      }
    }
    return await ask(await this.#fromSource());
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
  }

  #fromSource(): Promise<SourceWay> {
    const tell = (text: string) => this.#terminal.printError(`dfget: ${text}\n`);
    return this.#source ??= SourceWay.open({ plan: this.#plan, runtime: this.#runtime, tell })
      .then((way) => this.#opened.use(way));
  }

  #warn(error: unknown): void {
    if (error instanceof DamselflyError && error.code === "unavailable") this.#isAlone = true;
    const why = failureText(error, this.#plan);
    if (this.#warned.has(why)) return;
    this.#warned.add(why);
    this.#terminal.printError(
      `dfget: warning: ${why}; the download goes to the source itself, without peers, and is shared with nobody\n`,
    );
  }
}

/** Whether the source is worth a try: not when it was asked and refused, or gave something else than it should. */
function mayPassOver(error: unknown): boolean {
  if (!(error instanceof DamselflyError)) return false;
  return error.code === "source_error" ? statusOf(error) === undefined : PASSED_OVER.has(error.code);
}
