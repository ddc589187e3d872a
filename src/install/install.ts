import { dirname, join } from "node:path/posix";
import { BACKUP_SUFFIX } from "../../dfinit/apply.ts";
import type { HostFiles } from "../../dfinit/host_files.ts";
import { type ComponentName, type Needs, needsOf, sampleConfig } from "./components.ts";
import { launcherText } from "./launcher.ts";
import { fingerprint, type InstallRecord, libraryFolder, readRecord, writeRecord } from "./record.ts";
import { OFFLINE_FLAGS, type Program, serviceName, unitName, unitText } from "./unit.ts";

export const UNIT_FOLDER = "/etc/systemd/system";
/** A folder of such a name is of Dragonfly or of us, whoever made it. */
const OWN_NAME = /dragonfly|damselfly/;
const CONFIG_MODE = 0o600;
const PROGRAM_MODE = 0o755;
/** `damselfly` on the command line: it does what its user may, as other programs do. */
const DAMSELFLY = { flags: [...OFFLINE_FLAGS, "--allow-all"], script: "damselfly.js" };

/** What is to be installed, and from where. */
export interface InstallOptions {
  readonly components: readonly ComponentName[];
  readonly prefix: string;
  readonly configFolder: string;
  /** The Deno that runs the components, on this side. */
  readonly deno: string;
  /** Bundles on this side: one for each component, and `damselfly.js`. */
  readonly bundles: string;
  /** URL of a manager, for configurations that are made. */
  readonly manager?: string;
  readonly outputFolders: readonly string[];
  readonly permissionsOf: (component: ComponentName) => readonly string[];
}

/** What was done. */
export interface Installed {
  readonly written: readonly string[];
  readonly unchanged: readonly string[];
  readonly warnings: readonly string[];
}

/** A component that is to run on the host. */
interface Wanted {
  readonly component: ComponentName;
  readonly config: string;
  /** Undefined when the host has one. */
  readonly sample: string | undefined;
  readonly needs: Needs;
}

/**
 * Installs components as services: programs, units, and configurations where there are none. Everything is looked at
 * before anything is written. Throws what loading a configuration throws, and `failed_precondition`.
 */
export async function install(options: InstallOptions, files: HostFiles): Promise<Installed> {
  const wanted = await Promise.all(options.components.map((component) => look(component, options, files)));
  const library = libraryFolder(options.prefix);
  const earlier = await readRecord(options.prefix, files).catch(() => undefined);
  const record = await begin(wanted, earlier, options, files);
  const [written, unchanged]: [string[], string[]] = [[], []];
  const launcher = { path: launcherPath(options.prefix), text: launcherText(library, DAMSELFLY), mode: PROGRAM_MODE };
  const units = new Map(wanted.map(({ component, needs }) => {
    const text = unitText(component, programOf(component, options), needs);
    return [component, { path: join(UNIT_FOLDER, unitName(component)), text, mode: 0o644 }];
  }));
  await keepOthers([launcher, ...units.values()], earlier, files);
  await writeRecord(options.prefix, record, files);
  await files.place(options.deno, join(library, "deno"), PROGRAM_MODE);
  for (const name of ["damselfly", ...options.components]) {
    await files.place(join(options.bundles, `${name}.js`), join(library, `${name}.js`), 0o644);
  }
  written.push(`${library}/`);
  const put = async ({ path, text, mode }: OwnFile) => {
    if (await files.read(path) === text) return void unchanged.push(path);
    await files.write(path, text, { mode });
    written.push(path);
  };
  await put(launcher);
  for (const { component, config, sample, needs } of wanted) {
    if (sample !== undefined) await put({ path: config, text: sample, mode: CONFIG_MODE });
    for (const folder of needs.folders) if (!isMadeBySystemd(folder)) await files.makeFolder(folder);
    const unit = units.get(component);
    if (unit !== undefined) await put(unit);
  }
  return { written, unchanged, warnings: wanted.flatMap(({ needs }) => needs.warnings) };
}

