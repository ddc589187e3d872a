import assert from "node:assert/strict";
import { Command } from "commander";
import { type ReleaseParts, releaseTree } from "./layout.ts";
import { baseTree, programTree } from "./image_tree.ts";
import { IMAGES } from "./images.ts";
import { COMMANDS, SHIPPED } from "./programs.ts";
import { textEntry, type TreeEntry } from "./tree.ts";

const PARTS: ReleaseParts = {
  bundleOf: ({ name }) => new TextEncoder().encode(`code of ${name}`),
  permissionsOf: ({ permissions }) => [`--allow-${permissions}`],
  commandOf: ({ name }) => Promise.resolve(new Command(name).description("Does something.")),
  completionOf: ({ name }, shell) => Promise.resolve(`${shell} of ${name}`),
  deno: new Uint8Array(3),
  documents: { LICENSE: "free" },
  time: 0,
};

function textOf(entries: readonly TreeEntry[], path: string): string {
  const entry = entries.find((one) => one.path === path);
  assert.ok(entry !== undefined && "content" in entry, path);
  return new TextDecoder().decode(entry.content);
}

const paths = (entries: readonly TreeEntry[]) => entries.map(({ path }) => path);

Deno.test("an archive has each program as a command with its permissions, its bundle, its page and completions", async () => {
  const entries = await releaseTree(PARTS);
  for (const { name, permissions } of COMMANDS) {
    assert.match(textOf(entries, `bin/${name}`), new RegExp(`--allow-${permissions} "\\$library/${name}\\.js"`));
    assert.equal(textOf(entries, `lib/damselfly/${name}.js`), `code of ${name}`);
    assert.match(textOf(entries, `share/man/man1/${name}.1`), /^\.TH /);
    assert.equal(textOf(entries, `share/zsh/site-functions/_${name}`), `zsh of ${name}`);
  }
  assert.equal(textOf(entries, "share/doc/damselfly/LICENSE"), "free");
  assert.match(textOf(entries, "bin/dfdaemon"), /--v8-flags=--max-semi-space-size=2/);
});

Deno.test("an archive with Deno has units that run it, and the one for any platform differs in nothing else", async () => {
  const [whole, any] = [await releaseTree(PARTS), await releaseTree({ ...PARTS, deno: undefined })];
  const unit = textOf(whole, "lib/systemd/system/damselfly-scheduler.service");
  assert.match(unit, /^ExecStart=\/usr\/local\/lib\/damselfly\/deno run .*--allow-scheduler .*\/scheduler\.js/m);
  assert.match(unit, /^ProtectSystem=strict$/m);
  const more = paths(whole).filter((path) => !paths(any).includes(path));
  assert.deepEqual(more.sort(), [
    "lib/damselfly/deno",
    ...["dfdaemon", "manager", "scheduler"].map((name) => `lib/systemd/system/damselfly-${name}.service`),
  ]);
  assert.deepEqual(paths(any).filter((path) => !paths(whole).includes(path)), []);
});

Deno.test("an image has its programs where its chart looks for them, and folders that their user may write", () => {
  const [image] = IMAGES;
  assert.ok(image !== undefined);
  const entries = programTree(image, SHIPPED.filter(({ name }) => image.programs.includes(name)), PARTS);
  assert.match(
    textOf(entries, "usr/bin/manager"),
    /^exec \/usr\/lib\/damselfly\/deno run .*--allow-manager/m,
  );
  assert.equal(textOf(entries, "usr/lib/damselfly/manager.js"), "code of manager");
  const folder = entries.find(({ path }) => path === "var/lib/dragonfly");
  assert.deepEqual(folder, { path: "var/lib/dragonfly", mode: 0o755, owner: { uid: 65_532, gid: 65_532 } });
  assert.deepEqual(paths(entries).filter((path) => path.includes("dfdaemon")), []);
});

Deno.test("what runs for long in an image is warmed up first, and commands that end soon are not", () => {
  const launched = IMAGES.flatMap((image) => {
    const entries = programTree(image, SHIPPED.filter(({ name }) => image.programs.includes(name)), PARTS);
    return image.programs.map((name) => [name, textOf(entries, `usr/bin/${name}`)] as const);
  });
  const warm = launched.filter(([, text]) => text.includes(" --version ")).map(([name]) => name);
  assert.deepEqual(warm, ["manager", "scheduler", "dfdaemon"]);
});

Deno.test("below all images is Deno, and a folder for what passes that every user may write", () => {
  const entries = baseTree([textEntry("etc/passwd", "root")], new Uint8Array(3));
  assert.deepEqual(paths(entries), ["etc/passwd", "tmp", "usr/lib/damselfly/deno"]);
  assert.deepEqual(entries.map((entry) => "mode" in entry && entry.mode), [0o644, 0o1777, 0o755]);
});
