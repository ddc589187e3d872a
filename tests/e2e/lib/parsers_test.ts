import assert from "node:assert/strict";
import { permissionFlags } from "../../../src/install/permission_flags.ts";
import { moveConfig } from "./containerd.ts";
import { debianMirrorOf } from "./debian.ts";
import { blobBytes, parseRegistryLog } from "./registry.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

function logged(method: string, uri: string, status: number, written: number): string {
  const fields = {
    "http.request.method": method,
    "http.request.uri": uri,
    "http.response.status": status,
    "http.response.written": written,
  };
  return JSON.stringify({ ...fields, level: "info", msg: "response completed" });
}

Deno.test("the registry's log tells how many bytes of each blob it sent", () => {
  const log = [
    '{"level":"info","msg":"listening on 127.0.0.1:5000"}',
    logged("GET", `/v2/a/blobs/${DIGEST}?ns=b`, 206, 100),
    logged("HEAD", `/v2/a/blobs/${DIGEST}`, 200, 50),
    logged("GET", `/v2/a/blobs/${DIGEST}`, 200, 11),
    logged("GET", `/v2/a/blobs/${DIGEST}`, 404, 90),
    logged("GET", `/v2/a/manifests/${DIGEST}`, 200, 70),
    "",
  ].join("\n");
  assert.equal(parseRegistryLog(log).length, 5);
  assert.deepEqual(blobBytes(parseRegistryLog(log)), new Map([[DIGEST, 111]]));
});

Deno.test("the Debian mirror is found in both formats of apt sources, and the security archive is not taken for it", () => {
  const security = "URIs: http://mirror.test/debian-security\n";
  assert.equal(debianMirrorOf(`${security}Types: deb\nURIs: http://mirror.test/debian\n`), "http://mirror.test/debian");
  assert.equal(
    debianMirrorOf("# deb http://old.test/debian x\ndeb [signed-by=/k] https://m.test/debian/ bookworm main\n"),
    "https://m.test/debian/",
  );
  assert.throws(() => debianMirrorOf(security), /Cannot find a Debian mirror/);
});

Deno.test("a containerd configuration is moved line by line, and one that can't be moved whole is refused", () => {
  const before = [
    "version = 3",
    "root = '/var/lib/containerd'",
    "state = '/run/containerd'",
    "[grpc]",
    "  address = '/run/containerd/containerd.sock'",
    "    path = '/opt/containerd'",
    "    snapshotter = 'overlayfs'",
    "    config_path = ''",
  ];
  const after = moveConfig(before.join("\n"), "/n", "native").split("\n");
  assert.deepEqual(after, [
    "version = 3",
    'root = "/n/root"',
    'state = "/n/state"',
    "[grpc]",
    '  address = "/n/containerd.sock"',
    '    path = "/n/opt"',
    '    snapshotter = "native"',
    "    config_path = ''",
  ]);
  assert.throws(() => moveConfig(before.slice(2).join("\n"), "/n", "native"), /no line matches/);
});

Deno.test("a permission set becomes the flags that grant the same", () => {
  const set = { net: true, read: ["/etc", "/var"], run: false };
  assert.deepEqual(permissionFlags(set), ["--allow-net", "--allow-read=/etc,/var"]);
});
