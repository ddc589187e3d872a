import { type Command, Option } from "commander";
import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { readAs, Roles, sayDone, type ShowFlags, shownList, shownTime, showOne } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { listVerb, noun, verb } from "./leaf.ts";
import { keepLogin } from "./login_file.ts";
import { signIn } from "./manager_client.ts";
import { ManagerHttp } from "./manager_http.ts";
import { askSecret } from "./secrets.ts";
import { idOf, showList, withManager } from "./with_manager.ts";

const PATH = "users";
const TWO_PASSWORDS_BYTES_MAX = 8_192;

const User = z.object({
  id: z.int(),
  name: z.string(),
  email: z.string(),
  state: z.string(),
  location: z.string(),
  created_at: z.string(),
});

interface CreationFlags extends ShowFlags {
  readonly email: string;
  readonly passwordStdin?: boolean;
}

type PasswordFlags = ShowFlags & { readonly passwordsStdin?: boolean };

/** `user list|show|create|enable|disable|grant|revoke|reset-password`. */
export function userCommand(choose: Choose): Command {
  const which = "id or name of the user";
  const list = listVerb("Lists users.")
    .addOption(new Option("--state <state>", "only those in this state").choices(["enable", "disable"]));
  const show = verb("show", "Shows a user.").argument("<user>", which);
  const create = verb("create", "Makes a user with the role guest.").argument("<name>", "the name to sign in with")
    .requiredOption("--email <address>", "e-mail address")
    .option("--password-stdin", "read the password from standard input");
  const reset = verb("reset-password", "Changes a password, with the old one.")
    .argument("[user]", `${which}; you when left out`)
    .option("--passwords-stdin", "read the old and the new password from standard input, a line each");
  const state = (name: "enable" | "disable", description: string) =>
    verb(name, description).argument("<user>", which)
      .action((user: string, flags: ShowFlags) => choose((context) => setState(context, user, name, flags)));
  const role = (name: "grant" | "revoke", description: string) =>
    verb(name, description).argument("<user>", which).argument("<role>", "such as root or guest")
      .action((user: string, role: string, flags: ShowFlags) =>
        choose((context) => setRole(context, { user, role, isGiven: name === "grant" }, flags))
      );
  return noun("user", "Users, their roles and passwords.", [
    list.action((flags: ShowFlags & { limit: number; state?: string }) =>
      choose((context) => showList(context, flags, { path: PATH, query: { state: flags.state }, schema: User, rowOf }))
    ),
    show.action((user: string, flags: ShowFlags) => choose((context) => showUser(context, user, flags))),
    create.action((name: string, flags: CreationFlags) => choose((context) => createUser(context, name, flags))),
    state("enable", "Lets a user sign in again."),
    state("disable", "Ends a user's sessions and tokens, and lets him sign in no more."),
    role("grant", "Gives a role to a user."),
    role("revoke", "Takes a role from a user."),
    reset.action((user: string | undefined, flags: PasswordFlags) =>
      choose((context) => resetPassword(context, user, flags))
    ),
  ]);
}

async function showUser(context: Context, user: string, flags: ShowFlags): Promise<void> {
  const { row, roles } = await withManager(context, async (manager) => {
    const path = `${PATH}/${await idOf(manager, PATH, user)}`;
    const row = await manager.send("GET", path);
    return { row, roles: flags.json === true ? [] : readAs(Roles, await manager.send("GET", `${path}/roles`)) };
  });
  showOne(context, flags, { row, schema: User, fieldsOf: (user) => ({ ...rowOf(user), "ROLES": shownList(roles) }) });
}

async function createUser(context: Context, name: string, flags: CreationFlags): Promise<void> {
  const { email, passwordStdin: isOnStdin = false } = flags;
  const password = await askSecret(context, { what: "password of the user", flag: "--password-stdin", isOnStdin });
  const row = await withManager(context, (manager) => {
    return manager.send("POST", `${PATH}/signup`, { body: { name, email, password } });
  });
  showOne(context, flags, { row, schema: User, fieldsOf: rowOf });
}

