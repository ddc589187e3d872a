/**
 * Who may import what; what is not listed is forbidden. A folder's own files are always allowed, and so is `src/core`,
 * except where a folder below says otherwise. The longest matching folder decides.
 */
export const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "src/core": [],
  "src/runtime": [],
  "src/config": ["src/runtime"],
  "src/rpc": ["src/runtime"],
  "src/http": ["src/runtime"],
  "src/oci": ["src/http", "src/runtime"],
  "src/redis": ["src/runtime", "src/config"],
  "src/scheduler": ["src/runtime", "src/config", "src/rpc", "src/http", "src/oci", "src/redis"],
  "src/scheduler/core": [],
  "src/scheduler/cache": ["src/scheduler/core"],
  "src/manager": ["src/runtime", "src/config", "src/rpc", "src/http", "src/oci", "src/redis"],
  "src/peer": ["src/runtime", "src/config", "src/rpc", "src/http", "src/oci"],
  "src/peer/mirror": ["src/peer/task", "src/peer/source", "src/oci", "src/http", "src/config", "src/runtime"],
  "src/peer/proxy": ["src/peer/mirror", "src/peer/source", "src/oci", "src/http", "src/runtime"],
  "src/peer/task": [
    ...["src/peer/piece", "src/peer/source", "src/peer/storage", "src/peer/control"],
    ...["src/rpc", "src/runtime"],
  ],
  "src/peer/cache": [
    ...["src/peer/piece", "src/peer/storage", "src/peer/control", "src/peer/task"],
    ...["src/rpc", "src/runtime"],
  ],
  "src/peer/piece": ["src/rpc", "src/runtime", "src/peer/storage"],
  "src/peer/source": ["src/oci", "src/http", "src/runtime"],
  "src/peer/storage": ["src/runtime"],
  "src/peer/upload": [
    ...["src/peer/storage", "src/peer/task", "src/peer/cache", "src/peer/piece", "src/peer/source"],
    ...["src/rpc", "src/http", "src/runtime"],
  ],
  "src/peer/control": ["src/rpc", "src/config", "src/runtime"],
  "src/peer/records": [
    ...["src/peer/task", "src/peer/storage", "src/peer/source", "src/peer/piece"],
    ...["src/oci", "src/rpc", "src/runtime"],
  ],
  "src/cli": ["src/config", "src/rpc", "src/runtime", "src/http", "src/oci", "src/peer/source"],
  "src/install": ["src/runtime", "src/config", "dfinit"],
  "src/release": ["src/runtime", "src/config", "src/oci", "src/install"],
  "src/doctor": [
    ...["src/runtime", "src/config", "src/rpc", "src/http", "src/oci"],
    ...["src/peer", "src/cli", "src/install", "dfinit"],
  ],
  // The console speaks to the manager over HTTP alone; its build is in `src/cmd`.
  "src/console": [],
  "src/tracing": ["src/runtime", "src/rpc"],
  "src/profiling": ["src/runtime", "src/rpc", "src/http"],
  "src/cmd": [
    ...["src/runtime", "src/config", "src/rpc", "src/http", "src/oci", "src/tracing", "src/profiling", "src/console"],
    ...["src/manager", "src/scheduler", "src/peer", "src/cli", "src/doctor", "src/install", "dfinit"],
    "src/release",
  ],
  "src/testing": [
    ...["src/runtime", "src/config", "src/rpc", "src/http", "src/oci"],
    ...["src/manager", "src/scheduler", "src/peer"],
  ],
  "dfinit": ["src/config", "src/runtime"],
  "tests": ["src", "dfinit"],
};

/** Files of the top that may be imported, and by which file. */
export const TOP_FILES: Readonly<Record<string, string>> = {
  // The permission sets: services, launchers and compiled programs get those under which the tasks run.
  "deno.json": "src/cmd/permissions.ts",
};

/** Modules that compute and touch nothing: all that `src/core` may use. */
export const PURE_MODULES: readonly string[] = ["node:crypto", "node:net", "re2js"];

/** Where time, chance and effects may be taken from the platform. */
export const EFFECTFUL: readonly string[] = ["src/runtime", "src/testing", "tests"];

/** Calls that are arguments everywhere else (style.md P6). */
export const BANNED_CALLS: readonly RegExp[] = [
  /\bDate\.now\(/,
  /\bnew Date\(\)/,
  /\bperformance\.now\(/,
  /\bsetTimeout\(/,
  /\bsetInterval\(/,
  /\bsetImmediate\(/,
  /\bAbortSignal\.timeout\(/,
  /\bMath\.random\(/,
  /\brandomUUID\(/,
  /\bgetRandomValues\(/,
  /\bnew WeakRef\(/,
  /\bnew FinalizationRegistry\(/,
];

/** Files that may use one of them all the same, and why. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  "src/console/browser/clock.ts": "the clock of a browser, for the one page that asks for the time",
  "src/rpc/http2_guard.ts": "defers a call of the platform to the next turn of the event loop; no time is meant",
};

export const FILE_LINES_MAX = 600;
export const FUNCTION_LINES_MAX = 70;

/** Generated code is held to no limit of size. */
export const GENERATED: readonly string[] = ["src/rpc/gen", "src/console/api/gen"];
