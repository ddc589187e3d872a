import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { CPU, Host, Memory, Network } from "../rpc/gen/common/v2/common.ts";
import { AnnounceHostRequest } from "../rpc/gen/scheduler/v2/scheduler.ts";
import { durationOfMs } from "../rpc/time.ts";
import type { Disk } from "../runtime/disk.ts";
import { MemoryDisk } from "../testing/memory_disk.ts";
import { diskWith } from "../testing/memory_files.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { HostsFile } from "./hosts_file.ts";
import { parseAnnouncement } from "./parse.ts";

const PATH = "/var/cache/dragonfly/scheduler/hosts.json";
const WRITE_INTERVAL_MS = 2_000;

function announcement(id: string, parts: Partial<Host> = {}): AnnounceHostRequest {
  const host = Host.create({
    ...{ id, type: 1, hostname: `name of ${id}`, ip: "10.0.0.1", port: 4000, downloadPort: 4000, proxyPort: 4001 },
    network: Network.create({ idc: "a", location: "x|y", maxTxBandwidth: 4e11, txBandwidth: 17 }),
    cpu: CPU.create({ percent: 12.5 }),
    memory: Memory.create({ total: 64e9 }),
    ...parts,
  });
  return AnnounceHostRequest.create({ host, interval: durationOfMs(300_000) });
}

/** A scheduler's file on `disk`, and the hosts that the scheduler knows. */
async function openOn(disk: Disk) {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const known = new Map<string, true>();
  const { file, hosts } = await HostsFile.open(PATH, { disk, clock, log, known });
  for (const { facts } of hosts) known.set(facts.id, true);
  const announce = (request: AnnounceHostRequest) => {
    known.set(request.host?.id ?? "", true);
    file.note(request);
  };
  const warnings = () => log.lines.filter(({ level }) => level === "warn");
  return { file, hosts, ids: hosts.map(({ facts }) => facts.id), clock, known, announce, warnings };
}

async function idsOn(disk: Disk): Promise<string[]> {
  const { ids, file } = await openOn(disk);
  await file[Symbol.asyncDispose]();
  return ids;
}

/** A disk that counts how often a text is written, and refuses it while it is told to. */
class WatchedDisk extends MemoryDisk {
  writes = 0;
  isReadOnly = false;

  override writeTextAtomic(...args: Parameters<MemoryDisk["writeTextAtomic"]>): Promise<void> {
    this.writes++;
    if (!this.isReadOnly) return super.writeTextAtomic(...args);
    return Promise.reject(new DamselflyError("permission_denied", `Cannot write ${args[0]}`));
  }
}

Deno.test("a host is known again after a restart, with all that lasts and without its load", async () => {
  const disk = new MemoryDisk();
  const first = await openOn(disk);
  first.announce(announcement("h"));
  await first.file[Symbol.asyncDispose]();
  const second = await openOn(disk);
  await second.file[Symbol.asyncDispose]();
  const { facts, announceIntervalMs } = parseAnnouncement(announcement("h"));
  const { cpu: _cpu, memory: _memory, ...host } = facts.announcement as Host;
  const network = Network.create({ idc: "a", location: "x|y", maxTxBandwidth: 4e11 });
  assert.deepEqual(second.hosts.map((host) => host.announceIntervalMs), [announceIntervalMs]);
  assert.deepEqual(second.hosts.map((host) => host.facts), [
    { ...facts, announcement: Host.create({ ...host, network }) },
  ]);
});

Deno.test("what a killed scheduler knew for two seconds is known again; a second restart changes nothing", async () => {
  const disk = new MemoryDisk();
  const killed = await openOn(disk);
  killed.announce(announcement("a"));
  killed.announce(announcement("b"));
  await killed.clock.advance(WRITE_INTERVAL_MS);
  for (let restart = 0; restart < 2; restart++) assert.deepEqual(await idsOn(disk), ["a", "b"]);
  assert.equal((await disk.stat(PATH))?.mode, 0o600);
});

