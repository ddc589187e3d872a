import { type Command, Option } from "commander";
import { formatHostPort, parseGrpcAddress } from "../../config/addresses.ts";
import { DamselflyError, toDamselflyError } from "../../core/error.ts";
import { createRpcClient, type RpcClient } from "../../rpc/client.ts";
import type { ServiceDefinition } from "../../rpc/definition.ts";
import { checked } from "../../runtime/command_line.ts";
import { formatMs } from "../format.ts";
import type { Context } from "./context.ts";

/** Which scheduler is asked. */
export interface SchedulerFlags {
  /** `host:port`. */
  readonly schedulerEndpoint: string;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Adds `--scheduler-endpoint`, which must be given. */
export function withSchedulerEndpoint(command: Command): Command {
  return command.addOption(schedulerEndpoint().makeOptionMandatory());
}

/** `--scheduler-endpoint`. */
export function schedulerEndpoint(what = "the scheduler, such as http://10.0.0.2:8002"): Option {
  return new Option("--scheduler-endpoint <address>", what).argParser(checked(schedulerAddress));
}

/** `host:port` of a scheduler's URL. Throws `invalid_argument`. */
export function schedulerAddress(text: string): string {
  const { tls, ...address } = parseGrpcAddress(text);
  if (!tls) return formatHostPort(address);
  const message = "expected http://host:port: dfctl has no certificate for a scheduler with mutual TLS";
  throw new DamselflyError("unimplemented", message);
}

/** Lets `work` ask a service of a scheduler. */
export async function withScheduler<S extends ServiceDefinition, T>(
  { runtime: { clock }, signal }: Context,
  { schedulerEndpoint: address, timeout: timeoutMs, service }: SchedulerFlags & { readonly service: S },
  work: (
    client: RpcClient<S>,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ) => Promise<T>,
): Promise<T> {
  try {
    using client = createRpcClient(service, address, { clock });
    return await work(client, { signal, timeoutMs });
  } catch (error) {
    signal.throwIfAborted();
    throw schedulerFailure(toDamselflyError(error, "internal", "Cannot ask the scheduler"), address, timeoutMs);
  }
}

/** What went wrong, in words for people; what the scheduler itself said is the `details` of its status. */
function schedulerFailure(error: DamselflyError, address: string, timeoutMs: number): DamselflyError {
  const { details } = (error.cause ?? {}) as { details?: unknown };
  const said = typeof details === "string" && details !== "" ? details : error.message;
  const text = error.code === "timeout"
    ? `The scheduler at ${address} gave no answer within ${formatMs(timeoutMs)}: --timeout sets another limit`
    : error.code === "unavailable"
    ? `Cannot ask the scheduler at ${address}: ${said}`
    : said;
  return new DamselflyError(error.code, text, { cause: error });
}
