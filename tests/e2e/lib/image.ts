/** An OCI image of several layers made of real Debian packages, and pushing it to a registry. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cachedFolder } from "./cache.ts";
import { DEBIAN_PROGRAMS, downloadPackages } from "./debian.ts";
import { run } from "./programs.ts";

/** What {@link buildImage} needs from the machine. */
export const IMAGE_PROGRAMS = [...DEBIAN_PROGRAMS, "tar", "gzip"] as const;

/** Packages per layer: real trees of files, compressed to between 5 and about 120 MB each. */
export const DEBIAN_LAYERS: readonly (readonly string[])[] = [
  ["libc6", "bash", "coreutils", "busybox"],
  ["perl-modules-5.36", "libpython3.11-stdlib"],
  ["openjdk-17-jre-headless"],
  ["fonts-noto-cjk"],
  ["golang-1.19-go"],
  ["chromium"],
];

const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip";
const LAYERS_AT_ONCE = 2;

/** An OCI descriptor (image-spec, "OCI Content Descriptors"). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** An image as files: blobs by digest in `dir`, and what points to what. */
export interface Image {
  readonly dir: string;
  readonly index: Descriptor;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** The blobs of an image in the registry's sense: its config and its layers. */
export function blobsOf(image: Image): Descriptor[] {
  return [image.config, ...image.layers];
}

/** Builds the image, or takes it from the cache. */
export async function buildImage(layers: readonly (readonly string[])[] = DEBIAN_LAYERS): Promise<Image> {
  const key = `image-${createHash("sha256").update(JSON.stringify(layers)).digest("hex").slice(0, 16)}`;
  const dir = await cachedFolder(key, (scratch) => assemble(layers, scratch));
  return { ...JSON.parse(await readFile(join(dir, "image.json"), "utf8")) as Omit<Image, "dir">, dir };
}

async function assemble(recipe: readonly (readonly string[])[], dir: string): Promise<void> {
  const built: BuiltLayer[] = [];
  for (let first = 0; first < recipe.length; first += LAYERS_AT_ONCE) {
    const batch = recipe.slice(first, first + LAYERS_AT_ONCE);
    built.push(...await Promise.all(batch.map((packages, i) => buildLayer(packages, dir, first + i))));
  }
  const layers = built.map((layer) => layer.descriptor);
  const platform = { architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64", os: "linux" };
  const config = await writeJsonBlob(dir, CONFIG_TYPE, {
    ...platform,
    config: { Cmd: ["/bin/bash"] },
    rootfs: { type: "layers", diff_ids: built.map((layer) => layer.diffId) },
  });
  const manifest = await writeJsonBlob(dir, MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config,
    layers,
  });
  const manifests = [{ ...manifest, platform }];
  const index = await writeJsonBlob(dir, INDEX_TYPE, { schemaVersion: 2, mediaType: INDEX_TYPE, manifests });
  await writeFile(join(dir, "image.json"), JSON.stringify({ index, manifest, config, layers }));
}

interface BuiltLayer {
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed archive, which the config lists and containerd checks. */
  readonly diffId: string;
}

async function buildLayer(packages: readonly string[], dir: string, number: number): Promise<BuiltLayer> {
  const work = join(dir, `layer-${number}`);
  const root = join(work, "root");
  await mkdir(root, { recursive: true });
  for (const deb of await downloadPackages(packages, work)) await run("dpkg-deb", ["--extract", deb, root]);

  const tar = join(work, "layer.tar");
  const stable = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"];
  await run("tar", [...stable, "-C", root, "-cf", tar, "."]);
  const diffId = await digestOfFile(tar);
  await run("gzip", ["-n", "-1", tar]);
  const digest = await digestOfFile(`${tar}.gz`);
  const size = (await stat(`${tar}.gz`)).size;
  await rename(`${tar}.gz`, blobFile(dir, digest));
  await rm(work, { recursive: true });
  return { descriptor: { mediaType: LAYER_TYPE, digest, size }, diffId };
}

async function writeJsonBlob(dir: string, mediaType: string, content: unknown): Promise<Descriptor> {
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  await writeFile(blobFile(dir, digest), bytes);
  return { mediaType, digest, size: bytes.byteLength };
}

/** Pushes all of an image and tags its index (distribution-spec, "Pushing blobs" and "Pushing manifests"). */
export async function pushImage(image: Image, registryUrl: string, repository: string, tag: string): Promise<void> {
  const base = `${registryUrl}/v2/${repository}`;
  for (const blob of blobsOf(image)) await pushBlob(image, blob, base);
  await pushManifest(image, image.manifest, `${base}/manifests/${image.manifest.digest}`);
  await pushManifest(image, image.index, `${base}/manifests/${tag}`);
}

async function pushBlob(image: Image, blob: Descriptor, base: string): Promise<void> {
  const session = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
  await session.body?.cancel();
  const location = session.headers.get("location");
  if (session.status !== 202 || location === null) throw new Error(`Cannot start an upload: HTTP ${session.status}`);
  const target = new URL(location, base);
  target.searchParams.set("digest", blob.digest);
  const file = await open(blobFile(image.dir, blob.digest));
  await put(target.href, file.readableWebStream() as ReadableStream<Uint8Array>, "application/octet-stream");
  await file.close();
}

async function pushManifest(image: Image, manifest: Descriptor, url: string): Promise<void> {
  await put(url, await readFile(blobFile(image.dir, manifest.digest)), manifest.mediaType);
}

async function put(url: string, body: BodyInit, contentType: string): Promise<void> {
  const answer = await fetch(url, { method: "PUT", body, headers: { "content-type": contentType } });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`Cannot push to ${url}: HTTP ${answer.status} ${text}`);
}

function blobFile(dir: string, digest: string): string {
  return join(dir, digest.replace(":", "-"));
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array);
  return `sha256:${hash.digest("hex")}`;
}
