import { dirname, join } from "node:path/posix";
import { certificatesOf } from "../../src/core/certificates.ts";
import type { HostFiles } from "../host_files.ts";
import { withBlock } from "../marked_block.ts";
import { type Change, type Plan, RefusalError, refusing } from "../plan.ts";
import type { DockerConfig } from "./docker_plan.ts";

/** Docker trusts every file of a registry's folder that ends in .crt, so nobody else's has to change. */
const FILE = "damselfly.crt";

/** Below it Docker looks for authorities, in a folder for each registry (tried with 20.10). */
export function trustFolder({ configPath }: Pick<DockerConfig, "configPath">): string {
  return join(dirname(configPath), "certs.d");
}

/** Plans that Docker trusts the authority of the peer's proxy, for the registries that are listed and for no other. */
export async function planTrust(
  config: DockerConfig,
  files: HostFiles,
): Promise<Pick<Plan, "changes" | "unchanged" | "warnings">> {
  const { ca, registries, proxy } = config;
  if (ca === undefined || proxy === "off") return { changes: [], unchanged: [], warnings: [] };
  const text = await files.read(ca);
  if (text === undefined) {
    const what = `${ca} of containerRuntime.docker.ca is not there yet, and registries with TLS go past the swarm: ` +
      "run dfinit again when dfdaemon has made it";
    return { changes: [], unchanged: [], warnings: [what] };
  }
  const lines = certificatesOf(text).flatMap((certificate) => certificate.split(/\r?\n/));
  if (lines.length === 0) {
    throw new RefusalError(ca, "it holds no certificate in PEM", "Name proxy.server.caCert there");
  }
  const changes: Change[] = [];
  const unchanged: string[] = [];
  for (const registry of registries) {
    const path = join(trustFolder(config), registry, FILE);
    const before = await files.read(path);
    const after = refusing(path, "Remove the file, and run dfinit again", () => withBlock(before ?? "", lines));
    if (before === after) unchanged.push(path);
    else changes.push({ path, before, after, why: `Docker trusts the peer's authority for ${registry}` });
  }
  return { changes, unchanged, warnings: [] };
}

/** Files that this may have written. */
export async function trustFiles(config: DockerConfig, files: HostFiles): Promise<string[]> {
  const folder = trustFolder(config);
  return (await files.list(folder) ?? []).map((registry) => join(folder, registry, FILE));
}
