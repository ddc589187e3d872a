import { Command, InvalidArgumentError, Option } from "commander";
import { checked } from "../runtime/command_line.ts";
import { parseHostPort, parseIp } from "../config/addresses.ts";
import { DamselflyError } from "../core/error.ts";
import type { LocalClusterOptions } from "./local_cluster.ts";
import type { PeerPlace } from "./local_cluster_settings.ts";

const PEERS_MAX = 16;
/** Between the ports of two peers that share an address. */
const PEER_PORT_STEP = 10;
const PORT_MAX = 65535;

/** What the command line of `up` says. */
export interface UpFlags {
  readonly ip: string;
  readonly peers: number;
  readonly oneIp: boolean;
  readonly peerPort: number;
  readonly grpcPort: number;
  readonly restPort: number;
  readonly schedulerPort: number;
  readonly insecureRegistry: readonly string[];
  readonly dataDir?: string;
}

const HELP = `
Manager, scheduler and peer 1 listen on --ip; the seed peer and the other peers on the addresses that follow it, so that
each has its standard ports. Systems other than Linux have one loopback address: there --one-ip is the default, and the
peers' ports are ${PEER_PORT_STEP} apart. The ports of a peer are --peer-port and those behind it: gRPC +0, mirror +1, metrics +2,
health +3, pieces +5.

Exit codes:
  0    stopped by a signal
  1    failed, for instance because a port is taken
  2    wrong use
  130  stopped at once by a second signal, which leaves the temporary directory behind

Examples:
  deno task up
  deno task up --peers 3 --insecure-registry localhost:5000
  deno task up --peer-port 14000 --rest-port 18080
`;

/** The command line of `up`. */
export function upCommand(): Command {
  return new Command("up")
    .description("Runs a cluster on this machine until it is stopped: manager, scheduler, seed peer and peers.")
    .option("--ip <ip>", "first address", checked(parseIpv4), "127.0.0.1")
    .option("--peers <count>", "peers besides the seed peer", intParser(1, PEERS_MAX), 2)
    .option("--one-ip", "all parts on one address, peers with other ports", Deno.build.os !== "linux")
    .option("--peer-port <port>", "first port of a peer", intParser(1, PORT_MAX - 1000), 4000)
    .option("--grpc-port <port>", "gRPC of the manager", intParser(1, PORT_MAX), 65003)
    .option("--rest-port <port>", "REST of the manager", intParser(1, PORT_MAX), 8080)
    .option("--scheduler-port <port>", "gRPC of the scheduler", intParser(1, PORT_MAX), 8002)
    .addOption(
      new Option("--insecure-registry <host:port>", "a registry that speaks plain HTTP; may be repeated")
        .argParser(addRegistry).default([], "none"),
    )
    .option("--data-dir <dir>", "where data is kept (default: a temporary directory, removed at the end)")
    .addHelpText("after", HELP);
}

/** Where each part of the cluster goes. */
export function upPlaces(
  flags: UpFlags,
): Pick<LocalClusterOptions, "manager" | "scheduler" | "seed" | "peers" | "upstreams"> {
  const { ip, peers } = flags;
  // Peer 1 comes first, on the address that a container runtime's configuration names; then the seed peer.
  const [first, seed, ...others] = Array.from({ length: peers + 1 }, (_, index) => placeOf(flags, index));
  if (first === undefined || seed === undefined) throw new Error("Cannot place peers: there are none");
  return {
    manager: { ip, grpcPort: flags.grpcPort, restPort: flags.restPort },
    scheduler: { ip, port: flags.schedulerPort },
    seed,
    peers: [first, ...others],
    upstreams: flags.insecureRegistry.map((namespace) => ({ namespace, addr: `http://${namespace}` })),
  };
}

function placeOf({ ip, oneIp, peerPort }: UpFlags, index: number): PeerPlace {
  return oneIp
    ? { ip, firstPort: peerPort + index * PEER_PORT_STEP }
    : { ip: addressAfter(ip, index), firstPort: peerPort };
}

function addressAfter(ip: string, steps: number): string {
  const number = ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0) + steps;
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
}

function parseIpv4(text: string): string {
  if (parseIp(text).includes(":")) throw new DamselflyError("invalid_argument", "expected an IPv4 address");
  return text;
}

function intParser(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected ${min} to ${max}`);
  };
}

function addRegistry(text: string, before: readonly string[]): readonly string[] {
  return [...before, checked((value: string) => (parseHostPort(value), value))(text)];
}
