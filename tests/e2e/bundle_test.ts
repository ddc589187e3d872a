/** Each component's bundle starts where there is nothing but Deno, and answers its health check. */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { reserveAddresses } from "./lib/addresses.ts";
import { bundleAll, fromBundles } from "./lib/bundle.ts";
import { type Manager, REPOSITORY, runDfinit, startManager, startPeer, startScheduler } from "./lib/components.ts";
import { CONFIG_FILE } from "./lib/containerd.ts";
import { run } from "./lib/programs.ts";
import { story } from "./lib/story.ts";
import { Workspace } from "./lib/workspace.ts";

Deno.test("bundles run from an empty directory, with an empty cache and no network for modules", async (t) => {
  await using workspace = await Workspace.create();
  await using addresses = await reserveAddresses();
  await using stack = new AsyncDisposableStack();
  await bundleAll();
  const launch = await fromBundles(workspace.dir);
  const place = (name: string, host: number) => ({ name, ip: addresses.ip(host), dir: join(workspace.dir, name) });
  const step = story(t, workspace);
  let manager: Manager;

  await step("the manager's REST and gRPC health checks answer", async () => {
    manager = stack.use(await startManager(place("manager", 1), launch));
  });

  await step("the scheduler's gRPC health check answers", async () => {
    stack.use(await startScheduler(place("scheduler", 2), manager.grpcUrl, 1, launch));
  });

  await step("a peer's health check answers", async () => {
    stack.use(await startPeer(place("dfdaemon", 3), { managerUrl: manager.grpcUrl }, launch));
  });

  await step("the one that holds all programs runs them by name", async () => {
    const { command, args, cwd, env } = launch("scheduler", "");
    const script = join(REPOSITORY, "dist", "damselfly.js");
    const help = await run(command, [...args.slice(0, -3), script, "scheduler", "--help"], {
      cwd,
      ...(env && { env }),
    });
    assert.match(help, /^Usage: scheduler /);
  });

  await step("dfinit edits a containerd configuration", async () => {
    const hostRoot = join(workspace.dir, "host");
    const config = join(hostRoot, CONFIG_FILE);
    await mkdir(dirname(config), { recursive: true });
    await writeFile(config, 'version = 2\n\n[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = ""\n');
    await runDfinit(workspace.dir, { hostRoot, mirrorUrl: "http://127.0.0.1:4001", registries: [] }, launch);
    assert.match(await readFile(config, "utf8"), /config_path = "\/etc\/containerd\/certs\.d"/);
  });
});
