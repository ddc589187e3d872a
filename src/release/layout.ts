/** What a release has, and where: the same paths and commands in every archive, below a folder or `/usr/local`. */
import type { Command } from "commander";
import { type ComponentName, COMPONENTS, needsOf, sampleConfig } from "../install/components.ts";
import { movableLauncherText } from "../install/launcher.ts";
import { bundleFlags, unitName, unitText } from "../install/unit.ts";
import { manPages } from "./man_page.ts";
import { COMMANDS, type ShippedProgram } from "./programs.ts";
import { textEntry, type TreeEntry } from "./tree.ts";

/** Where units expect an archive to be unpacked to. */
const PREFIX = "/usr/local";
const PROGRAM_MODE = 0o755;

/** What an archive is made of. */
export interface ReleaseParts {
  /** The bundle of a program. */
  readonly bundleOf: (program: ShippedProgram) => Uint8Array;
  readonly permissionsOf: (program: ShippedProgram) => readonly string[];
  /** The command line of a program. */
  readonly commandOf: (program: ShippedProgram) => Promise<Command>;
  /** The script for a shell that completes the command line of a program. */
  readonly completionOf: (program: ShippedProgram, shell: "bash" | "zsh" | "fish") => Promise<string>;
  /** The Deno that runs the bundles; undefined in the archive for any platform, whose host has one. */
  readonly deno: Uint8Array | undefined;
  /** Pages for people, by name: licence, changes, what it is made of. */
  readonly documents: Readonly<Record<string, string>>;
  /** Seconds since 1970 that manual pages say. */
  readonly time: number;
}

/** Everything in an archive. */
export async function releaseTree(parts: ReleaseParts): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for (const program of COMMANDS) {
    const { name } = program;
    const flags = [...bundleFlags(name), ...parts.permissionsOf(program)];
    entries.push(
      textEntry(`bin/${name}`, movableLauncherText({ flags, script: `${name}.js` }), PROGRAM_MODE),
      { path: `lib/damselfly/${name}.js`, mode: 0o644, content: parts.bundleOf(program) },
      textEntry(`share/bash-completion/completions/${name}`, await parts.completionOf(program, "bash")),
      textEntry(`share/zsh/site-functions/_${name}`, await parts.completionOf(program, "zsh")),
      textEntry(`share/fish/vendor_completions.d/${name}.fish`, await parts.completionOf(program, "fish")),
    );
    for (const [page, text] of Object.entries(manPages(await parts.commandOf(program), parts.time))) {
      entries.push(textEntry(`share/man/man1/${page}.1`, text));
    }
  }
  for (const [name, text] of Object.entries(parts.documents)) {
    entries.push(textEntry(`share/doc/damselfly/${name}`, text));
  }
  if (parts.deno === undefined) return entries;
  entries.push({ path: "lib/damselfly/deno", mode: PROGRAM_MODE, content: parts.deno });
  for (const component of COMPONENTS) entries.push(await unitEntry(component, parts));
  return entries;
}

/** A service with what it needs by default; `damselfly install` makes one that fits a configuration. */
async function unitEntry(component: ComponentName, { permissionsOf }: ReleaseParts): Promise<TreeEntry> {
  const program = COMMANDS.find(({ name }) => name === component);
  const config = `/etc/dragonfly/${component}.yaml`;
  const launched = {
    deno: `${PREFIX}/lib/damselfly/deno`,
    script: `${PREFIX}/lib/damselfly/${component}.js`,
    permissions: program === undefined ? [] : permissionsOf(program),
    ...{ config, outputFolders: [] },
  };
  const needs = await needsOf(component, sampleConfig(component, undefined), config);
  return textEntry(`lib/systemd/system/${unitName(component)}`, unitText(component, launched, needs));
}
