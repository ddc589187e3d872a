import assert from "node:assert/strict";
import { compileArguments, ownPlatform, type Platform, platformOf, platformOfImages } from "./compile.ts";
import { SHIPPED } from "./programs.ts";

const manager = SHIPPED.find(({ name }) => name === "manager");

/** A file with a head as ELF has it. */
async function withHead<T>(magic: string, machine: number, run: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile();
  const head = new Uint8Array(64);
  head.set(new TextEncoder().encode(magic));
  new DataView(head.buffer).setUint16(18, machine, true);
  try {
    await Deno.writeFile(path, head);
    return await run(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("a program is compiled of its bundle, with its permissions, for its platform, without looking for modules", () => {
  assert.ok(manager !== undefined);
  const permissions = ["--allow-net", "--allow-env=A,B"];
  const parts = { program: manager, permissions, script: "/top/dist/manager.js", output: "out/manager" };
  const line = compileArguments({ ...parts, platform: "linux-arm64" }).join(" ");
  assert.equal(
    line,
    "compile --quiet --no-config --no-npm --no-remote --cached-only --no-prompt " +
      "--v8-flags=--no-allocation-site-pretenuring --allow-net --allow-env=A,B --deny-import --target aarch64-unknown-linux-gnu " +
      "--output out/manager /top/dist/manager.js",
  );
});

Deno.test("a runtime is for the platform that its head says", async () => {
  const cases: [number, Platform][] = [[0x3e, "linux-amd64"], [0xb7, "linux-arm64"]];
  for (const [machine, platform] of cases) {
    assert.equal(await withHead("\x7fELF", machine, platformOf), platform);
  }
});

Deno.test("what is no program for a known platform is refused as a runtime", async () => {
  for (const [magic, machine] of [["\x7fELF", 0x28], ["#!/b", 0x3e]] as const) {
    await assert.rejects(withHead(magic, machine, platformOf), /it is no program for linux-amd64 or linux-arm64/);
  }
  await assert.rejects(platformOf("/nowhere/denort"), /Cannot read \/nowhere\/denort/);
});

Deno.test("images are for the platform of their Deno, and no other may be asked for", () => {
  assert.equal(platformOfImages(undefined, "linux-arm64"), "linux-arm64");
  assert.equal(platformOfImages("linux-arm64", "linux-arm64"), "linux-arm64");
  assert.throws(
    () => platformOfImages("linux-arm64", "linux-amd64"),
    /images for linux-arm64 with Deno for linux-amd64: name one for linux-arm64 with --deno$/,
  );
  for (const asked of [undefined, "linux-amd64"] as const) {
    assert.throws(() => platformOfImages(asked, undefined), /linux-amd64.* with Deno for another system: name one/);
  }
});

Deno.test("the platform of this machine is known by what Deno was built for", () => {
  assert.equal(ownPlatform({ os: "linux", arch: "x86_64" }), "linux-amd64");
  assert.equal(ownPlatform({ os: "linux", arch: "aarch64" }), "linux-arm64");
  assert.equal(ownPlatform({ os: "darwin", arch: "aarch64" }), undefined);
});
