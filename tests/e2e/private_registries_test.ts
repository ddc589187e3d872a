/** What docs/private_registries.md tells people to write and to type, with real registries. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { testCertificates } from "../../src/testing/certificates.ts";
import { reserveAddresses } from "./lib/addresses.ts";
import { startPeer } from "./lib/components.ts";
import { buildImage, IMAGE_PROGRAMS, pushImage } from "./lib/image.ts";
import { e2eTest, run } from "./lib/programs.ts";
import { REGISTRY_PROGRAM, startRegistry } from "./lib/registry.ts";
import { startFront } from "./lib/registry_front.ts";
import { Workspace } from "./lib/workspace.ts";

const PAGE = await readFile(new URL("../../docs/private_registries.md", import.meta.url), "utf8");
const COMMANDS = PAGE.split("\n").filter((line) => line.startsWith("    curl ")).map((line) => line.trim());
const CERTIFICATE = testCertificates("a");
const LOGIN = { username: "me", password: "secret" };

/** Runs the commands of the page against a peer, for a registry; what each printed. */
async function answersOf(mirrorUrl: string, registry: string): Promise<string[]> {
  assert.equal(COMMANDS.length, 2);
  return await Promise.all(COMMANDS.map(async (command) => {
    const typed = command.replaceAll("http://127.0.0.1:4001", mirrorUrl).replaceAll("reg.corp:5000", registry);
    return (await run("bash", ["-c", typed])).trim();
  }));
}

e2eTest("the page on private registries: plain HTTP, an authority of its own, a login", {
  programs: [...IMAGE_PROGRAMS, REGISTRY_PROGRAM, "curl", "bash"],
}, async () => {
  await using workspace = await Workspace.create();
  await using addresses = await reserveAddresses();
  await using stack = new AsyncDisposableStack();
  const registry = stack.use(await startRegistry({ ip: addresses.ip(1), dir: workspace.dir }));
  await pushImage(await buildImage([["busybox"]]), registry.url, "team/app", "1.0");
  const plain = stack.use(startFront({ ip: addresses.ip(1), target: registry.url, login: LOGIN }));
  const closed = stack.use(startFront({ ip: "127.0.0.1", target: registry.url, tls: CERTIFICATE, login: LOGIN }));
  const [plainName, closedName] = [`${addresses.ip(1)}:${plain.port}`, `127.0.0.1:${closed.port}`];
  const place = (name: string, host: number) => ({ name, ip: addresses.ip(host), dir: join(workspace.dir, name) });
  const told = stack.use(
    await startPeer(place("told", 2), {
      upstreams: [
        { namespace: plainName, addr: `http://${plainName}` },
        { namespace: closedName, addr: `https://${closedName}`, ca: CERTIFICATE.caCert },
      ],
    }),
  );
  const untold = stack.use(await startPeer(place("untold", 3), {}));

  assert.deepEqual(await answersOf(told.mirrorUrl, plainName), ["401", "200"]);
  assert.deepEqual(await answersOf(told.mirrorUrl, closedName), ["401", "200"]);
  assert.deepEqual(await answersOf(untold.mirrorUrl, closedName), ["502", "502"]);
  assert.match(untold.process.log(), new RegExp(`"registry":"${closedName}".*upstreams`));
});
