import assert from "node:assert/strict";
import { parsePattern } from "../../core/pattern.ts";
import { interceptedHosts } from "./intercepted_hosts.ts";
import { checkListed } from "./listed_hosts.ts";

Deno.test("a list has hosts by name or pattern, and of them the ports that it says, or all", () => {
  const list = [{ host: "A.corp", ports: [443] }, { regex: parsePattern("\\.b\\.corp$"), ports: [] }];
  for (const url of ["https://a.corp", "https://A.CORP", "http://a.corp:443", "http://x.b.corp:1"]) {
    checkListed(new URL(url), list);
  }
  for (const url of ["http://a.corp", "https://b.corp", "https://a.corp.x", "https://a.corp."]) {
    assert.throws(() => checkListed(new URL(url), list), { code: "permission_denied" });
  }
  checkListed(new URL("http://any:1"), undefined);
  checkListed(new URL("http://[fd00::1]"), [{ host: "fd00::1", ports: [80] }]);
  assert.throws(() => checkListed(new URL("http://any:1"), []), { code: "permission_denied" });
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
