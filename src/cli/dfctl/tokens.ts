import { type Command, Option } from "commander";
import * as z from "zod";
import { parseDuration } from "../../config/durations.ts";
import { readAs, sayDone, type ShowFlags, showJson, shownList, shownTime } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { listVerb, noun, option, verb } from "./leaf.ts";
import { idOf, showList, withManager } from "./with_manager.ts";

const PATH = "personal-access-tokens";
const DAY_MS = 24 * 60 * 60 * 1_000;
const SCOPES = ["job", "cluster"];

const Token = z.object({
  id: z.int(),
  name: z.string(),
  state: z.string(),
  scopes: z.array(z.string()).nullable(),
  expired_at: z.string(),
  user: z.object({ name: z.string() }).nullable(),
});
const NewToken = z.object({ id: z.int(), token: z.string() });

interface CreationFlags extends ShowFlags {
  readonly expires: number;
  readonly scope?: string;
  readonly description?: string;
  readonly user?: string;
}

/** `token list|create|revoke`: personal access tokens. */
export function tokenCommand(choose: Choose): Command {
  const list = listVerb("Lists personal access tokens; the secrets are shown only where they are made.");
  const create = verb("create", "Makes a token, and prints its secret, which nobody can show again.")
    .argument("<name>", "its name")
    .addOption(option("--expires <duration>", "how long it is good for", parseDuration).default(90 * DAY_MS, "90d"))
    .addOption(new Option("--scope <scope>", "what it opens; both when left out").choices(SCOPES))
    .option("--description <text>", "what it is for")
    .option("--user <user>", "id or name of the user it belongs to; you when left out");
  const revoke = verb("revoke", "Removes a token, which then opens nothing.").argument("<id>", "its id");
  return noun("token", "Personal access tokens, for scripts.", [
    list.action((flags: ShowFlags & { limit: number }) =>
      choose((context) => showList(context, flags, { path: PATH, schema: Token, rowOf }))
    ),
    create.action((name: string, flags: CreationFlags) => choose((context) => createToken(context, name, flags))),
    revoke.action((id: string, flags: ShowFlags) =>
      choose(async (context) => {
        await withManager(context, (manager) => manager.send("DELETE", `${PATH}/${encodeURIComponent(id)}`));
        sayDone(context, flags, `Token ${id} is revoked.`);
      })
    ),
  ]);
}

/** The secret is all there is on standard output, so that a script can take it. */
async function createToken(context: Context, name: string, flags: CreationFlags): Promise<void> {
  const { runtime: { clock }, terminal } = context;
  const answer = await withManager(context, async (manager) => {
    const user_id = flags.user === undefined ? manager.userId : await idOf(manager, "users", flags.user);
    const expired_at = new Date(clock.wallMs() + flags.expires).toISOString();
    const scopes = flags.scope === undefined ? SCOPES : [flags.scope];
    return await manager.send("POST", PATH, { body: { name, bio: flags.description, user_id, expired_at, scopes } });
  });
  if (flags.json === true) return showJson(terminal, answer);
  const { id, token } = readAs(NewToken, answer);
  terminal.print(`${token}\n`);
  terminal.printError(`This is the secret of token ${id}; it is shown this once.\n`);
}

function rowOf({ id, name, state, scopes, expired_at, user }: z.output<typeof Token>) {
  return {
    "ID": String(id),
    "NAME": name,
    "USER": user?.name ?? "-",
    "STATE": state,
    "SCOPES": shownList(scopes),
    "EXPIRES": shownTime(expired_at),
  };
}
