import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { PATHS } from "../console/paths.ts";
import { DamselflyError } from "../core/error.ts";
import type { ConsolePack, PackedFile } from "../manager/console/console_pack.ts";
import { CONSOLE_PACK } from "./console_pack.ts";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const SOURCES = join(TOP, "src/console");
/** What the console is made of besides its own folder: versions of packages, and how it is built. */
const INGREDIENTS = ["deno.json", "deno.lock", "src/cmd/build_console.ts"];
const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};
const HASH_CHARACTERS = 12;

/**
 * Builds the console into `dist/console.json`, unless it was built from the same sources. Returns whether it was built.
 * Throws `internal` when it cannot be bundled, which `deno bundle` says why on standard error.
 */
export async function buildConsole(onStart: () => void): Promise<boolean> {
  await mkdir(join(TOP, "dist"), { recursive: true });
  // Of several that start at once, one builds and the others find it built.
  using lock = await Deno.open(join(TOP, "dist/console.lock"), { create: true, write: true });
  await lock.lock(true);
  const sources = await hashOfSources();
  if (await builtFrom() === sources) return false;
  onStart();
  const pack: ConsolePack = { sources, ...await bundled() };
  const path = fileURLToPath(CONSOLE_PACK);
  await writeFile(`${path}.new`, JSON.stringify(pack));
  await rename(`${path}.new`, path);
  return true;
}

/** One hash over all names and contents that the console is made of. */
async function hashOfSources(): Promise<string> {
  const entries = await readdir(SOURCES, { recursive: true, withFileTypes: true });
  const own = entries.filter((entry) => entry.isFile() && !/_test\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash("sha256");
  for (const path of [...own.sort(), ...INGREDIENTS.map((name) => join(TOP, name))]) {
    const bytes = await readFile(path);
    hash.update(`${path.slice(TOP.length)} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex");
}

/** The hash of the sources of what is built; undefined when there is nothing that can be used. */
async function builtFrom(): Promise<string | undefined> {
  try {
    await using file = await open(CONSOLE_PACK);
    // It is at the very beginning; the rest is not worth reading.
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
    return /^\{"sources":"([0-9a-f]{64})"/.exec(buffer.toString("utf8", 0, bytesRead))?.[1];
  } catch {
    return undefined; // it is not there, or not readable: built anew, or the build says why it cannot be written
  }
}

async function bundled(): Promise<Omit<ConsolePack, "sources">> {
  const output = await mkdtemp(join(TOP, "dist/console-"));
  try {
    await bundle(output);
    const assets: Record<string, PackedFile> = {};
    const add = async (name: string, path: string): Promise<string> => {
      const file = packed(name, await readFile(path));
      const at = `/assets/${/-[0-9A-Z]{8}\.\w+$/.test(name) ? name : name.replace(".", `-${file.etag}.`)}`;
      assets[at] = file;
      return at;
    };
    const script = await add("main.js", join(output, "main.js"));
    const styles = await add("styles.css", join(output, "styles.css"));
    const icon = await add("icon.svg", join(SOURCES, "icon.svg"));
    const chunks = (await readdir(output)).filter((name) => !["main.js", "styles.css"].includes(name));
    for (const name of chunks) await add(name, join(output, name));
    const index = (await readFile(join(SOURCES, "first_page.html"), "utf8"))
      .replace("%script%", script).replace("%styles%", styles).replace("%icon%", icon);
    return { pages: Object.values(PATHS), index: packed("index.html", Buffer.from(index)), assets };
  } finally {
    await rm(output, { recursive: true });
  }
}

async function bundle(output: string): Promise<void> {
  const command = new Deno.Command(Deno.execPath(), {
    // Some packages are only found where there is a node_modules as Node has it.
    args: [
      ...["bundle", "--quiet", "--node-modules-dir=auto", "--platform", "browser", "--minify", "--code-splitting"],
      ...["--outdir", output, "src/console/main.tsx", "src/console/styles.css"],
    ],
    ...{ cwd: TOP, stdin: "null", stdout: "null", stderr: "piped" },
  });
  const { success, stderr } = await command.output();
  if (success) return;
  throw new DamselflyError("internal", `Cannot bundle the console: ${new TextDecoder().decode(stderr)}`);
}

function packed(name: string, bytes: Uint8Array): PackedFile {
  const type = TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "text/html; charset=utf-8";
  const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  return {
    type,
    etag: createHash("sha256").update(bytes).digest("hex").slice(0, HASH_CHARACTERS),
    gzip: gzipSync(bytes, { level: 9 }).toString("base64"),
    br: brotliCompressSync(bytes, brotli).toString("base64"),
  };
}
