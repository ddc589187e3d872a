/** `damselfly install`: services of a real systemd, in the sandbox of their units. */
import assert from "node:assert/strict";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { OFFLINE_FLAGS } from "../../src/install/unit.ts";
import { bundleAll } from "./lib/bundle.ts";
import { REPOSITORY } from "./lib/components.ts";
import { e2eTest, run } from "./lib/programs.ts";
import { story } from "./lib/story.ts";
import { startSystemd, type Systemd, SYSTEMD_PROGRAMS, withUnitsOfMachine } from "./lib/systemd.ts";
import { waitFor } from "./lib/wait.ts";
import { Workspace } from "./lib/workspace.ts";

const COMPONENTS = ["dfdaemon", "scheduler", "manager"];
const UNITS = COMPONENTS.map((component) => `damselfly-${component}`);
/** As `systemd-analyze security` counts; 10 is a service without any sandbox. */
const EXPOSURE_MAX: Readonly<Record<string, number>> = { dfdaemon: 2.5, scheduler: 1.5, manager: 1.5 };
const ANSWER_TIMEOUT_MS = 60_000;

e2eTest("install makes services that systemd understands, and uninstall leaves nothing behind", {
  programs: ["systemd-analyze"],
}, async () => {
  await using workspace = await Workspace.create();
  await bundleAll();
  const root = join(workspace.dir, "root");
  await mkdir(join(root, "etc"), { recursive: true });
  const damselfly = (...args: string[]) => {
    const script = join(REPOSITORY, "dist/damselfly.js");
    return run(Deno.execPath(), ["run", "-A", ...OFFLINE_FLAGS, script, ...args, "--root", root]);
  };
  await damselfly("install", "--component", COMPONENTS.join(","));
  await withUnitsOfMachine(root);
  for (const [index, unit] of UNITS.entries()) {
    await run("systemd-analyze", ["verify", "--man=no", `--root=${root}`, `${unit}.service`]);
    const command = ["security", "--offline=true", "--no-pager", `--root=${root}`, `${unit}.service`];
    const exposure = /exposure level for \S+: ([\d.]+)/.exec(await run("systemd-analyze", command))?.[1];
    assert.ok(Number(exposure) <= (EXPOSURE_MAX[COMPONENTS[index] ?? ""] ?? 0), `${unit}: ${exposure}`);
  }
  await damselfly("uninstall");
  for (const folder of ["etc", "usr"]) {
    const left = await readdir(join(root, folder), { recursive: true }).catch(() => []);
    assert.deepEqual(left, [], folder);
  }
});

e2eTest("installed services run in their sandboxes, and start again when they die", {
  programs: [...SYSTEMD_PROGRAMS, "curl", "ip"],
  root: true,
}, async (t) => {
  await using workspace = await Workspace.create();
  await using stack = new AsyncDisposableStack();
  await bundleAll();
  const step = story(t, workspace);
  let systemd: Systemd;
  const answers = (url: string) =>
    waitFor(url, ANSWER_TIMEOUT_MS, () => systemd.run("curl", "-sf", "-m", "5", url).catch(() => undefined));
  const property = async (unit: string, name: string) =>
    (await systemd.run("systemctl", "show", "--value", "-p", name, unit)).trim();

  await step("all three are installed, and run as users of their own where they can", async () => {
    systemd = stack.use(await startSystemd(workspace.dir));
    const own = ["run", "-A", ...OFFLINE_FLAGS, "/bundles/damselfly.js"];
    const install = ["install", "--component", COMPONENTS.join(","), "--manager", "http://127.0.0.1:65003"];
    const printed = await systemd.run("/deno-of-test", ...own, ...install);
    for (const [, command = ""] of printed.matchAll(/^ {2}(systemctl .*)$/gm)) {
      await systemd.run("bash", "-c", command);
    }
    await answers("http://127.0.0.1:8080/healthy");
    await answers("http://127.0.0.1:4003/healthy");
    assert.equal(await property("damselfly-manager", "DynamicUser"), "yes");
    assert.equal(await property("damselfly-dfdaemon", "NoNewPrivileges"), "yes");
  });

  await step("they find each other: the manager tells the peer its scheduler, which takes it", async () => {
    await waitFor("the peer's word of it", ANSWER_TIMEOUT_MS, async () => {
      const log = await systemd.run("journalctl", "--no-pager", "-o", "cat", "-u", "damselfly-dfdaemon");
      return log.includes("This host is announced to a scheduler") ? true : undefined;
    });
  });

  await step("dfdaemon may not write where its unit does not let it", async () => {
    const pid = await property("damselfly-dfdaemon", "MainPID");
    await systemd.run("nsenter", "-t", pid, "-m", "touch", "/var/lib/dragonfly/here");
    await assert.rejects(systemd.run("nsenter", "-t", pid, "-m", "touch", "/etc/here"), /Read-only file system/);
    await assert.rejects(systemd.run("nsenter", "-t", pid, "-m", "touch", "/tmp/here"), /Read-only file system/);
    assert.match(await systemd.run("cat", `/proc/${pid}/status`), /^CapBnd:\t0+4$/m);
  });

  await step("a peer that is killed runs again, and reads its file anew when it is told to", async () => {
    const pid = await property("damselfly-dfdaemon", "MainPID");
    await systemd.run("systemctl", "kill", "-s", "KILL", "damselfly-dfdaemon");
    await waitFor("another process", ANSWER_TIMEOUT_MS, async () => {
      const now = await property("damselfly-dfdaemon", "MainPID");
      return now !== "0" && now !== pid ? true : undefined;
    });
    await answers("http://127.0.0.1:4003/healthy");
    await systemd.run("systemctl", "reload", "damselfly-dfdaemon");
    await waitFor("the word of it", ANSWER_TIMEOUT_MS, async () => {
      const log = await systemd.run("journalctl", "--no-pager", "-o", "cat", "-u", "damselfly-dfdaemon");
      return /The configuration was read anew/.test(log) ? true : undefined;
    });
  });

  await step("told to stop they end well, and uninstall leaves the host as it was", async () => {
    await assert.rejects(systemd.run("damselfly", "uninstall"), /First: systemctl disable --now/);
    await systemd.run("systemctl", "disable", "--now", ...UNITS);
    for (const unit of UNITS) assert.equal(await property(unit, "Result"), "success", unit);
    await systemd.run("/usr/local/bin/damselfly", "uninstall", "--purge");
    const left = await systemd.run(
      "bash",
      "-c",
      "ls -d /usr/local/lib/damselfly /usr/local/bin/damselfly /etc/dragonfly /etc/systemd/system/damselfly* " +
        "/var/lib/dragonfly* /var/cache/dragonfly/* /run/dragonfly 2> /dev/null || true",
    );
    assert.equal(left, "");
  });
});