async function setState(context: Context, user: string, state: string, flags: ShowFlags): Promise<void> {
  const row = await withManager(context, async (manager) => {
    return await manager.send("PATCH", `${PATH}/${await idOf(manager, PATH, user)}`, { body: { state } });
  });
  showOne(context, flags, { row, schema: User, fieldsOf: rowOf });
}

async function setRole(
  context: Context,
  { user, role, isGiven }: { readonly user: string; readonly role: string; readonly isGiven: boolean },
  flags: ShowFlags,
): Promise<void> {
  await withManager(context, async (manager) => {
    const path = `${PATH}/${await idOf(manager, PATH, user)}/roles/${encodeURIComponent(role)}`;
    await manager.send(isGiven ? "PUT" : "DELETE", path).catch((error) => {
      throw roleFailure(error, { user, role });
    });
  });
  sayDone(context, flags, isGiven ? `${user} has the role ${role}.` : `${user} has the role ${role} no more.`);
}

/** Where nothing is to be changed the manager has a status and no words (manager-rest.md §1.2). */
function roleFailure(error: unknown, { user, role }: { user: string; role: string }): unknown {
  if (!(error instanceof DamselflyError) || !/answers HTTP (404|409)$/.test(error.message)) return error;
  const what = error.code === "not_found" ? `does not have the role ${role}` : `has the role ${role} already`;
  return new DamselflyError(error.code, `${user} ${what}`, { cause: error });
}

/** A new password ends all sessions of its user; for the user who is signed in here another begins at once. */
async function resetPassword(context: Context, user: string | undefined, flags: PasswordFlags): Promise<void> {
  const { runtime, signal } = context;
  const [old_password, new_password] = await oldAndNew(context, flags);
  await withManager(context, async (manager) => {
    const { login, userId } = manager;
    const id = user === undefined ? userId : await idOf(manager, PATH, user);
    if (id === undefined) {
      throw new DamselflyError("failed_precondition", "A personal access token is no user: say whose password it is");
    }
    using http = await ManagerHttp.open(login, context, signal);
    // Whoever knows the old password needs no session. With one, a refusal would renew it and cost a second guess.
    const change = http.send("POST", `/api/v1/${PATH}/${id}/reset_password`, { body: { old_password, new_password } });
    await change.catch((error) => {
      throw passwordFailure(error);
    });
    if (login.kind !== "session" || id !== userId) return;
    await keepLogin(await signIn(http, { ...login, password: new_password }), runtime);
  });
  sayDone(context, flags, "The password is changed.");
}

/** Nobody asks who is signed in, so that a 401 is about the password (manager-rest.md §1.1). */
function passwordFailure(error: unknown): unknown {
  if (!(error instanceof DamselflyError) || error.code !== "unauthenticated") return error;
  const message = "Cannot change the password: the old one is wrong, or the user is disabled";
  return new DamselflyError("unauthenticated", message, { cause: error });
}

async function oldAndNew(context: Context, flags: PasswordFlags): Promise<[string, string]> {
  const flag = "--passwords-stdin";
  if (flags.passwordsStdin !== true) {
    const ask = (what: string) => askSecret(context, { what, flag, isOnStdin: false });
    const [old, first, second] = [
      await ask("old password"),
      await ask("new password"),
      await ask("new password again"),
    ];
    if (first === second) return [old, first];
    throw new DamselflyError("invalid_argument", "The new password was not the same both times");
  }
  const text = await context.input.readAll(TWO_PASSWORDS_BYTES_MAX, context.signal);
  const [old = "", next = "", ...more] = text.replace(/\r?\n$/, "").split(/\r?\n/);
  if (old !== "" && next !== "" && more.length === 0) return [old, next];
  throw new DamselflyError("invalid_argument", `${flag} expects two lines: the old password and the new one`);
}

function rowOf({ id, name, email, state, location, created_at }: z.output<typeof User>) {
  return {
    "ID": String(id),
    "NAME": name,
    "EMAIL": email || "-",
    "STATE": state,
    "LOCATION": location || "-",
    "CREATED": shownTime(created_at),
  };
}
