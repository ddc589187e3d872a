import assert from "node:assert/strict";
import { chmod, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { launcherText, movableLauncherText, warmLauncherText } from "./launcher.ts";

const LAUNCHED = { flags: ["--no-config", "--allow-env=A,GRPC_*", "--allow-read=/a b"], script: "prog.js" };

/** What a Deno would have been asked to run: this one prints its words, one a line. */
const FAKE = '#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n';

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function script(path: string, text: string): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, text);
  await chmod(path, 0o755);
}

async function wordsOf(command: string, args: readonly string[], path?: string): Promise<string[]> {
  const { stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    ...path !== undefined && { env: { PATH: path } },
  }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

Deno.test("a command hands its words on as they are, and its flags mean nothing to the shell", async () => {
  await inFolder(async (folder) => {
    const library = join(folder, "lib with space");
    await script(join(library, "deno"), FAKE);
    const command = join(folder, "prog");
    await script(command, launcherText(library, LAUNCHED));
    assert.deepEqual(await wordsOf(command, ["a b", "*", "$HOME"]), [
      ...[join(library, "deno"), "run", "--quiet", ...LAUNCHED.flags, join(library, "prog.js"), "a b", "*", "$HOME"],
    ]);
  });
});

Deno.test("a command of an archive finds its bundle wherever that is, also by a link, with the Deno beside it", async () => {
  await inFolder(async (folder) => {
    await script(join(folder, "top/bin/prog"), movableLauncherText(LAUNCHED));
    await script(join(folder, "top/lib/damselfly/deno"), FAKE);
    await symlink(join(folder, "top/bin/prog"), join(folder, "link"));
    const [deno, ...words] = await wordsOf(join(folder, "link"), ["--help"]);
    const library = `${folder}/top/bin/../lib/damselfly`;
    assert.equal(deno, `${library}/deno`);
    assert.deepEqual(words, ["run", "--quiet", ...LAUNCHED.flags, `${library}/prog.js`, "--help"]);
  });
});

Deno.test("a command of an archive without Deno takes the one on the path", async () => {
  await inFolder(async (folder) => {
    await script(join(folder, "top/bin/prog"), movableLauncherText(LAUNCHED));
    await script(join(folder, "path/deno"), FAKE);
    const [deno, run] = await wordsOf(join(folder, "top/bin/prog"), [], `${folder}/path:/usr/bin:/bin`);
    assert.deepEqual([deno, run], [join(folder, "path/deno"), "run"]);
  });
});

Deno.test("a program in an image is started once to warm up, and again only where that has left nothing", async () => {
  await inFolder(async (folder) => {
    await script(join(folder, "lib/deno"), `#!/bin/sh\necho "$*" >>${folder}/calls\n`);
    const command = join(folder, "prog");
    await script(command, warmLauncherText(join(folder, "lib"), { flags: ["--no-config"], script: "prog.js" }));
    const start = `run --quiet --no-config ${folder}/lib/prog.js`;
    const callsOf = async (cache: string) => {
      await writeFile(join(folder, "calls"), "");
      const { stdout, success } = await new Deno.Command(command, { args: ["--x"], env: { DENO_DIR: cache } }).output();
      assert.deepEqual([success, new TextDecoder().decode(stdout)], [true, ""]);
      return (await readFile(join(folder, "calls"), "utf8")).trimEnd().split("\n");
    };
    assert.deepEqual(await callsOf(folder), [`${start} --version`, `${start} --x`]);
    assert.deepEqual(await callsOf(folder), [`${start} --x`]);
    assert.deepEqual(await callsOf("/nowhere"), [`${start} --version`, `${start} --x`]);
  });
});
