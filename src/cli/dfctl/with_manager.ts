import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { readAs, type ShowFlags, showRows } from "./answers.ts";
import type { Context } from "./context.ts";
import { ManagerClient } from "./manager_client.ts";
import type { Query } from "./manager_http.ts";

/** Lets `work` ask the manager that this user is signed in at. */
export async function withManager<T>(context: Context, work: (manager: ManagerClient) => Promise<T>): Promise<T> {
  using manager = await ManagerClient.open(context, context.signal);
  return await work(manager);
}

/** Prints a list of the manager's, and says when it goes on beyond `limit`. */
export async function showList<S extends z.ZodType>(
  context: Context,
  { limit, ...flags }: ShowFlags & { readonly limit: number },
  { path, query = {}, ...shown }: {
    readonly path: string;
    readonly query?: Query | ((manager: ManagerClient) => Promise<Query>);
    readonly schema: S;
    readonly rowOf: (row: z.output<S>) => Readonly<Record<string, string>>;
  },
): Promise<void> {
  const { rows, hasMore } = await withManager(context, async (manager) => {
    return await manager.list(path, typeof query === "function" ? await query(manager) : query, limit);
  });
  showRows(context, flags, { rows, ...shown });
  if (hasMore) context.terminal.printError(`These are the first ${limit}; --limit shows more.\n`);
}

const Named = z.object({ id: z.int(), name: z.string() });

/** What {@link idOf} takes, for the help. */
export const ID_OR_NAME = "its id or name; name=7 for a name that is a number";

/**
 * The id of what a user calls by its id or by its name. Digits are an id, and what follows `name=` is a name. Throws
 * `not_found`.
 */
export async function idOf(manager: ManagerClient, path: string, text: string): Promise<number> {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const wanted = text.replace(/^name=/, "");
  const { rows } = await manager.list(path, { name: wanted }, 2);
  const found = readAs(z.array(Named), rows).find(({ name }) => name === wanted);
  if (found !== undefined) return found.id;
  throw new DamselflyError(
    "not_found",
    `Cannot find "${wanted}" among the ${path.replaceAll("-", " ")}: none has this name`,
  );
}

/** {@link idOf} for each. */
export async function idsOf(manager: ManagerClient, path: string, texts: readonly string[]): Promise<number[]> {
  const ids: number[] = [];
  for (const text of texts) ids.push(await idOf(manager, path, text));
  return ids;
}
