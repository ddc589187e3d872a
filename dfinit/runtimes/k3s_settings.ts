import { join } from "node:path/posix";
import type { HostFiles } from "../host_files.ts";
import { refusing } from "../plan.ts";
import { parseYamlTable } from "../yaml_edit.ts";
import type { K3s } from "./k3s_plan.ts";

/** Where the script that installs k3s, and the packages, put units. */
const UNIT_FOLDERS = ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];

/** A value, and the file that has the last word on it. */
export interface Setting {
  readonly value: unknown;
  readonly path: string;
}

/**
 * What k3s or RKE2 was told, by the names of its flags: by `config.yaml`, by the files of `config.yaml.d` after it, and
 * by the command line of its unit, which has the last word.
 */
export async function k3sSettings(k3s: K3s, files: HostFiles): Promise<ReadonlyMap<string, Setting>> {
  const main = `/etc/rancher/${k3s.name}/config.yaml`;
  const names = (await files.list(`${main}.d`) ?? []).filter((name) => /\.ya?ml$/.test(name)).sort();
  const settings = new Map<string, Setting>();
  for (const path of [main, ...names.map((name) => join(`${main}.d`, name))]) {
    const text = await files.read(path);
    const table = refusing(
      path,
      "Repair the file, k3s and rke2 cannot read it either",
      () => parseYamlTable(text ?? ""),
    );
    for (const [name, value] of Object.entries(table)) settings.set(name, { value, path });
  }
  const unit = `${await unitOf(k3s, files)}.service`;
  for (const path of UNIT_FOLDERS.map((folder) => join(folder, unit))) {
    const text = await files.read(path);
    if (text === undefined) continue;
    for (const [name, value] of flagsOf(text)) settings.set(name, { value, path });
    break;
  }
  return settings;
}

/** The unit that runs it: an agent has another name than a server. */
export async function unitOf({ name }: K3s, files: HostFiles): Promise<string> {
  const wanted = await files.list("/etc/systemd/system/multi-user.target.wants") ?? [];
  return wanted.includes(`${name}-agent.service`) ? `${name}-agent` : name === "k3s" ? name : `${name}-server`;
}

/** The flags of the command that a unit starts; one without a value is true. */
function flagsOf(unit: string): Map<string, string | true> {
  const command = /^ExecStart=(?:.*\\\n)*.*$/m.exec(unit)?.[0].replaceAll("\\\n", " ") ?? "";
  const words = (command.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []).map((word) => word.replaceAll(/['"]/g, ""));
  const flags = new Map<string, string | true>();
  words.forEach((word, at) => {
    const [, name, value] = /^--([a-z0-9-]+)(?:=(.*))?$/.exec(word) ?? [];
    if (name === undefined) return;
    const next = words[at + 1];
    flags.set(name, value ?? (next === undefined || next.startsWith("-") ? true : next));
  });
  return flags;
}
