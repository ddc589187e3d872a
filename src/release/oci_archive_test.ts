import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import { VERSION } from "../core/version.ts";
import { IMAGES, type ShippedImage } from "./images.ts";
import { imageArchive, type ImagePlace, layerOf, referenceOf } from "./oci_archive.ts";
import { textEntry } from "./tree.ts";

const PLACE: ImagePlace = {
  ...{ architecture: "arm64", repository: "damselfly", origin: { commit: "abc", time: 1_700_000_000 } },
};

function imageOf(name: string): ShippedImage {
  const image = IMAGES.find((one) => one.name === name);
  assert.ok(image !== undefined);
  return image;
}

async function filesOf(archive: Buffer): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const entries = extract();
  entries.end(archive);
  for await (const entry of entries) files.set(entry.header.name, await buffer(entry));
  return files;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** An archive with its documents, every digest followed and compared. */
async function opened(name: string, place = PLACE) {
  const layers = [
    await layerOf([textEntry("one", "1")], place.origin.time),
    await layerOf([textEntry("two", "2")], place.origin.time),
  ];
  const archive = await imageArchive(imageOf(name), layers, place);
  const files = await filesOf(archive);
  const json = (path: string) => JSON.parse(files.get(path)?.toString() ?? "");
  const blob = ({ digest, size }: { readonly digest: string; readonly size: number }) => {
    const bytes = files.get(`blobs/sha256/${digest.replace("sha256:", "")}`);
    assert.ok(bytes !== undefined);
    assert.deepEqual([`sha256:${sha256(bytes)}`, bytes.length], [digest, size]);
    return bytes;
  };
  const [entry] = json("index.json").manifests;
  const manifest = JSON.parse(blob(entry).toString());
  const config = JSON.parse(blob(manifest.config).toString());
  const diffIds = manifest.layers.map((layer: Parameters<typeof blob>[0]) =>
    `sha256:${sha256(gunzipSync(blob(layer)))}`
  );
  assert.deepEqual(config.rootfs.diff_ids, diffIds);
  return { archive, entry, manifest, config, ofDocker: json("manifest.json")[0], files };
}

Deno.test("an image is an OCI layout in which every digest is right, and older Docker engines find it too", async () => {
  const { entry, config, ofDocker, files, manifest } = await opened("manager");
  assert.deepEqual(entry.platform, { os: "linux", architecture: "arm64" });
  assert.equal(config.architecture, "arm64");
  assert.deepEqual(ofDocker.RepoTags, [`damselfly/manager:${VERSION}`]);
  for (const path of [ofDocker.Config, ...ofDocker.Layers]) assert.ok(files.has(path), path);
  assert.equal(ofDocker.Layers.length, manifest.layers.length);
});

Deno.test("an image is stored under the name by which Kubernetes asks for it", async () => {
  const nameOf = async (repository: string) => {
    return (await opened("client", { ...PLACE, repository })).entry.annotations["io.containerd.image.name"];
  };
  assert.equal(await nameOf("damselfly"), `docker.io/damselfly/client:${VERSION}`);
  assert.equal(await nameOf("localhost/team"), `localhost/team/client:${VERSION}`);
  assert.equal(await nameOf("registry:5000/team"), `registry:5000/team/client:${VERSION}`);
});

Deno.test("what cannot be the name of an image is refused", () => {
  const image = imageOf("client");
  assert.equal(referenceOf(image, "registry:5000/team"), `registry:5000/team/client:${VERSION}`);
  for (const repository of ["Team", "", "team/a:1", "https://registry.example.com/team"]) {
    assert.throws(() => referenceOf(image, repository), /Cannot parse image name/, repository);
  }
});

Deno.test("manager and scheduler run without rights, what works on the node as root, and all say how to ask for health", async () => {
  const of = async (name: string) => (await opened(name)).config.config;
  for (const name of ["manager", "scheduler"]) assert.equal((await of(name)).User, "65532:65532", name);
  for (const name of ["client", "dfinit"]) assert.equal((await of(name)).User, undefined, name);
  assert.deepEqual((await of("client")).Healthcheck.Test, ["CMD", "/usr/bin/dfdaemon", "health"]);
  assert.equal((await of("client")).Healthcheck.Interval, 30_000_000_000);
  assert.equal((await of("dfinit")).Healthcheck, undefined);
  const env = ["PATH=/usr/local/bin:/usr/bin:/bin", "DENO_DIR=/tmp/deno", "DENO_NO_UPDATE_CHECK=1"];
  assert.deepEqual((await of("client")).Env, env);
  assert.deepEqual((await of("manager")).Env, [...env, "MALLOC_TRIM_THRESHOLD_=65536"]);
  assert.deepEqual((await of("scheduler")).Entrypoint, ["/usr/bin/scheduler"]);
  assert.ok((await of("scheduler")).ExposedPorts["8002/tcp"]);
});

Deno.test("an image is the same bytes for the same commit", async () => {
  const [first, second] = [await opened("dfinit"), await opened("dfinit")];
  assert.ok(first.archive.equals(second.archive));
  assert.equal(first.config.created, "2023-11-14T22:13:20.000Z");
  assert.equal(first.config.config.Labels["org.opencontainers.image.revision"], "abc");
});
