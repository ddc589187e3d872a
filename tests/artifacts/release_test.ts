/** The archives of `deno task release`: the same wherever they are built, and what is unpacked from them runs. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VERSION } from "../../src/core/version.ts";
import { ownPlatform } from "../../src/release/compile.ts";
import { COMMANDS } from "../../src/release/programs.ts";
import { REPOSITORY } from "../e2e/lib/components.ts";
import { e2eTest, run } from "../e2e/lib/programs.ts";
import { Workspace } from "../e2e/lib/workspace.ts";

/** Copies what the repository has, changes too, to another place. */
async function copyTo(top: string): Promise<void> {
  await mkdir(top);
  const list = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: REPOSITORY });
  for (const path of list.split("\0").filter((name) => name !== "")) {
    await mkdir(dirname(join(top, path)), { recursive: true });
    await Deno.copyFile(join(REPOSITORY, path), join(top, path));
  }
}

e2eTest("a release is the same bytes wherever it is built, and its commands run from where they are unpacked", {
  programs: ["git", "tar", "sha256sum"],
}, async () => {
  await using workspace = await Workspace.create();
  const env = { DAMSELFLY_COMMIT: "0123456789ab", SOURCE_DATE_EPOCH: "1700000000" };
  const built = await Promise.all(["one", "another/place"].map(async (name) => {
    const top = join(workspace.dir, name);
    await mkdir(dirname(top), { recursive: true });
    await copyTo(top);
    await run(Deno.execPath(), ["task", "--quiet", "release"], { cwd: top, env });
    const folder = join(top, "dist/release");
    await run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: folder });
    return { folder, sums: await readFile(join(folder, "SHA256SUMS"), "utf8") };
  }));
  const [first, second] = built;
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(first.sums, second.sums);
  const platform = ownPlatform(Deno.build) ?? "";
  assert.match(first.sums, new RegExp(`-any\\.tar\\.gz\\n.*-${platform}\\.tar\\.gz\\n`));

  const prefix = join(workspace.dir, "usr");
  await mkdir(prefix);
  const archive = join(first.folder, `damselfly-${VERSION}-${platform}.tar.gz`);
  await run("tar", ["-xzf", archive, "--strip-components=1", "-C", prefix]);
  const elsewhere = { cwd: workspace.dir, env: { DENO_DIR: join(workspace.dir, "cache") } };
  for (const { name } of COMMANDS) {
    const link = join(workspace.dir, name);
    await symlink(join(prefix, "bin", name), link);
    const version = await run(link, ["--version"], elsewhere);
    assert.equal(version, `${name} ${VERSION} (commit 0123456789ab, deno ${Deno.version.deno})\n`);
  }
  const root = join(workspace.dir, "root");
  await run(join(prefix, "bin/damselfly"), ["install", "--root", root], elsewhere);
  const installed = await readFile(join(root, "usr/local/lib/damselfly/deno"));
  const own = createHash("sha256").update(await readFile(join(prefix, "lib/damselfly/deno"))).digest("hex");
  assert.equal(createHash("sha256").update(installed).digest("hex"), own);
});
