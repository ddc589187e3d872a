import type * as z from "zod";
import { DfdaemonConfig } from "./dfdaemon.ts";
import { DfinitConfig } from "./dfinit.ts";
import { type ConfigKey, keysOf } from "./keys.ts";
import { fileMetaOf } from "./load.ts";
import { ManagerConfig } from "./manager.ts";
import { PeerDynconfig } from "./peer_dynconfig.ts";
import { SchedulerConfig } from "./scheduler.ts";

/** The schema of every file that a program reads. */
export const SCHEMAS: readonly z.ZodObject[] = [
  ManagerConfig,
  SchedulerConfig,
  DfdaemonConfig,
  DfinitConfig,
  PeerDynconfig,
];

/** The reference pages, by path from the project's root; `docs/config/<component>.md` for each schema. */
export function generateConfigDocs(): Map<string, string> {
  return new Map(SCHEMAS.map((schema) => [`docs/config/${fileMetaOf(schema).component}.md`, page(schema)]));
}

function page(schema: z.ZodObject): string {
  const { component, file, fileEnv } = fileMetaOf(schema);
  const other = fileEnv === undefined ? "" : ` Another file is named by \`${fileEnv}\` or on the command line.`;
  return [
    `# ${component}.yaml`,
    "",
    "<!-- Generated from the schema by `deno task gen`; change the schema instead. -->",
    "",
    `The file is \`${file}\`.${other} Every key may be left out unless it is said to be required.`,
    "Durations are written like `30s`, `5m` or `1h30m`, sizes like `64MiB`, `50GB` or a number of bytes.",
    "An unknown key stops the start. A key that has no effect is accepted, with a warning when it is not at its default.",
    "",
    "| Key | Type | Default | Meaning | Has an effect |",
    "| --- | --- | --- | --- | --- |",
    ...keysOf(schema).map(row),
    "",
  ].join("\n");
}

function row({ path, type, description, aliases, defaultText, isRequired, ignored }: ConfigKey): string {
  const also = aliases.length === 0 ? "" : ` Also read: ${aliases.map((alias) => `\`${alias}\``).join(", ")}.`;
  const without = isRequired ? "required" : defaultText === "" ? "" : `\`${defaultText}\``;
  const effect = ignored === undefined ? "yes" : `no: ${ignored}`;
  const cells = [`\`${path}\``, type, without, description + also, effect];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
