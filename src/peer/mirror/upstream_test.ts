import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { chooseUpstream, isAllowed, isConfiguredOrigin, type UpstreamOptions } from "./upstream.ts";

const OPTIONS: UpstreamOptions = {
  defaultAddr: "https://index.docker.io",
  upstreams: [
    { namespace: "reg.corp:5000", addr: "http://10.0.0.9:5000" },
    { namespace: "meta", addr: "http://169.254.1.1:5000" },
  ],
};

function choose(path: string, registry?: string): string {
  const headers = new Headers(registry === undefined ? {} : { "x-dragonfly-registry": registry });
  return chooseUpstream({ url: new URL(path, "http://127.0.0.1:4001"), headers }, OPTIONS).registry.href;
}

const failsWith = (code: string) => (error: unknown) => error instanceof DamselflyError && error.code === code;

Deno.test("chooseUpstream() takes the header over the namespace, and the namespace over the default", () => {
  assert.equal(choose("/v2/?ns=ghcr.io", "https://quay.io"), "https://quay.io/");
  assert.equal(choose("/v2/?ns=ghcr.io"), "https://ghcr.io/");
  assert.equal(choose("/v2/"), "https://registry-1.docker.io/");
});

Deno.test("chooseUpstream() sends every name of Docker Hub to where its registry answers", () => {
  for (const name of ["docker.io", "index.docker.io", "registry.hub.docker.com"]) {
    assert.equal(choose(`/v2/?ns=${name}`), "https://registry-1.docker.io/");
    assert.equal(choose("/v2/", `https://${name}`), "https://registry-1.docker.io/");
  }
});

Deno.test("chooseUpstream() reaches a configured namespace by its configured address", () => {
  assert.equal(choose("/v2/?ns=reg.corp:5000"), "http://10.0.0.9:5000/");
});

Deno.test("chooseUpstream() drops the path and query of a header, so that no request ends at //v2", () => {
  assert.equal(choose("/v2/", "https://ghcr.io/v2/?x=y"), "https://ghcr.io/");
});

Deno.test("chooseUpstream() refuses what is no registry", () => {
  for (const bad of ["ftp://x", "https://user:secret@x", "not a url", "file:///etc/passwd"]) {
    assert.throws(() => choose("/v2/", bad), failsWith("invalid_argument"));
  }
  for (const bad of ["a/b", "a?b", "a@b", "a b"]) {
    assert.throws(() => choose(`/v2/?ns=${encodeURIComponent(bad)}`), failsWith("invalid_argument"));
  }
});

Deno.test("chooseUpstream() does not repeat credentials that somebody wrote into a URL", () => {
  assert.throws(() => choose("/v2/", "https://user:secret@x"), {
    message: /^Cannot use "https:\/\/…@x" as a registry: /,
  });
});

Deno.test("chooseUpstream() takes a registry out of the path when nothing else names one", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const cases: [path: string, registry: string, pathname: string][] = [
    ["/v2/quay.io/team/app/manifests/v1", "https://quay.io/", "/v2/team/app/manifests/v1"],
    [
      "/v2/docker.io/library/alpine/manifests/3.19",
      "https://registry-1.docker.io/",
      "/v2/library/alpine/manifests/3.19",
    ],
    [`/v2/reg.corp__5000/app/blobs/${digest}`, "http://10.0.0.9:5000/", `/v2/app/blobs/${digest}`],
    ["/v2/localhost/app/tags/list", "https://localhost/", "/v2/app/tags/list"],
    ["/v2/reg__5000/a/b/manifests/v1", "https://reg:5000/", "/v2/a/b/manifests/v1"],
    // The first part is no host, or the whole repository.
    ["/v2/team/app/manifests/v1", "https://registry-1.docker.io/", "/v2/team/app/manifests/v1"],
    ["/v2/my.app/manifests/v1", "https://registry-1.docker.io/", "/v2/my.app/manifests/v1"],
    ["/v2/my__app/manifests/v1", "https://registry-1.docker.io/", "/v2/my__app/manifests/v1"],
    ["/v2/", "https://registry-1.docker.io/", "/v2/"],
    ["/v2/quay.io/team/app/manifests/v1?ns=ghcr.io", "https://ghcr.io/", "/v2/quay.io/team/app/manifests/v1"],
  ];
  for (const [path, registry, pathname] of cases) {
    const chosen = chooseUpstream({ url: new URL(path, "http://127.0.0.1:4001"), headers: new Headers() }, OPTIONS);
    assert.deepEqual([chosen.registry.href, chosen.pathname], [registry, pathname], path);
  }
  assert.throws(() => choose("/v2/reg.corp__99999/app/manifests/v1"), failsWith("invalid_argument"));
});

Deno.test("isConfiguredOrigin() knows the default and the upstreams by their origins", () => {
  const options = {
    defaultAddr: "https://index.docker.io/v1/",
    upstreams: [{ namespace: "m", addr: "http://10.1.1.1" }],
  };
  for (const origin of ["https://index.docker.io", "http://10.1.1.1"]) assert.ok(isConfiguredOrigin(origin, options));
  for (const origin of ["http://index.docker.io", "http://10.1.1.1:81"]) {
    assert.ok(!isConfiguredOrigin(origin, options));
  }
});

Deno.test("a list of registries allows what it names and what the mirror is configured for, and nothing that looks alike", () => {
  const options = { ...OPTIONS, allowed: ["quay.io", "*.corp", "http://plain.example:5000"] };
  const may = (url: string) => isAllowed(new URL(url), options);
  const allowed = ["https://quay.io", "https://reg.corp", "https://a.b.corp", "http://plain.example:5000"];
  for (const url of [...allowed, "http://10.0.0.9:5000", "https://registry-1.docker.io"]) assert.ok(may(url), url);
  const others = ["http://quay.io", "https://quay.io:5000", "https://evil.quay.io", "https://corp", "https://evilcorp"];
  for (const url of [...others, "http://reg.corp", "https://reg.corp:5000", "https://plain.example:5000"]) {
    assert.ok(!may(url), url);
  }
  assert.ok(isAllowed(new URL("http://anything"), OPTIONS));
});