Deno.test("many announcements are one write, and those that change nothing but the load are none", async () => {
  const disk = new WatchedDisk();
  const { announce, clock, file } = await openOn(disk);
  for (let index = 0; index < 1_000; index++) announce(announcement(`h${index}`));
  assert.equal(disk.writes, 0);
  await clock.advance(WRITE_INTERVAL_MS);
  assert.equal(disk.writes, 1);
  announce(announcement("h5", { cpu: CPU.create({ percent: 99 }) }));
  await clock.advance(10 * WRITE_INTERVAL_MS);
  assert.equal(disk.writes, 1);
  announce(announcement("h5", { ip: "10.0.0.2" }));
  await clock.advance(WRITE_INTERVAL_MS);
  assert.equal(disk.writes, 2);
  await file[Symbol.asyncDispose]();
  assert.equal(disk.writes, 2);
});

Deno.test("a host that the scheduler forgets leaves the file", async () => {
  const disk = new MemoryDisk();
  const { announce, known, clock } = await openOn(disk);
  announce(announcement("a"));
  announce(announcement("b"));
  await clock.advance(WRITE_INTERVAL_MS);
  known.delete("a");
  await clock.advance(WRITE_INTERVAL_MS);
  assert.deepEqual(await idsOn(disk), ["b"]);
});

Deno.test("a damaged file is an empty start with one warning, and is replaced", async () => {
  const good = AnnounceHostRequest.encode(announcement("a")).finish().toBase64();
  const nameless = AnnounceHostRequest.encode(announcement("")).finish().toBase64();
  const damaged = [
    ...["", "null", "[]", "{", JSON.stringify({ version: 2, hosts: [] }), JSON.stringify({ version: 1, hosts: {} })],
    ...["?", "AAAA", nameless, 5, null].map((record) => JSON.stringify({ version: 1, hosts: [good, record] })),
  ];
  for (const text of damaged) {
    const disk = await diskWith({ [PATH]: text });
    const { ids, warnings, announce, file } = await openOn(disk);
    assert.deepEqual(ids, [], text);
    assert.equal(warnings().length, 1, text);
    announce(announcement("b"));
    await file[Symbol.asyncDispose]();
    assert.deepEqual(await idsOn(disk), ["b"], text);
  }
});

Deno.test("a file that is too long is not read", async () => {
  const disk = await diskWith({ [PATH]: " ".repeat(48 * 1024 * 1024 + 1) });
  const { ids, warnings, file } = await openOn(disk);
  await file[Symbol.asyncDispose]();
  assert.deepEqual(ids, []);
  assert.match(String(warnings()[0]?.fields["error"]), /more than/);
});

Deno.test("where nothing can be written one warning says what is lost, and hosts are kept once it can", async () => {
  const disk = new WatchedDisk();
  disk.isReadOnly = true;
  const { announce, clock, warnings, file } = await openOn(disk);
  await clock.advance(WRITE_INTERVAL_MS);
  assert.match(warnings()[0]?.message ?? "", /cannot be written: after a restart .* set server\.cacheDir/);
  for (const id of ["a", "b"]) {
    announce(announcement(id));
    await clock.advance(WRITE_INTERVAL_MS);
  }
  assert.equal(warnings().length, 1);
  disk.isReadOnly = false;
  await clock.advance(WRITE_INTERVAL_MS);
  assert.deepEqual(await idsOn(disk), ["a", "b"]);
  await file[Symbol.asyncDispose]();
});

Deno.test("a host with too much to say is not kept, with a warning, and harms no other", async () => {
  const disk = new MemoryDisk();
  const { announce, warnings, file } = await openOn(disk);
  const long = announcement("long", { kernelVersion: "x".repeat(2_048) });
  announce(announcement("a"));
  announce(long);
  announce(long);
  await file[Symbol.asyncDispose]();
  assert.deepEqual([await idsOn(disk), warnings().length], [["a"], 1]);
});
