import assert from "node:assert/strict";
import fc from "fast-check";
import { parseToml, tomlString } from "../toml_edit.ts";
import { canonicalServer, editHosts, hasRelativePaths, type WantedHosts } from "./containerd_hosts.ts";

/** The values of a file as plain objects; the parser's have no prototype. */
function valuesOf(text: string): Record<string, Record<string, object>> {
  return JSON.parse(JSON.stringify(parseToml(text).values));
}

const MIRROR = "http://127.0.0.1:4001";

const hub: WantedHosts = {
  mirror: MIRROR,
  capabilities: ["pull", "resolve"],
  registry: "https://registry-1.docker.io",
};

const foreignFiles = fc.array(
  fc.record({
    url: fc.webUrl({ validSchemes: ["http", "https"], withFragments: false }),
    comment: fc.constantFrom("", "# ask this one\n", "\n\n"),
    body: fc.constantFrom("", '  capabilities = ["pull"]\n', "skip_verify = true # sic\n", 'header = { A = "b" }\n'),
  }),
  { maxLength: 4 },
).map((hosts) => {
  const unique = hosts.filter(({ url }, i) => hosts.findIndex((other) => other.url === url) === i && url !== MIRROR);
  return `# ours since 2019\nserver = "https://ghcr.io"\n${
    unique.map(({ url, comment, body }) => `${comment}[host.${tomlString(url)}]\n${body}`).join("")
  }`;
});

Deno.test("in a file of somebody else the peer comes first and no byte is lost", () => {
  fc.assert(fc.property(foreignFiles, (text) => {
    const after = editHosts(text, hub);
    const { host, ...top } = valuesOf(after);
    assert.equal(Object.keys(host ?? {})[0], MIRROR);
    const { [MIRROR]: ours, ...others } = host ?? {};
    const before = valuesOf(text);
    assert.deepEqual({ ...top, ...(Object.keys(others).length > 0 ? { host: others } : {}) }, before);
    assert.deepEqual(ours, {
      capabilities: ["pull", "resolve"],
      header: { "X-Dragonfly-Registry": "https://registry-1.docker.io" },
    });
    const added = after.length - text.length;
    const at = [...after].findIndex((_, i) => after.slice(0, i) + after.slice(i + added) === text);
    assert.notEqual(at, -1, "what was added stands in one place");
    assert.equal(editHosts(after, hub), after, "a second time changes nothing");
  }));
});

