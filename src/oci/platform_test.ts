import assert from "node:assert/strict";
import { formatPlatform, parsePlatform, platformRank } from "./platform.ts";

/** What of `offered` suits a machine, the best first. */
function suited(wanted: string, ...offered: string[]): string[] {
  const rank = (text: string) => platformRank(parsePlatform(wanted), parsePlatform(text));
  return offered.filter((text) => rank(text) !== undefined).toSorted((a, b) => (rank(a) ?? 0) - (rank(b) ?? 0));
}

Deno.test("a machine runs what is made for its own kind and for older ones, the newest first", () => {
  const arms = ["linux/arm/v5", "linux/arm/v8", "linux/arm/v6", "linux/arm64", "linux/arm/v7", "linux/amd64"];
  assert.deepEqual(suited("linux/arm64", ...arms), [
    ...["linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"],
  ]);
  assert.deepEqual(suited("linux/arm", ...arms), ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]);
  assert.deepEqual(suited("linux/arm/v6", ...arms), ["linux/arm/v6", "linux/arm/v5"]);
  assert.deepEqual(suited("linux/amd64/v3", "linux/386", "linux/amd64", "linux/amd64/v2", "linux/amd64/v4"), [
    ...["linux/amd64/v2", "linux/amd64", "linux/386"],
  ]);
  assert.deepEqual(suited("linux/amd64", "linux/amd64/v2", "linux/arm64"), []);
  const arm64 = ["linux/arm64/v8.5", "linux/arm64/v8.6", "linux/arm64", "linux/arm64/v9", "linux/arm64/v9.1"];
  assert.deepEqual(suited("linux/arm64/v9.0", ...arm64), ["linux/arm64/v9", "linux/arm64/v8.5", "linux/arm64"]);
  assert.deepEqual(suited("linux/arm64/v8.5", ...arm64), ["linux/arm64/v8.5", "linux/arm64"]);
  assert.deepEqual(suited("linux/s390x", "linux/s390x", "linux/ppc64le"), ["linux/s390x"]);
  assert.deepEqual(suited("windows/amd64", "linux/amd64", "windows/amd64"), ["windows/amd64"]);
});

Deno.test("other names of a machine mean the same one", () => {
  const same = [
    ["linux/amd64", "linux/x86_64"],
    ["linux/arm64", "linux/aarch64"],
    ["linux/arm64", "linux/arm64/v8"],
    ["linux/arm64/v8", "linux/arm64/8"],
    ["linux/arm64/v8.0", "linux/arm64/v8"],
    ["linux/arm", "linux/arm/7"],
    ["linux/armhf", "linux/arm/v7"],
    ["linux/armel", "linux/arm/v6"],
    ["Linux/AMD64", "linux/amd64/v1"],
    ["macos/arm64", "darwin/arm64"],
  ] as const;
  for (const [a, b] of same) {
    assert.equal(platformRank(parsePlatform(a), parsePlatform(b)), 0, `${a} ${b}`);
    assert.equal(platformRank(parsePlatform(b), parsePlatform(a)), 0, `${b} ${a}`);
  }
});

Deno.test("a variant that nobody knows is only itself, however long", () => {
  for (const variant of ["v99999999", "v9.99999999", "v0", "fast"]) {
    for (const architecture of ["arm", "arm64", "amd64"]) {
      const text = `linux/${architecture}/${variant}`;
      assert.equal(suited(text, text)[0], text);
      assert.deepEqual(suited(text, `linux/${architecture}`), []);
    }
  }
});

Deno.test("a text that is no platform is refused", () => {
  for (const text of ["linux", "linux/", "/amd64", "linux/arm/v7/x", "linux/arm/"]) {
    assert.throws(() => parsePlatform(text), { code: "invalid_argument", message: /Cannot read platform/ });
  }
  assert.deepEqual(parsePlatform("linux/arm/v7"), { os: "linux", architecture: "arm", variant: "v7" });
  for (const text of ["linux/arm/v7", "linux/amd64"]) assert.equal(formatPlatform(parsePlatform(text)), text);
});
