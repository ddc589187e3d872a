import { dirname, join } from "node:path";
import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** Nobody but the user reads what opens the manager. */
const FILE_MODE = 0o600;
const OTHERS = 0o077;
const TEXT_CHARACTERS_MAX = 64 * 1024;

const Manager = { url: z.url(), caCert: z.string().optional() };
const Login = z.discriminatedUnion("kind", [
  z.strictObject({ ...Manager, kind: z.literal("session"), user: z.string(), token: z.string(), expire: z.string() }),
  z.strictObject({ ...Manager, kind: z.literal("token"), token: z.string() }),
]);

/**
 * How dfctl is signed in: a session of a user, or a personal access token. `caCert` is the path of a PEM file with the
 * authority of the manager's certificate.
 */
export type Login = z.output<typeof Login>;

type Parts = Pick<Runtime, "disk" | "env">;

/** Where the login is kept: `damselfly/dfctl.json` in `XDG_CONFIG_HOME`, or in `~/.config`. */
export function loginPath({ env }: Pick<Runtime, "env">): string {
  const [config, home] = [env("XDG_CONFIG_HOME"), env("HOME")];
  if (config !== undefined && config !== "") return join(config, "damselfly", "dfctl.json");
  if (home !== undefined && home !== "") return join(home, ".config", "damselfly", "dfctl.json");
  throw new DamselflyError("failed_precondition", "Cannot find the login: neither XDG_CONFIG_HOME nor HOME is set");
}

/**
 * The login of the environment (`DFCTL_MANAGER`, `DFCTL_TOKEN`, `DFCTL_CA_CERT`) or of the file; undefined when there is
 * none. A file that others may read is closed to them. Throws `failed_precondition` when it cannot be used.
 */
export async function readLogin(parts: Parts): Promise<Login | undefined> {
  return loginOfEnvironment(parts) ?? await readFile(parts);
}

function loginOfEnvironment({ env }: Parts): Login | undefined {
  const [url = "", token = "", caCert = ""] = [env("DFCTL_MANAGER"), env("DFCTL_TOKEN"), env("DFCTL_CA_CERT")];
  if (url === "" && token === "") return undefined;
  if (url === "" || token === "") {
    const message = "Cannot sign in by the environment: DFCTL_MANAGER and DFCTL_TOKEN are needed, and one is not set";
    throw new DamselflyError("failed_precondition", message);
  }
  return { kind: "token", url: managerUrl(url), token, ...(caCert === "" ? {} : { caCert }) };
}

async function readFile(parts: Parts): Promise<Login | undefined> {
  const { disk } = parts;
  const path = loginPath(parts);
  const stat = await disk.stat(path);
  if (stat === undefined) return undefined;
  if ((stat.mode & OTHERS) !== 0) await disk.setMode(path, FILE_MODE);
  const text = stat.size > TEXT_CHARACTERS_MAX ? "" : await disk.readText(path);
  const parsed = Login.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new DamselflyError("failed_precondition", `Cannot use ${path}: it is no login; dfctl login writes it anew`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema says what is wrong
  }
}

/** Keeps a login, with all of it or the one before in the file, never a part. Throws what the disk throws. */
export async function keepLogin(login: Login, parts: Parts): Promise<void> {
  const path = loginPath(parts);
  await parts.disk.mkdirAll(dirname(path));
  await parts.disk.writeTextAtomic(path, `${JSON.stringify(login, undefined, 2)}\n`, { mode: FILE_MODE });
}

/** Forgets the login. */
export async function dropLogin(parts: Parts): Promise<void> {
  await parts.disk.remove(loginPath(parts));
}

/** The URL of a manager: scheme, host and port. Throws `invalid_argument`. */
export function managerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWhole = url !== undefined && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" &&
    url.pathname === "/" && url.search === "" && url.hash === "";
  if (isWhole) return url.origin;
  throw new DamselflyError(
    "invalid_argument",
    "expected the manager's URL without a path, such as http://10.0.0.1:8080",
  );
}
