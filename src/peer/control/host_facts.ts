import * as os from "node:os";
import { hostIdOf } from "../../core/host_id.ts";
import { BUILD_PLATFORM } from "../../core/version.ts";
import type { CPU, Disk as DiskFacts, Host, Memory } from "../../rpc/gen/common/v2/common.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** Of a network interface that does not say how fast it is: virtual ones, and those of other systems than Linux. */
const GUESSED_BITS_PER_SECOND = 10e9;

/** What a host is configured to say of itself. */
export interface HostOptions {
  readonly ip: string;
  readonly hostname: string;
  readonly isSeed: boolean;
  readonly idc?: string | undefined;
  readonly location?: string | undefined;
  /** Port of the gRPC server for peers; 4000 usually. */
  readonly uploadPort: number;
  /** Port of the mirror and proxy; 4001 usually. */
  readonly proxyPort: number;
  readonly disableShared: boolean;
  /** Where content is kept: the volume whose space is announced. */
  readonly storageDir: string;
  /** Our version, as `major.minor.patch`. */
  readonly version: string;
}

/** What goes through the network of a host, in bits per second. */
export interface Bandwidth {
  readonly txBandwidth: number;
  readonly rxBandwidth: number;
}

/** The host as it is now (wire.md §1.2). What cannot be learnt is left out. */
export async function hostFacts(
  options: HostOptions,
  clusterId: number,
  now: Bandwidth,
  runtime: Runtime,
): Promise<Host> {
  const [namespace, pod] = [runtime.env("POD_NAMESPACE"), runtime.env("POD_NAME")];
  const maxBandwidth = await bandwidthOf(options.ip, runtime);
  return {
    id: hostIdOf(options),
    type: options.isSeed ? 1 : 0,
    hostname: options.hostname,
    ip: options.ip,
    port: options.uploadPort,
    downloadPort: options.uploadPort,
    os: os.platform(),
    platform: os.platform(),
    platformFamily: os.type(),
    platformVersion: os.version(),
    kernelVersion: os.release(),
    cpu: cpuFacts(),
    memory: memoryFacts(),
    network: {
      tcpConnectionCount: 0,
      uploadTcpConnectionCount: 0,
      idc: options.idc,
      location: options.location,
      maxRxBandwidth: maxBandwidth,
      maxTxBandwidth: maxBandwidth,
      ...now,
    },
    disk: await diskFacts(options.storageDir, runtime),
    build: { gitVersion: options.version, platform: BUILD_PLATFORM },
    schedulerClusterId: clusterId,
    disableShared: options.disableShared,
    proxyPort: options.proxyPort,
    name: namespace === undefined || pod === undefined ? runtime.hostname() : `${namespace}-${pod}`,
  };
}

function cpuFacts(): CPU {
  const count = os.cpus().length;
  const [load = 0] = os.loadavg();
  return {
    logicalCount: count,
    physicalCount: count,
    percent: Math.min(100, (100 * load) / Math.max(1, count)),
    processPercent: 0,
  };
}

function memoryFacts(): Memory {
  const [total, free] = [os.totalmem(), os.freemem()];
  const { rss } = Deno.memoryUsage();
  return {
    total,
    free,
    available: free,
    used: total - free,
    usedPercent: percentOf(total - free, total),
    processUsedPercent: percentOf(rss, total),
  };
}

async function diskFacts(directory: string, { disk }: Runtime): Promise<DiskFacts | undefined> {
  try {
    const { totalBytes, freeBytes } = await disk.space(directory);
    return {
      total: totalBytes,
      free: freeBytes,
      used: totalBytes - freeBytes,
      usedPercent: percentOf(totalBytes - freeBytes, totalBytes),
      inodesTotal: 0,
      inodesUsed: 0,
      inodesFree: 0,
      inodesUsedPercent: 0,
      readBandwidth: 0,
      writeBandwidth: 0,
    };
  } catch {
    return undefined; // the directory may not exist yet; the next announcement says it
  }
}

function percentOf(part: number, total: number): number {
  return total === 0 ? 0 : Math.min(100, (100 * part) / total);
}

/** Bits per second of the interface that has `ip`, as Linux knows it. */
async function bandwidthOf(ip: string, { disk }: Runtime): Promise<number> {
  const [name] = Object.entries(os.networkInterfaces())
    .find(([, addresses]) => addresses?.some(({ address }) => address === ip)) ?? [];
  if (name === undefined) return GUESSED_BITS_PER_SECOND;
  try {
    const megabits = Number(await disk.readText(`/sys/class/net/${name}/speed`));
    return megabits > 0 ? megabits * 1e6 : GUESSED_BITS_PER_SECOND;
  } catch {
    return GUESSED_BITS_PER_SECOND; // the loopback interface, for one, refuses to say
  }
}
