import assert from "node:assert/strict";
import { parsePattern } from "../../core/pattern.ts";
import { interceptedHosts } from "./intercepted_hosts.ts";
import { checkListed } from "./listed_hosts.ts";

Deno.test("a list has hosts by name or pattern, and of them the ports that it says, or all", () => {
  const list = [{ host: "A.corp", ports: [443] }, { regex: parsePattern("\\.b\\.corp$"), ports: [] }];
  for (const [hostname, port] of [["a.corp", 443], ["A.CORP", 443], ["x.b.corp", 1]] as const) {
    checkListed({ hostname, port }, list);
  }
  for (const [hostname, port] of [["a.corp", 80], ["b.corp", 443], ["a.corp.x", 443]] as const) {
    assert.throws(() => checkListed({ hostname, port }, list), { code: "permission_denied" });
  }
  checkListed({ hostname: "any", port: 1 }, undefined);
  assert.throws(() => checkListed({ hostname: "any", port: 1 }, []), { code: "permission_denied" });
});

Deno.test("registries of the configuration are intercepted, but for Docker Hub, which has to be named", () => {
  const upstream = {
    defaultAddr: "https://index.docker.io",
    upstreams: [
      { namespace: "reg.corp:5000", addr: "https://10.0.0.1:5001" },
      { namespace: "plain.corp", addr: "http://plain.corp" },
    ],
  };
  const usual = interceptedHosts(undefined, upstream);
  for (
    const [hostname, port] of [["reg.corp", 5000], ["REG.corp", 5000], ["10.0.0.1", 5001], ["plain.corp", 443]] as const
  ) {
    assert.ok(usual({ hostname, port }), hostname);
  }
  const others = [["reg.corp", 443], ["registry-1.docker.io", 443], ["index.docker.io", 443], ["x.corp", 443]] as const;
  for (const [hostname, port] of others) assert.ok(!usual({ hostname, port }), hostname);
  const named = interceptedHosts([parsePattern("docker\\.io:443$"), parsePattern("\\[fd00::1\\]")], upstream);
  assert.ok(named({ hostname: "registry-1.docker.io", port: 443 }));
  assert.ok(named({ hostname: "fd00::1", port: 443 }));
  assert.ok(!named({ hostname: "reg.corp", port: 5000 }));
});
