import type { Command } from "commander";
import * as z from "zod";
import { readAs, type ShowFlags, shownTime, showOne } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { listVerb, noun, verb } from "./leaf.ts";
import { ID_OR_NAME, idOf, showList, withManager } from "./with_manager.ts";

const PATH = "configs";

const Config = z.object({ id: z.int(), name: z.string(), value: z.string(), bio: z.string(), updated_at: z.string() });
const Named = z.array(z.object({ id: z.int(), name: z.string() }));

/** `config list|show|set`: settings that live in the manager's database, such as `gc`. */
export function configCommand(choose: Choose): Command {
  const list = listVerb("Lists settings.");
  const show = verb("show", "Shows a setting.").argument("<setting>", ID_OR_NAME);
  const set = verb("set", "Changes a setting, or adds it.").argument("<name>", "its name").argument(
    "<value>",
    "its value",
  );
  return noun("config", "Settings that live in the manager's database.", [
    list.action((flags: ShowFlags & { limit: number }) =>
      choose((context) => showList(context, flags, { path: PATH, schema: Config, rowOf }))
    ),
    show.action((name: string, flags: ShowFlags) => choose((context) => showConfig(context, name, flags))),
    set.action((name: string, value: string, flags: ShowFlags) =>
      choose((context) => setConfig(context, name, value, flags))
    ),
  ]);
}

async function showConfig(context: Context, name: string, flags: ShowFlags): Promise<void> {
  const row = await withManager(context, async (manager) => {
    return await manager.send("GET", `${PATH}/${await idOf(manager, PATH, name)}`);
  });
  showOne(context, flags, { row, schema: Config, fieldsOf: rowOf });
}

async function setConfig(context: Context, name: string, value: string, flags: ShowFlags): Promise<void> {
  const row = await withManager(context, async (manager) => {
    const { rows } = await manager.list(PATH, { name }, 1);
    const [before] = readAs(Named, rows);
    if (before === undefined) {
      return await manager.send("POST", PATH, { body: { name, value, user_id: manager.userId } });
    }
    return await manager.send("PATCH", `${PATH}/${before.id}`, { body: { value } });
  });
  showOne(context, flags, { row, schema: Config, fieldsOf: rowOf });
}

function rowOf({ id, name, value, bio, updated_at }: z.output<typeof Config>) {
  return {
    "ID": String(id),
    "NAME": name,
    "VALUE": value,
    "DESCRIPTION": bio || "-",
    "UPDATED": shownTime(updated_at),
  };
}
