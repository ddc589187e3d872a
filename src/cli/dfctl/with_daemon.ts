import type { Command } from "commander";
import { DamselflyError, toDamselflyError } from "../../core/error.ts";
import { createRpcClient, type RpcClient } from "../../rpc/client.ts";
import type { ServiceDefinition } from "../../rpc/definition.ts";
import { failureText } from "../daemon_error.ts";
import type { Context } from "./context.ts";
import { timeoutOption } from "./leaf.ts";

const TIMEOUT_MS = 10_000;

/** What commands have that ask the dfdaemon of this host. */
export interface DaemonFlags {
  readonly endpoint: string;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Adds the options of {@link DaemonFlags}, and those that scripts give to Dragonfly's dfctl. */
export function withDaemonOptions(command: Command): Command {
  return command
    .option(
      "-e, --endpoint <path>",
      "unix socket of dfdaemon (download.server.socketPath of its YAML)",
      "/var/run/dragonfly/dfdaemon.sock",
    )
    .addOption(timeoutOption("longest wait for the answer, such as 30s", TIMEOUT_MS, "10s"))
    .option("-l, --log-level <level>", "accepted as in Dragonfly; dfctl keeps no log")
    .option("--console", "accepted as in Dragonfly; dfctl keeps no log");
}

/** Lets `work` ask a service of dfdaemon. What fails says so in the words of the other programs for it. */
export async function withDaemon<S extends ServiceDefinition, T>(
  { runtime: { clock, disk }, signal }: Context,
  flags: DaemonFlags & { readonly service: S },
  work: (
    client: RpcClient<S>,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ) => Promise<T>,
): Promise<T> {
  try {
    if (await disk.stat(flags.endpoint) === undefined) {
      throw new DamselflyError("unavailable", "there is no such socket");
    }
    using client = createRpcClient(flags.service, `unix:${flags.endpoint}`, { clock });
    return await work(client, { signal, timeoutMs: flags.timeout });
  } catch (error) {
    signal.throwIfAborted();
    const { code } = toDamselflyError(error, "internal", "Cannot ask dfdaemon");
    throw new DamselflyError(code, failureText(error, flags), { cause: error });
  }
}
