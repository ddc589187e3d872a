import assert from "node:assert/strict";
import { MemoryDisk } from "../testing/memory_disk.ts";
import { type InstallEffects, runInstall, runUninstall } from "./run.ts";

const NET = { net: true };
const UNIT = "/etc/systemd/system/damselfly-dfdaemon.service";
const CONFIG = "/etc/dragonfly/dfdaemon.yaml";

interface Host {
  readonly disk: MemoryDisk;
  /** What dfinit was run with. */
  readonly dfinit: string[];
  run(name: "install" | "uninstall", ...args: string[]): Promise<{ code: number; printed: string; errors: string }>;
  /** Writes a file of the host. */
  write(path: string, text: string): Promise<void>;
  /** Every file of the host, by its path there. */
  files(): Promise<Map<string, string>>;
}

async function aHost(): Promise<Host> {
  const [disk, dfinit] = [new MemoryDisk(), [] as string[]];
  await disk.mkdirAll("/dist");
  await disk.mkdirAll("/host/etc/systemd/system");
  for (const name of ["damselfly", "dfdaemon", "scheduler", "manager"]) {
    await disk.writeTextAtomic(`/dist/${name}.js`, `bundle of ${name}`);
  }
  await disk.writeTextAtomic("/deno", "the runtime");
  const write = async (path: string, text: string) => {
    await disk.mkdirAll(`/host${path.slice(0, path.lastIndexOf("/"))}`);
    await disk.writeTextAtomic(`/host${path}`, text);
  };
  const run = async (name: "install" | "uninstall", ...args: string[]) => {
    let [printed, errors] = ["", ""];
    const effects: InstallEffects = {
      ...{ disk, deno: "/deno", script: "file:///dist/damselfly.js" },
      terminal: { print: (text) => void (printed += text), printError: (text) => void (errors += text) },
      permissions: { dfdaemon: { ...NET, env: ["GRPC_*"] }, scheduler: NET, manager: NET },
      dfinit: (words) => Promise.resolve(dfinit.push(words.join(" ")) * 0),
    };
    const start = name === "install" ? runInstall : runUninstall;
    const code = await start([...args, "--root", "/host"], effects).catch((error: Error) => {
      errors += error.message;
      return 1;
    });
    return { code, printed, errors };
  };
  const walk = async (folder: string): Promise<[string, string][]> => {
    const found = await Promise.all((await disk.list(folder)).map(async (name): Promise<[string, string][]> => {
      const path = `${folder}/${name}`;
      if ((await disk.stat(path))?.isDirectory === true) return await walk(path);
      return [[path.slice("/host".length), await disk.readText(path)]];
    }));
    return found.flat();
  };
  return { disk, dfinit, run, write, files: async () => new Map(await walk("/host")) };
}

Deno.test("install brings programs, a unit and a sample, and says what to run next", async (t) => {
  const host = await aHost();
  const { code, printed, errors } = await host.run("install", "--manager", "http://10.0.0.1:65003");
  assert.deepEqual({ code, errors }, { code: 0, errors: "" });
  const files = await host.files();
  assert.deepEqual([...files.keys()].sort(), [
    CONFIG,
    UNIT,
    "/usr/local/bin/damselfly",
    "/usr/local/lib/damselfly/damselfly.js",
    "/usr/local/lib/damselfly/deno",
    "/usr/local/lib/damselfly/dfdaemon.js",
    "/usr/local/lib/damselfly/install.json",
  ]);
  assert.match(files.get(CONFIG) ?? "", /^manager: { addr: "http:\/\/10.0.0.1:65003" }$/m);
  assert.equal((await host.disk.stat("/host/usr/local/bin/damselfly"))?.mode, 0o755);
  assert.equal((await host.disk.stat(`/host${CONFIG}`))?.mode, 0o600);
  assert.match(printed, /systemctl daemon-reload\n {2}systemctl enable damselfly-dfdaemon\n {2}systemctl restart/);
  await t.assertSnapshot(files.get(UNIT));
});

