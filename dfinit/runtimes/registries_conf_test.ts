import assert from "node:assert/strict";
import { diskWith } from "../../src/testing/memory_files.ts";
import { HostFiles } from "../host_files.ts";
import { mirrorLocation } from "./mirror_location.ts";
import { covers, entryFor, readRegistriesConf } from "./registries_conf.ts";

const CONF = "/etc/containers/registries.conf";
const OWN = `${CONF}.d/50-own.conf`;

async function read(files: Record<string, string>) {
  return await readRegistriesConf(CONF, OWN, new HostFiles(await diskWith(files), "/"));
}

Deno.test("of two entries with one prefix the later file counts, our own is not read, and others are no drop-ins", async () => {
  const conf = await read({
    [CONF]: '[[registry]]\nlocation = "a.io"\n[[registry]]\nprefix = "b.io"\nlocation = "c.io/x/"\n',
    [`${CONF}.d/10-x.conf`]: '[[registry]]\nlocation = "a.io"\ninsecure = true\n',
    [OWN]: '[[registry]]\nlocation = "own.io"\n',
    [`${CONF}.d/60-x.conf`]: '[[registry]]\nprefix = "d.io"\nlocation = "e.io"\n',
    [`${CONF}.d/70-x.conf.rpmsave`]: "= broken",
  });
  assert.deepEqual([...conf.entries.keys()], ["a.io", "b.io", "d.io"]);
  assert.equal(conf.entries.get("a.io")?.insecure, true);
  assert.equal(conf.entries.get("b.io")?.location, "c.io/x");
  assert.deepEqual([...conf.later.keys()], ["d.io"]);
});

Deno.test("what the runtime could not read is refused with its file", async () => {
  const cases = [
    ["x = ", /Cannot parse TOML/],
    ["registry = 1\n", /no list of tables/],
    ["[[registry]]\ninsecure = true\n", /neither prefix nor location/],
    ['[[registry]]\nlocation = "a.io"\n[[registry.mirror]]\n', /a mirror has no location/],
    ["[[registry]]\nlocation = 1\n", /location is no text/],
    ["[registries.search]\nregistries = 1\n[registries.insecure]\nregistries = 1\n", /insecure\.registries is no list/],
  ] as const;
  for (const [text, expected] of cases) await assert.rejects(read({ [CONF]: text }), { message: expected }, text);
  const old = read({ [`${CONF}.d/x.conf`]: "[registries.search]\nregistries = []\n" });
  await assert.rejects(old, { message: /which no drop-in may have/ });
});

Deno.test("the longest prefix counts, at the ends of names only", async () => {
  assert.ok(covers("a.io", "a.io/team") && covers("a.io", "a.io:5000") && covers("*.io", "a.io/x"));
  assert.ok(
    !covers("a.io", "a.iox") && !covers("a.io/team", "a.io/teams") && !covers("*.io", "io") &&
      !covers("a.io/x", "a.io"),
  );
  const { entries } = await read({ [CONF]: '[[registry]]\nlocation = "a.io"\n[[registry]]\nlocation = "a.io/team"\n' });
  assert.equal(entryFor("a.io/team/app", entries)?.prefix, "a.io/team");
  assert.equal(entryFor("a.io/other", entries)?.prefix, "a.io");
  assert.equal(entryFor("b.io", entries), undefined);
});

Deno.test("a registry and its port are a part of the mirror's path", () => {
  const at = (location: string) => mirrorLocation("http://127.0.0.1:4001", location, "key");
  assert.equal(at("quay.io"), "127.0.0.1:4001/quay.io");
  assert.equal(at("Reg.corp:5000/team/a__b"), "127.0.0.1:4001/reg.corp__5000/team/a__b");
  assert.equal(at("localhost"), "127.0.0.1:4001/localhost");
  for (
    const wrong of [
      "",
      "quay",
      "[::1]:5000",
      "https://quay.io",
      "quay.io/",
      "*.io",
      "a..io",
      ".io",
      "a_b.io",
      "quay.io/A B",
    ]
  ) {
    assert.throws(() => at(wrong), { message: /no registry that a mirror can stand for/ }, wrong);
  }
});
