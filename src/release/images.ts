/** The images that are shipped, and what each holds. */
import type { Owner } from "./tree.ts";

/** The folder of Deno and the bundles in an image. */
export const IMAGE_LIBRARY = "/usr/lib/damselfly";
/** Whom images run as that need no rights: a user of that name is in `/etc/passwd`. */
export const NONROOT: Owner = { uid: 65_532, gid: 65_532 };

/** One image. */
export interface ShippedImage {
  readonly name: string;
  readonly about: string;
  /** Commands in `/usr/bin`; the first one is what runs. */
  readonly programs: readonly [string, ...string[]];
  /** Undefined for root: the socket of dfdaemon is root's, and dfinit edits files of the node. */
  readonly user?: Owner;
  /** Folders that belong to the user. */
  readonly folders: readonly string[];
  readonly ports: readonly number[];
  /** What its programs find in their environment besides what those of all images do. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the program that runs has `health`. */
  readonly hasHealth: boolean;
}

/**
 * glibc keeps memory that was freed for later, and the more of it the larger the pieces were. A manager that has started
 * needs little of that; with a threshold, in bytes, which does not grow glibc gives 30 MiB back to the system.
 */
const GIVES_BACK = { MALLOC_TRIM_THRESHOLD_: "65536" };
const DATA = ["var/cache/dragonfly", "var/lib/dragonfly"];

/** All images. */
export const IMAGES: readonly ShippedImage[] = [
  {
    ...{ name: "manager", about: "Clusters, users and settings, with a console", programs: ["manager"] },
    ...{ user: NONROOT, folders: DATA, ports: [8080, 65003, 8000], hasHealth: true, env: GIVES_BACK },
  },
  {
    ...{ name: "scheduler", about: "Tells the peers of a cluster whom to download from", programs: ["scheduler"] },
    ...{ user: NONROOT, folders: DATA, ports: [8002, 8000], hasHealth: true },
  },
  {
    ...{ name: "client", about: "The peer of a node, and seed peer, with its commands" },
    ...{ programs: ["dfdaemon", "dfget", "dfcache", "dfctl"], folders: DATA },
    ...{ ports: [4000, 4001, 4002, 4003, 4005], hasHealth: true },
  },
  {
    ...{ name: "dfinit", about: "Makes the container runtime of a node pull through its peer", programs: ["dfinit"] },
    ...{ folders: [], ports: [], hasHealth: false },
  },
];

/** How often, and how long, container engines ask for health, in seconds. */
export const HEALTH = { interval: 30, timeout: 10, startPeriod: 60, retries: 3 };

/**
 * What programs of all images find in their environment: the code cache of V8 goes where a container can write even with a read-only
 * root, and nothing is asked of the Deno project.
 */
const IMAGE_ENV: Readonly<Record<string, string>> = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  DENO_DIR: "/tmp/deno",
  DENO_NO_UPDATE_CHECK: "1",
};

/** The environment of an image. */
export function envOf({ env }: ShippedImage): Readonly<Record<string, string>> {
  return { ...IMAGE_ENV, ...env };
}

/** The command that asks for health; undefined where there is none. */
export function healthCommand({ programs: [main], hasHealth }: ShippedImage): readonly string[] | undefined {
  return hasHealth ? [`/usr/bin/${main}`, "health"] : undefined;
}