Deno.test("uninstall leaves a host as it was before install", async () => {
  const host = await aHost();
  await host.write("/etc/dragonfly/other.yaml", "mine");
  const before = await host.files();
  await host.run("install", "--component", "manager,scheduler,dfdaemon");
  const { code, errors } = await host.run("uninstall");
  assert.deepEqual({ code, errors }, { code: 0, errors: "" });
  assert.deepEqual(await host.files(), before);
  assert.equal(await host.disk.stat("/host/usr"), undefined);
});

Deno.test("a second install changes nothing that is as wanted, and uninstall still knows everything", async () => {
  const host = await aHost();
  await host.run("install");
  const before = await host.files();
  const { printed } = await host.run("install");
  assert.match(printed, new RegExp(`unchanged  ${UNIT}`));
  assert.deepEqual(await host.files(), before);
  await host.run("install", "--component", "scheduler");
  await host.run("uninstall");
  assert.deepEqual([...(await host.files()).keys()], []);
});

Deno.test("a configuration that is there is used and kept", async () => {
  const host = await aHost();
  await host.write(CONFIG, "storage: { dir: /data/blobs }\nproxy: { server: { port: 443 } }\n");
  await host.run("install");
  const unit = (await host.files()).get(UNIT) ?? "";
  assert.match(unit, /^ReadWritePaths=\/data\/blobs$/m);
  assert.match(unit, /^CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_NET_BIND_SERVICE$/m);
  assert.equal((await host.disk.stat("/host/data/blobs"))?.isDirectory, true);
  const { printed } = await host.run("uninstall", "--purge");
  assert.match((await host.files()).get(CONFIG) ?? "", /data/);
  assert.doesNotMatch(printed, /removed {2}\/data/);
});

Deno.test("a sample that was changed since stays, unless everything is to go", async () => {
  for (const [args, isThere] of [[[], true], [["--purge"], false]] as const) {
    const host = await aHost();
    await host.run("install");
    await host.write(CONFIG, "manager: { addr: http://10.0.0.9:65003 }\n");
    await host.write("/var/lib/dragonfly/content", "bytes");
    await host.run("uninstall", ...args);
    assert.equal((await host.files()).has(CONFIG), isThere);
    assert.equal((await host.files()).has("/var/lib/dragonfly/content"), isThere);
  }
});

Deno.test("what --purge may remove lies where services keep their things, and nowhere else", async () => {
  const host = await aHost();
  await host.write(CONFIG, "storage: { dir: /srv }\nserver: { cacheDir: /var/cache/peer }\n");
  await host.write("/srv/photos", "mine");
  await host.run("install");
  await host.write("/var/cache/peer/list", "ours");
  await host.run("install");
  const { printed } = await host.run("uninstall", "--purge");
  assert.match(printed, /left {5}\/srv\/: it may hold more than ours/);
  assert.deepEqual([...(await host.files()).keys()].sort(), [CONFIG, "/srv/photos"]);
});

Deno.test("what --purge may remove was not there before, or is called after us", async () => {
  const host = await aHost();
  const socket = "download: { server: { socketPath: /run/containerd/dfdaemon.sock } }";
  await host.write(
    CONFIG,
    `storage: { dir: /var/lib/images/../docker }\nserver: { cacheDir: /var/cache/peer }\n${socket}\n`,
  );
  const others = ["/var/lib/docker/image", "/run/containerd/containerd.sock"];
  for (const path of others) await host.write(path, "of others");
  await host.run("install");
  await host.write("/var/cache/peer/list", "ours");
  const { printed } = await host.run("uninstall", "--purge");
  assert.match(printed, /left {5}\/run\/containerd\/: it may hold more than ours/);
  assert.deepEqual([...(await host.files()).keys()].sort(), [CONFIG, ...others].sort());
});

