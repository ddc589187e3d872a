/** The images of `deno task images`: what is in the archives starts as it does in a container, and says that it serves. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { VERSION } from "../../src/core/version.ts";
import { ownPlatform } from "../../src/release/compile.ts";
import { REPOSITORY } from "../e2e/lib/components.ts";
import { startProcess } from "../e2e/lib/process.ts";
import { e2eTest, requireProgram, run } from "../e2e/lib/programs.ts";
import { Workspace } from "../e2e/lib/workspace.ts";

const PLATFORM = ownPlatform(Deno.build);
const START_TIMEOUT_MS = 60_000;
/** What a node has to fetch. */
const COMPRESSED_BYTES_MAX = 70_000_000;
/** By program: its image, and whom it runs as. */
const COMPONENTS: Readonly<Record<string, { readonly image: string; readonly user: number }>> = {
  manager: { image: "manager", user: 65_532 },
  scheduler: { image: "scheduler", user: 65_532 },
  dfdaemon: { image: "client", user: 0 },
};

const archiveOf = (image: string) => join(REPOSITORY, `dist/images/${image}-${VERSION}-${PLATFORM}.tar`);

/** An image on disk. */
interface Unpacked {
  readonly root: string;
  /** What was fetched, in bytes. */
  readonly bytes: number;
  /** Its environment: `NAME=value` each. */
  readonly env: readonly string[];
}

/** Unpacks an image as an engine does, layer upon layer. */
async function unpack(image: string, dir: string): Promise<Unpacked> {
  const [layout, root] = [join(dir, `${image}-layout`), join(dir, image)];
  await mkdir(layout);
  await mkdir(root);
  await run("tar", ["-xf", archiveOf(image), "-C", layout]);
  const blob = (digest: string) => join(layout, "blobs/sha256", digest.replace("sha256:", ""));
  const index = JSON.parse(await readFile(join(layout, "index.json"), "utf8"));
  const manifest = JSON.parse(await readFile(blob(index.manifests[0].digest), "utf8"));
  const { config } = JSON.parse(await readFile(blob(manifest.config.digest), "utf8"));
  let bytes = 0;
  for (const { digest, size } of manifest.layers as readonly { readonly digest: string; readonly size: number }[]) {
    await run("tar", ["-xzf", blob(digest), "-C", root]);
    bytes += size;
  }
  return { root, bytes, env: config.Env };
}

/** The words that run a command in a folder as a container does: its own network with loopback, its own processes. */
function inContainer({ root, env }: Unpacked, user: number, command: string): string[] {
  const inside = `mount -t tmpfs tmpfs "${root}/tmp" && chmod 1777 "${root}/tmp" && ip link set lo up && ` +
    `exec env -i ${env.join(" ")} "$(command -v chroot)" --userspec=${user}:${user} "${root}" ${command}`;
  const mounts = `mount -t proc proc "${root}/proc" && mount --rbind /dev "${root}/dev" && `;
  return ["--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--ipc", "sh", "-c", mounts + inside];
}

e2eTest("images are small, and what they hold starts without rights and says that it serves", {
  programs: ["unshare", "nsenter", "ip", "tar", "chroot", "apt-get", "dpkg-deb"],
  root: true,
}, async () => {
  await using workspace = await Workspace.create();
  await using stack = new AsyncDisposableStack();
  await run(Deno.execPath(), ["task", "--quiet", "images"], { cwd: REPOSITORY });
  for (const [program, { image, user }] of Object.entries(COMPONENTS)) {
    const unpacked = await unpack(image, workspace.dir);
    const { root, bytes } = unpacked;
    assert.ok(bytes <= COMPRESSED_BYTES_MAX, `${image}: ${bytes}`);
    for (const folder of ["proc", "dev", "run"]) await mkdir(join(root, folder), { recursive: true });
    const args = inContainer(unpacked, user, `/usr/bin/${program}`);
    const running = stack.use(
      startProcess({ name: program, command: requireProgram("unshare"), args, logDir: workspace.dir }),
    );
    const children = `/proc/${running.pid}/task/${running.pid}/children`;
    await running.ready("an answer to health", START_TIMEOUT_MS, async () => {
      const inside = (await readFile(children, "utf8")).trim();
      const namespaces = ["-m", "-p", "-n", "-r", "-w"];
      const health = ["-t", inside, ...namespaces, `/usr/bin/${program}`, "health"];
      return /serves\n$/.test(await run(requireProgram("nsenter"), health, { env: { DENO_DIR: "/tmp/deno" } }))
        ? true
        : undefined;
    });
    const pid = (await readFile(children, "utf8")).trim();
    assert.match(await readFile(`/proc/${pid}/status`, "utf8"), new RegExp(`^Uid:\\t${user}\\t`, "m"), program);
  }
  const dfinit = await unpack("dfinit", workspace.dir);
  await mkdir(join(dfinit.root, "proc"));
  await mkdir(join(dfinit.root, "dev"));
  const version = await run("unshare", inContainer(dfinit, 0, "/usr/bin/dfinit --version"));
  assert.match(version, /^dfinit \d+\.\d+\.\d+ \(commit [0-9a-f]{12}\+?, deno /);
});

e2eTest("images are the same bytes when they are made again by whom hides files from others", {
  programs: ["apt-get", "dpkg-deb"],
}, async () => {
  const hashWith = async (umask: string) => {
    const command = `umask ${umask}; exec "$0" task --quiet images --image dfinit`;
    await run("sh", ["-c", command, Deno.execPath()], { cwd: REPOSITORY });
    return createHash("sha256").update(await readFile(archiveOf("dfinit"))).digest("hex");
  };
  assert.equal(await hashWith("022"), await hashWith("077"));
});