Deno.test("a change of the configuration changes the lines dfinit wrote and nothing else", () => {
  const before = editHosts(undefined, { ...hub, registry: "https://reg.corp", skipVerify: true });
  assert.match(before, /^skip_verify = true # damselfly$/m);
  const own = `${before}\n[host."https://backup"] # by hand\n`;
  const after = editHosts(own, { ...hub, registry: "https://new.corp", capabilities: ["pull"], ca: ["/ca.pem"] });
  assert.equal(
    after,
    own.replaceAll("https://reg.corp", "https://new.corp").replace('["pull", "resolve"]', '["pull"]')
      .replace("skip_verify = true # damselfly\n", "").replace(/^/, 'ca = ["/ca.pem"] # damselfly\n')
      .replace("  skip_verify = true\n", "").replace("  capabilities", '  ca = ["/ca.pem"]\n  capabilities'),
  );
});

Deno.test("a key at the top that somebody else wrote stays", () => {
  const text = 'server = "https://proxy.corp"\nskip_verify = false\n';
  assert.ok(editHosts(text, { ...hub, skipVerify: true }).startsWith(text));
});

Deno.test("keys of TLS are never written for a registry at a plain http URL", () => {
  const tls = { skipVerify: true, ca: ["/ca.pem"] };
  assert.doesNotMatch(editHosts(undefined, { ...hub, ...tls, registry: "http://reg.corp:5000" }), /skip_verify|ca =/);
  const dragonfly = `[host."${MIRROR}"]\nskip_verify = true\nca = "/ca.pem"\n`;
  assert.doesNotMatch(editHosts(dragonfly, hub), /skip_verify|ca =/);
});

Deno.test("an https mirror gets the keys of TLS itself", () => {
  const text = editHosts(undefined, { ...hub, mirror: "https://127.0.0.1:4001", skipVerify: true });
  assert.equal(text.match(/skip_verify = true/g)?.length, 2);
  assert.equal(editHosts(text, { ...hub, mirror: "https://127.0.0.1:4001", skipVerify: true }), text);
});

Deno.test("an https mirror is trusted by its own authority and by that of the registry, be there one or not", () => {
  const wanted = { ...hub, mirror: "https://127.0.0.1:4001", ca: ["/mirror.pem"] };
  const caOf = (text: string) => {
    const { ca } = (valuesOf(text)["host"]?.["https://127.0.0.1:4001"] ?? {}) as { ca?: string[] };
    return ca;
  };
  const withoutTls = editHosts('server = "http://reg.corp"\n', { ...wanted, registry: "http://reg.corp" });
  assert.deepEqual(caOf(withoutTls), ["/mirror.pem"]);
  const both = editHosts('server = "https://reg.corp"\nca = "own.pem"\n', { ...wanted, registry: "https://reg.corp" });
  assert.deepEqual(caOf(both), ["/mirror.pem", "own.pem"]);
});

Deno.test("a peer that moved takes its table along, ours or that of Dragonfly", () => {
  const moved = { ...hub, mirror: "http://127.0.0.1:65001" };
  assert.equal(editHosts(editHosts(undefined, hub), moved), editHosts(undefined, moved));
  const dragonfly =
    `[host."${MIRROR}"]\ncapabilities = ["pull"]\n[host."${MIRROR}".header]\nX-Dragonfly-Registry = "a"\n`;
  assert.deepEqual(Object.keys(valuesOf(editHosts(dragonfly, moved))["host"] ?? {}), [moved.mirror]);
});

Deno.test("an entry for all registries names no registry, so the peer takes it from the request", () => {
  const text = editHosts(undefined, { mirror: MIRROR, capabilities: ["pull", "resolve"] });
  assert.deepEqual(valuesOf(text), { host: { [MIRROR]: { capabilities: ["pull", "resolve"] } } });
});

Deno.test("every name of Docker Hub leads to the registry", () => {
  for (
    const url of [
      "https://docker.io",
      "https://index.docker.io/",
      "https://index.docker.io/v1/",
      "https://registry.hub.docker.com",
    ]
  ) {
    assert.equal(canonicalServer(url), "https://registry-1.docker.io");
  }
  assert.equal(canonicalServer("https://docker.io.evil.corp"), "https://docker.io.evil.corp");
});

Deno.test("hosts that containerd would not see in order are refused", () => {
  assert.throws(() => editHosts('host = { "https://a" = { capabilities = ["pull"] } }\n', hub), {
    code: "failed_precondition",
  });
});

Deno.test("paths that only work in their own directory are found", () => {
  assert.ok(hasRelativePaths('ca = "ca.pem"'));
  assert.ok(hasRelativePaths('[host."https://a"]\nclient = [["/c", "k"]]'));
  assert.ok(!hasRelativePaths('ca = ["/ca.pem"]\n[host."https://a"]\nclient = "/c"'));
});

Deno.test("a registry is trusted through the peer as it is without, for containerd asks for tokens in the peer's name", () => {
  const trust = 'ca = ["own.pem", "/etc/pki/corp.pem"]\nclient = [["a.cert", "a.key"]]\nskip_verify = true\n';
  const text = `server = "https://reg.corp"\n${trust}`;
  const after = editHosts(text, { ...hub, registry: "https://reg.corp" });
  const { ca, client, skip_verify } = valuesOf(after)["host"]?.[MIRROR] as Record<string, unknown>;
  assert.deepEqual({ ca, client, skip_verify }, {
    ca: ["own.pem", "/etc/pki/corp.pem"],
    client: [["a.cert", "a.key"]],
    skip_verify: true,
  });
  assert.equal(editHosts(after, { ...hub, registry: "https://reg.corp" }), after);

  const less = editHosts(after.replace(trust, ""), { ...hub, registry: "https://reg.corp" });
  assert.deepEqual(Object.keys(valuesOf(less)["host"]?.[MIRROR] ?? {}), ["capabilities", "header"]);

  const made = editHosts(undefined, { ...hub, registry: "https://reg.corp", found: { ca: ["/d/ca.crt"], client: [] } });
  assert.deepEqual((valuesOf(made)["host"]?.[MIRROR] as Record<string, unknown>)["ca"], ["/d/ca.crt"]);
});

Deno.test("a registry without TLS needs no trust, and none stands at the peer's address", () => {
  const after = editHosts('server = "http://reg.corp"\nca = "own.pem"\n', { ...hub, registry: "http://reg.corp" });
  assert.deepEqual(Object.keys(valuesOf(after)["host"]?.[MIRROR] ?? {}), ["capabilities", "header"]);
});