Deno.test("a unit of somebody else comes back with its mode", async () => {
  const host = await aHost();
  await host.write(UNIT, "[Service]\nEnvironment=PASSWORD=secret\n");
  await host.disk.setMode(`/host${UNIT}`, 0o600);
  await host.run("install");
  await host.run("uninstall");
  assert.equal((await host.disk.stat(`/host${UNIT}`))?.mode, 0o600);
});

Deno.test("a unit of somebody else comes back after an install that was cut off and begun again", async () => {
  const host = await aHost();
  await host.write(UNIT, "[Service]\nExecStart=/opt/mine\n");
  const before = await host.files();
  const whole = host.disk.copy.bind(host.disk);
  host.disk.copy = () => Promise.reject(new Error("cut off"));
  assert.equal((await host.run("install")).code, 1);
  host.disk.copy = whole;
  await host.run("install");
  await host.run("uninstall");
  assert.deepEqual(await host.files(), before);
});

Deno.test("a unit of somebody else comes back", async () => {
  const host = await aHost();
  await host.write(UNIT, "[Service]\nExecStart=/opt/mine\n");
  const before = await host.files();
  await host.run("install");
  await host.run("install");
  const { printed } = await host.run("uninstall");
  assert.match(printed, /restored \/etc/);
  assert.deepEqual(await host.files(), before);
});

Deno.test("nothing is written when a configuration cannot be used", async () => {
  const host = await aHost();
  await host.write("/etc/dragonfly/scheduler.yaml", "nope: 1\n");
  const before = await host.files();
  const { code, errors } = await host.run("install", "--component", "dfdaemon,scheduler");
  assert.equal(code, 1);
  assert.match(errors, /\/etc\/dragonfly\/scheduler.yaml:1:1: 'nope' is unknown/);
  assert.deepEqual(await host.files(), before);
});

Deno.test("the manager has a user and a folder of its own", async (t) => {
  const host = await aHost();
  await host.run("install", "--component", "manager");
  await t.assertSnapshot((await host.files()).get("/etc/systemd/system/damselfly-manager.service"));
  await host.write("/etc/dragonfly/manager.yaml", "server: { rest: { addr: ':80' } }\n");
  const shared = await host.run("install", "--component", "manager");
  assert.match(shared.errors, /write database.sqlite.path: \/var\/lib\/dragonfly-manager\/manager.db into/);
});

Deno.test("uninstall waits until the host does not start the services any more", async () => {
  const host = await aHost();
  await host.run("install");
  await host.write("/etc/systemd/system/multi-user.target.wants/damselfly-dfdaemon.service", "");
  const { code, errors } = await host.run("uninstall");
  assert.equal(code, 1);
  assert.match(errors, /First: systemctl disable --now damselfly-dfdaemon$/);
  assert.equal((await host.files()).has(UNIT), true);
});

Deno.test("without an installation uninstall says so", async () => {
  const { code, errors } = await (await aHost()).run("uninstall");
  assert.equal(code, 1);
  assert.match(errors, /Nothing is installed below \/usr\/local/);
});

Deno.test("dfinit runs when it is asked for, on the same host", async () => {
  const host = await aHost();
  await host.run("install", "--dfinit");
  await host.run("uninstall", "--dfinit");
  assert.deepEqual(host.dfinit, ["apply --root /host", "restore --root /host"]);
});

Deno.test("unknown components and paths that are not absolute are wrong use", async () => {
  const host = await aHost();
  for (const args of [["--component", "dfget"], ["--prefix", "opt"], ["--output-folder", "data"], ["--manager", "a"]]) {
    assert.equal((await host.run("install", ...args)).code, 2, args.join(" "));
  }
});

Deno.test("a folder for outputs is written with the rights that needs", async () => {
  const host = await aHost();
  await host.run("install", "--output-folder", "/data/models", "/50% off");
  const unit = (await host.files()).get(UNIT) ?? "";
  assert.match(unit, /^ReadWritePaths=\/data\/models "\/50%% off"$/m);
  assert.match(unit, /CAP_DAC_OVERRIDE/);
});