/** A file that is ours as a whole. */
interface OwnFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** Keeps what others have where ours will be. To be done before the record, by which what is there counts as ours. */
async function keepOthers(
  own: readonly OwnFile[],
  earlier: InstallRecord | undefined,
  files: HostFiles,
): Promise<void> {
  for (const { path, text } of own) {
    if (earlier?.files.includes(path) === true) continue;
    const before = await files.read(path);
    if (before !== undefined && before !== text) await files.keepFirst(path, path + BACKUP_SUFFIX);
  }
}

async function look(
  component: ComponentName,
  { configFolder, manager }: InstallOptions,
  files: HostFiles,
): Promise<Wanted> {
  const config = join(configFolder, `${component}.yaml`);
  const there = await files.read(config);
  const sample = there === undefined ? sampleConfig(component, manager) : undefined;
  return { component, config, sample, needs: await needsOf(component, there ?? sample ?? "", config) };
}

/** What will be done, together with what earlier runs did. It is kept before anything else is written. */
async function begin(
  wanted: readonly Wanted[],
  earlier: InstallRecord | undefined,
  options: InstallOptions,
  files: HostFiles,
): Promise<InstallRecord> {
  const library = libraryFolder(options.prefix);
  const units = wanted.map(({ component }) => join(UNIT_FOLDER, unitName(component)));
  const programs = ["deno", "damselfly.js", ...options.components.map((component) => `${component}.js`)];
  const made = [library, dirname(launcherPath(options.prefix)), options.configFolder, UNIT_FOLDER];
  const data = wanted.flatMap(({ needs }) => needs.folders);
  const folders: string[] = [];
  for (const folder of [...made, ...data.filter((path) => !isMadeBySystemd(path))]) {
    folders.push(...await files.missingFolders(folder));
  }
  const shared: string[] = [];
  for (const folder of data) {
    const isKnown = OWN_NAME.test(folder) || earlier?.data.includes(folder) === true;
    if (!isKnown && await files.exists(folder)) shared.push(folder);
  }
  const configs = wanted.flatMap(({ config, sample }) =>
    sample === undefined ? [] : [{ path: config, sha256: fingerprint(sample) }]
  );
  const all = <T>(...lists: (readonly T[] | undefined)[]) => [...new Set(lists.flatMap((list) => list ?? []))];
  return {
    version: 1,
    components: all(earlier?.components, options.components),
    files: all(
      earlier?.files,
      units,
      [launcherPath(options.prefix)],
      programs.map((name) => join(library, name)),
    ),
    configs: [
      ...(earlier?.configs ?? []).filter(({ path }) => !configs.some((config) => config.path === path)),
      ...configs,
    ],
    folders: all(earlier?.folders, folders),
    data: all(earlier?.data, data, options.components.map((component) => `/var/cache/damselfly/${component}`)),
    shared: all(earlier?.shared, shared),
  };
}

function programOf(component: ComponentName, options: InstallOptions): Program {
  const library = libraryFolder(options.prefix);
  return {
    deno: join(library, "deno"),
    script: join(library, `${component}.js`),
    permissions: options.permissionsOf(component),
    config: join(options.configFolder, `${component}.yaml`),
    outputFolders: component === "dfdaemon" ? options.outputFolders : [],
  };
}

/** Folders that systemd makes when the service starts, with the right owner. */
function isMadeBySystemd(folder: string): boolean {
  return /^\/(?:var\/lib|var\/cache|var\/run|run)\//.test(folder);
}

function launcherPath(prefix: string): string {
  return join("/", prefix, "bin/damselfly");
}

/** What to run next, a command a line. */
export function nextCommands(components: readonly ComponentName[]): string[] {
  const units = components.map(serviceName);
  return ["systemctl daemon-reload", `systemctl enable ${units.join(" ")}`, `systemctl restart ${units.join(" ")}`];
}
