import { join } from "node:path";
import { type AddressBlock, reserveAddresses } from "./addresses.ts";
import { buildImage, type Image, IMAGE_PROGRAMS, pushImage } from "./image.ts";
import { run } from "./programs.ts";
import { type Registry, REGISTRY_PROGRAM, startRegistry } from "./registry.ts";
import { Workspace } from "./workspace.ts";

/** What {@link openImageStage} and {@link makeCertificate} need. */
export const IMAGE_STAGE_PROGRAMS = [...IMAGE_PROGRAMS, REGISTRY_PROGRAM, "openssl"];
/** Small enough for plain copies of each layer, and more than one piece. */
const LAYERS = [["libc6", "bash", "coreutils", "busybox"], ["perl-modules-5.36", "libpython3.11-stdlib"]];

/** What the tests of a container runtime begin with. */
export interface ImageStage {
  readonly workspace: Workspace;
  readonly addresses: AddressBlock;
  readonly image: Image;
  /** At the first of the addresses; it has the image. */
  readonly registry: Registry;
}

/** Builds an image and starts a registry that has it, as `repository:1.0`; `stack` ends all of it. */
export async function openImageStage(stack: AsyncDisposableStack, repository: string): Promise<ImageStage> {
  const workspace = stack.use(await Workspace.create());
  const addresses = stack.use(await reserveAddresses());
  const image = await buildImage(LAYERS);
  const registry = stack.use(await startRegistry({ ip: addresses.ip(1), dir: workspace.dir }));
  await pushImage(image, registry.url, repository, "1.0");
  return { workspace, addresses, image, registry };
}

/** Makes a certificate for a name, which is its own authority, and its key. */
export async function makeCertificate(
  { dir }: Workspace,
  name: string,
): Promise<{ readonly cert: string; readonly key: string }> {
  const [cert, key] = [join(dir, `${name}.pem`), join(dir, `${name}.key`)];
  const fresh = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const names = ["-subj", "/CN=r", "-addext", `subjectAltName=DNS:${name}`];
  await run("openssl", ["req", ...fresh, ...names, "-keyout", key, "-out", cert]);
  return { cert, key };
}
