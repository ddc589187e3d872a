/** Units of systemd: each component as a service that may do what it has to and little else. */
import type { ComponentName, Needs } from "./components.ts";

/** Where the program is. */
export interface Program {
  /** The runtime. */
  readonly deno: string;
  /** The bundle of the component. */
  readonly script: string;
  /** What Deno lets it do: `--allow-net` and so on. */
  readonly permissions: readonly string[];
  /** Its configuration. */
  readonly config: string;
  /** Folders that dfdaemon may write downloads into, for those who ask for a file by its path. */
  readonly outputFolders: readonly string[];
}

/** How `deno run` is told that there are only this script and no modules to look for. */
export const OFFLINE_FLAGS = ["--no-config", "--no-npm", "--no-remote", "--cached-only", "--no-prompt"];

/**
 * Young objects of V8 get 2 MiB instead of up to 16 where a node pays for it: the heap of a peer is small, and blobs are
 * no part of it. A manager has streams that last and short calls by the thousand, made by the same code: V8 takes the
 * objects of all of them for lasting ones, puts them where only the long collections look, and they keep more of their
 * kind alive. Told not to guess, it has pauses of 1 ms instead of 10.
 */
const V8_FLAGS: Readonly<Record<string, readonly string[]>> = {
  dfdaemon: ["--v8-flags=--max-semi-space-size=2"],
  manager: ["--v8-flags=--no-allocation-site-pretenuring"],
};

/** The flags of `deno run` for the bundle of a program. */
export function bundleFlags(program: string): string[] {
  return [...OFFLINE_FLAGS, ...V8_FLAGS[program] ?? []];
}

const ABOUT: Readonly<Record<ComponentName, string>> = {
  dfdaemon: "Damselfly peer, through which this host pulls images",
  scheduler: "Damselfly scheduler, which tells peers whom to download from",
  manager: "Damselfly manager, with clusters, users and settings",
};

/** What each of them is denied; V8 writes code that it then runs, so that MemoryDenyWriteExecute cannot be. */
const SANDBOX = [
  "NoNewPrivileges=yes",
  "ProtectSystem=strict",
  "PrivateDevices=yes",
  "ProtectKernelTunables=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelLogs=yes",
  "ProtectControlGroups=yes",
  "ProtectClock=yes",
  "ProtectHostname=yes",
  "ProtectProc=invisible",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "LockPersonality=yes",
  "KeyringMode=private",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "SystemCallFilter=~@privileged @resources",
  "SystemCallErrorNumber=EPERM",
  // Netlink is how the system tells a host's own addresses.
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
];

/** What systemctl calls the service of a component. */
export function serviceName(component: ComponentName): string {
  return `damselfly-${component}`;
}

/** The name of a component's unit. */
export function unitName(component: ComponentName): string {
  return `${serviceName(component)}.service`;
}

/** The text of a component's unit. */
export function unitText(component: ComponentName, program: Program, needs: Needs): string {
  const isRoot = component === "dfdaemon";
  const { directories, others } = foldersOf(component, needs.folders);
  const writable = [...others, ...program.outputFolders];
  const lines = [
    "[Unit]",
    `Description=${ABOUT[component]}`,
    "Wants=network-online.target",
    "After=network-online.target",
    // A start that fails is tried again for two minutes: what it wants may come, as a port that is held. Then it waits
    // for somebody to look, and the runtime pulls past it.
    "StartLimitIntervalSec=300",
    "StartLimitBurst=20",
    "",
    "[Service]",
    "Type=exec",
    `ExecStart=${execStart(component, program, isRoot)}`,
    ...(isRoot ? ["ExecReload=/bin/kill -HUP $MAINPID"] : []),
    "Restart=on-failure",
    "RestartSec=5",
    "TimeoutStopSec=30",
    "LimitNOFILE=65536",
    `Environment=DENO_DIR=/var/cache/damselfly/${component} DENO_NO_UPDATE_CHECK=1`,
    // Such as HTTPS_PROXY for dfdaemon, and DRAGONFLY_INITIAL_ROOT_PASSWORD for the first start of a manager.
    `EnvironmentFile=-${quoted(program.config.replace(/\.yaml$/, ".env"))}`,
    ...directories,
    "",
    ...(isRoot ? rootLines(program, needs) : userLines(component, program, needs)),
    ...(writable.length > 0 ? [`ReadWritePaths=${writable.map(quoted).join(" ")}`] : []),
    ...SANDBOX,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ];
  return `${lines.join("\n")}\n`;
}

function execStart(component: ComponentName, { deno, script, permissions, config }: Program, isRoot: boolean): string {
  const path = isRoot ? quoted(config) : `\${CREDENTIALS_DIRECTORY}/${component}.yaml`;
  const words = [deno, "run", "--quiet", ...bundleFlags(component), ...permissions, script, "--config"];
  return [...words.map(quoted), path].join(" ");
}

/** dfdaemon is root: its socket is for root, and it reads what `dfcache import` names. */
function rootLines({ outputFolders }: Program, { hasLowPort }: Needs): string[] {
  const capabilities = [
    "CAP_DAC_READ_SEARCH",
    ...(outputFolders.length > 0 ? ["CAP_DAC_OVERRIDE"] : []),
    ...(hasLowPort ? ["CAP_NET_BIND_SERVICE"] : []),
  ];
  // Not PrivateTmp, and homes are not hidden: a download to a path there would seem to succeed, and be nowhere.
  return ["ProtectHome=read-only", `CapabilityBoundingSet=${capabilities.join(" ")}`];
}

/** The others have a user of their own, which reads the configuration as a credential, for it may hold passwords. */
function userLines(component: ComponentName, { config }: Program, { hasLowPort }: Needs): string[] {
  return [
    "DynamicUser=yes",
    `LoadCredential=${component}.yaml:${config}`,
    "ProtectHome=yes",
    "PrivateTmp=yes",
    `CapabilityBoundingSet=${hasLowPort ? "CAP_NET_BIND_SERVICE" : ""}`,
    ...(hasLowPort ? ["AmbientCapabilities=CAP_NET_BIND_SERVICE"] : ["PrivateUsers=yes"]),
    "UMask=0077",
  ];
}

/** Folders that systemd makes and gives to the service, and the others, which have to be there. */
function foldersOf(component: ComponentName, folders: readonly string[]) {
  const kinds = [["StateDirectory", "/var/lib/"], ["CacheDirectory", "/var/cache/"], ["RuntimeDirectory", "/run/"]];
  const wanted = [...folders, `/var/cache/damselfly/${component}`].map((folder) =>
    folder.replace(/^\/var\/run\//, "/run/")
  );
  const directories = kinds.flatMap(([key = "", prefix = ""]) => {
    const below = wanted.filter((folder) => folder.startsWith(prefix)).map((folder) => folder.slice(prefix.length));
    if (below.length === 0) return [];
    const preserve = key === "RuntimeDirectory" ? ["RuntimeDirectoryPreserve=yes"] : [];
    return [`${key}=${below.map(quoted).join(" ")}`, ...preserve];
  });
  return {
    directories,
    others: wanted.filter((folder) => !kinds.some(([, prefix = ""]) => folder.startsWith(prefix))),
  };
}

/** A word of a unit file as systemd reads it back: `%` begins a specifier, `$` a variable. */
function quoted(word: string): string {
  const text = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w/.,:=*@%$+-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
