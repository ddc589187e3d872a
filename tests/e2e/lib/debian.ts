/** Packages from the Debian mirror that this machine already uses, downloaded without installing them. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cachedFolder } from "./cache.ts";
import { run } from "./programs.ts";

/** What {@link downloadPackages} and {@link unpackSuitePackage} need from the machine. */
export const DEBIAN_PROGRAMS = ["apt-get", "dpkg-deb"] as const;

/** Downloads packages of the machine's own release into `folder`; returns the paths of the .deb files. */
export async function downloadPackages(names: readonly string[], folder: string): Promise<string[]> {
  await aptDownload(names, folder, []);
  return (await readdir(folder)).filter((name) => name.endsWith(".deb")).sort().map((name) => join(folder, name));
}

/**
 * Unpacks a package of another Debian suite, without installing anything: for a second version of a program that
 * needs no more than the machine's libc. Returns the root of the unpacked files; they are kept in the cache.
 */
export async function unpackSuitePackage(suite: string, name: string): Promise<string> {
  const folder = await cachedFolder(`${name}-${suite}`, async (scratch) => {
    const options = await privateApt(suite, join(scratch, "apt"));
    await run("apt-get", [...options, "-qq", "update"]);
    await aptDownload([name], scratch, options);
    const deb = (await readdir(scratch)).find((file) => file.endsWith(".deb"));
    if (deb === undefined) throw new Error(`Cannot unpack ${name} of ${suite}: apt-get left no package`);
    await run("dpkg-deb", ["--extract", join(scratch, deb), join(scratch, "root")]);
  });
  return join(folder, "root");
}

/** Downloading as root into a folder that the user _apt cannot write draws a warning; the sandbox is not needed here. */
async function aptDownload(names: readonly string[], folder: string, options: readonly string[]): Promise<void> {
  await run("apt-get", [...options, "-qq", "-o", "APT::Sandbox::User=root", "download", ...names], { cwd: folder });
}

/** Options that give apt lists, caches and sources of its own, so that the machine's are neither read nor changed. */
async function privateApt(suite: string, home: string): Promise<string[]> {
  for (const folder of ["lists/partial", "cache/archives/partial", "parts"]) {
    await mkdir(join(home, folder), { recursive: true });
  }
  const sources = join(home, "sources.list");
  await writeFile(sources, `deb [signed-by=${await archiveKeyring()}] ${await debianMirror()} ${suite} main\n`);
  const settings = {
    "Dir::State::lists": join(home, "lists"),
    "Dir::Cache": join(home, "cache"),
    "Dir::Etc::sourcelist": sources,
    "Dir::Etc::sourceparts": join(home, "parts"),
    "Dir::Etc::preferencesparts": join(home, "parts"),
    "Acquire::Languages": "none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

async function debianMirror(): Promise<string> {
  return debianMirrorOf(await aptSources());
}

/** The address of the main Debian archive in the text of apt sources, of either format. */
export function debianMirrorOf(sources: string): string {
  const addresses = sources.split("\n").filter((line) => /^(deb\s|URIs:)/.test(line)).flatMap((line) =>
    line.split(/\s+/)
  )
    .filter((word) => /^https?:\/\/.*\/debian\/?$/.test(word));
  const first = addresses[0];
  if (first === undefined) throw new Error("Cannot find a Debian mirror: no apt source ends in /debian");
  return first;
}

async function aptSources(): Promise<string> {
  const parts = "/etc/apt/sources.list.d";
  const files = existsSync(parts) ? (await readdir(parts)).sort().map((name) => join(parts, name)) : [];
  const texts = ["/etc/apt/sources.list", ...files].filter(existsSync).map((file) => readFile(file, "utf8"));
  return (await Promise.all(texts)).join("\n");
}

async function archiveKeyring(): Promise<string> {
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  if (!existsSync(keyring)) throw new Error(`Cannot verify Debian packages: ${keyring} is missing`);
  return await Promise.resolve(keyring);
}
