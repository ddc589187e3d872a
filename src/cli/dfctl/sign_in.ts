import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { DamselflyError } from "../../core/error.ts";
import { checked } from "../../runtime/command_line.ts";
import { readAs, Roles, sayDone, type ShowFlags, showJson, shownList, shownTime } from "./answers.ts";
import { formatFields } from "../table.ts";
import type { Choose, Context } from "./context.ts";
import { verb } from "./leaf.ts";
import { dropLogin, keepLogin, type Login, loginPath, managerUrl, readLogin } from "./login_file.ts";
import { signIn } from "./manager_client.ts";
import { ManagerHttp } from "./manager_http.ts";
import { askSecret } from "./secrets.ts";
import { withManager } from "./with_manager.ts";

interface LoginFlags {
  readonly user: string;
  readonly passwordStdin?: boolean;
  readonly tokenStdin?: boolean;
  readonly ca?: string;
}

/** `login`, `logout` and `whoami`. */
export function signInCommands(choose: Choose): Command[] {
  const login = verb("login", "Signs in at a manager; what opens it is kept for later commands.")
    .argument("<url>", "the manager's REST address, such as http://10.0.0.1:8080", checked(managerUrl))
    .addOption(new Option("-u, --user <name>", "who signs in").default("root").conflicts("tokenStdin"))
    .addOption(new Option("--password-stdin", "read the password from standard input").conflicts("tokenStdin"))
    .option("--token-stdin", "read a personal access token from standard input; it opens jobs and clusters only")
    .option("--ca <file>", "PEM file of the authority of the manager's certificate")
    .addOption(new Option("--insecure", "the manager's authority can be named with --ca").hideHelp());
  const logout = verb("logout", "Forgets what login kept.");
  const whoami = verb("whoami", "Shows who is signed in, and where.");
  return [
    login.action((url: string, flags: LoginFlags) => choose((context) => logIn(context, url, flags))),
    logout.action((flags: ShowFlags) => choose((context) => logOut(context, flags))),
    whoami.action((flags: ShowFlags) => choose((context) => showWhoami(context, flags))),
  ];
}

async function logIn(context: Context, url: string, flags: LoginFlags & ShowFlags): Promise<void> {
  const { runtime, terminal, signal } = context;
  const caCert = flags.ca === undefined ? undefined : resolve(flags.ca);
  using http = await ManagerHttp.open({ url, caCert }, context, signal);
  if (isSeenOnTheWay(url)) {
    terminal.printError(`Warning: ${url} is plain HTTP, so what is sent can be read on the way.\n`);
  }
  const login = flags.tokenStdin === true
    ? await checkedToken(context, http, caCert)
    : await signIn(http, { user: flags.user, password: await passwordOf(context, flags), caCert });
  await keepLogin(login, runtime);
  sayDone(context, flags, `Signed in at ${url}; ${loginPath(runtime)} keeps it.`);
}

function passwordOf(context: Context, { user, passwordStdin }: LoginFlags): Promise<string> {
  const what = context.input.isTty && passwordStdin !== true ? `password of ${user}` : "password";
  return askSecret(context, { what, flag: "--password-stdin", isOnStdin: passwordStdin === true });
}

/** Whether others on the network see a password; those of this machine do not count. */
function isSeenOnTheWay(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** A token with one scope opens one of the two groups; its own faults are told by both. */
async function checkedToken(context: Context, http: ManagerHttp, caCert: string | undefined): Promise<Login> {
  const what = { what: "personal access token", flag: "--token-stdin", isOnStdin: true };
  const token = await askSecret(context, what);
  const ask = (group: string) => http.send("GET", `/oapi/v1/${group}`, { token, query: { per_page: 1 } });
  try {
    await ask("jobs").catch((error) => {
      if (error instanceof DamselflyError && error.code === "permission_denied") return ask("clusters");
      throw error;
    });
  } catch (cause) {
    if (!(cause instanceof DamselflyError) || cause.code !== "unauthenticated") throw cause;
    throw new DamselflyError("unauthenticated", `${http.url} does not know this personal access token`, { cause });
  }
  return { kind: "token", url: http.url, token, ...(caCert === undefined ? {} : { caCert }) };
}

async function logOut(context: Context, flags: ShowFlags): Promise<void> {
  await dropLogin(context.runtime);
  sayDone(context, flags, "Signed out.");
}

async function showWhoami(context: Context, { json }: ShowFlags): Promise<void> {
  const login = await readLogin(context.runtime);
  const shown = login?.kind === "token"
    ? { manager: login.url, user: null, roles: null, ends: null }
    : await withManager(context, async (manager) => {
      const roles = readAs(Roles, await manager.send("GET", `users/${manager.userId}/roles`));
      const { login } = manager;
      const [user, ends] = login.kind === "session" ? [login.user, login.expire] : [null, null];
      return { manager: login.url, user, roles, ends };
    });
  if (json === true) return showJson(context.terminal, shown);
  context.terminal.print(formatFields({
    "MANAGER": shown.manager,
    "USER": shown.user ?? "a personal access token",
    "ROLES": shownList(shown.roles),
    "ENDS": shown.ends === null ? "-" : shownTime(shown.ends),
  }));
}
