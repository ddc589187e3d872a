import { dirname } from "node:path";
import { DamselflyError, errorText } from "../core/error.ts";
import { Host, Network } from "../rpc/gen/common/v2/common.ts";
import { AnnounceHostRequest } from "../rpc/gen/scheduler/v2/scheduler.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Disk } from "../runtime/disk.ts";
import type { Log } from "../runtime/log.ts";
import { type Announcement, parseAnnouncement } from "./parse.ts";

const VERSION = 1;
/** Time between two looks at whether there is something to write: that much is lost when the process is killed. */
const WRITE_INTERVAL_MS = 2_000;
/** A host takes about 200 characters; one that takes more than this is not kept. */
const RECORD_LENGTH_MAX = 2_048;
/** Room for all hosts that a scheduler knows at most, each as long as it may be. */
const FILE_BYTES_MAX = 48 * 1024 * 1024;
/** Where hosts are is nobody's business but the scheduler's. */
const FILE_MODE = 0o600;
const LOST = "after a restart this scheduler knows no host until it announces itself again, stock peers after 5 min";

/** What {@link HostsFile} works with. */
export interface HostsFileParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** The hosts that the scheduler knows, by id; those that it forgets leave the file. */
  readonly known: ReadonlyMap<string, unknown>;
}

/**
 * The hosts of a scheduler in a file, so that one which starts again knows them at once: peers announce themselves
 * every few minutes only, and until then stock ones are outside the swarm. What changes from one announcement to the
 * next, the load, is not kept. Announcements are noted in memory and written together, in one step. Where nothing can
 * be read or written the scheduler works without, with a warning.
 */
export class HostsFile implements AsyncDisposable {
  readonly #path: string;
  readonly #parts: HostsFileParts;
  /** By host id; empty for one that is too long to be kept. */
  readonly #records = new Map<string, string>();
  readonly #timer: Disposable;
  #isChanged = true;
  #isWarned = false;
  #writing: Promise<void> | undefined;

  private constructor(path: string, parts: HostsFileParts) {
    this.#path = path;
    this.#parts = parts;
    this.#timer = parts.clock.every(WRITE_INTERVAL_MS, () => void this.#write());
  }

  /** Opens the file at `path`, which need not exist, and tells what an earlier run knew. */
  static async open(path: string, parts: HostsFileParts): Promise<{ file: HostsFile; hosts: Announcement[] }> {
    const requests = await read(path, parts);
    const file = new HostsFile(path, parts);
    for (const { request } of requests) file.note(request);
    return { file, hosts: requests.map(({ announcement }) => announcement) };
  }

  /** Notes a host that has announced itself and is known. */
  note(request: AnnounceHostRequest): void {
    const { host } = request;
    if (host === undefined) return;
    const record = recordOf(host, request);
    const isKept = record.length <= RECORD_LENGTH_MAX;
    const kept = isKept ? record : "";
    if (this.#records.get(host.id) === kept) return;
    this.#records.set(host.id, kept);
    this.#isChanged = true;
    if (isKept) return;
    this.#parts.log.warn("A host is not remembered over a restart, for its announcement is too long", {
      hostId: host.id,
      length: record.length,
      lengthMax: RECORD_LENGTH_MAX,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]();
    await this.#writing;
    await this.#write();
  }

  #write(): Promise<void> {
    this.#dropUnknown();
    if (!this.#isChanged || this.#writing !== undefined) return Promise.resolve();
    this.#isChanged = false;
    this.#writing = this.#writeNow().finally(() => this.#writing = undefined);
    return this.#writing;
  }

  async #writeNow(): Promise<void> {
    const { disk, log } = this.#parts;
    const hosts = [...this.#records.values()].filter((record) => record !== "");
    try {
      await disk.mkdirAll(dirname(this.#path));
      await disk.writeTextAtomic(this.#path, JSON.stringify({ version: VERSION, hosts }), { mode: FILE_MODE });
      this.#isWarned = false;
    } catch (error) {
      this.#isChanged = true;
      if (this.#isWarned) return;
      this.#isWarned = true;
      log.warn(
        `Known hosts cannot be written: ${LOST}. Make the file writable, or set server.cacheDir to a folder where the scheduler may write`,
        {
          path: this.#path,
          error: errorText(error),
        },
      );
    }
  }

  /** Every host that is known was noted, so that one was forgotten shows in the count. */
  #dropUnknown(): void {
    if (this.#records.size === this.#parts.known.size) return;
    for (const id of this.#records.keys()) {
      if (this.#parts.known.has(id)) continue;
      this.#records.delete(id);
      this.#isChanged = true;
    }
  }
}

/** What of an announcement stays the same as long as the host does. */
function recordOf(host: Host, request: AnnounceHostRequest): string {
  const { _unknownFields, cpu: _cpu, memory: _memory, disk: _disk, network, ...lasting } = host;
  const kept = AnnounceHostRequest.create({
    interval: request.interval,
    host: Host.create({
      ...lasting,
      ...network && { network: lastingNetwork(network) },
    }),
  });
  return AnnounceHostRequest.encode(kept).finish().toBase64();
}

interface Kept {
  readonly request: AnnounceHostRequest;
  readonly announcement: Announcement;
}

function lastingNetwork({ idc, location, maxTxBandwidth, maxRxBandwidth }: Network): Network {
  return Network.create({ idc, location, maxTxBandwidth, maxRxBandwidth });
}

async function read(path: string, { disk, log }: HostsFileParts): Promise<Kept[]> {
  try {
    const found = await disk.stat(path);
    if (found === undefined) return [];
    if (found.size > FILE_BYTES_MAX) {
      throw new DamselflyError("data_loss", `Cannot read ${path}: ${found.size} bytes, more than ${FILE_BYTES_MAX}`);
    }
    const content: { version?: unknown; hosts?: unknown } | null = JSON.parse(await disk.readText(path));
    if (content?.version !== VERSION || !Array.isArray(content.hosts)) {
      throw new DamselflyError("data_loss", `Cannot read ${path}: expected the hosts of version ${VERSION}`);
    }
    return content.hosts.map((record) => {
      const request = AnnounceHostRequest.decode(Uint8Array.fromBase64(String(record)));
      return { request, announcement: parseAnnouncement(request) };
    });
  } catch (error) {
    log.warn(`Known hosts of an earlier run cannot be read, and are written anew: ${LOST}`, {
      path,
      error: errorText(error),
    });
    return [];
  }
}
