import { SERVER_NAME, VERSION } from "../core/version.ts";
import { isLoopback } from "../http/destination.ts";
import type { DaemonFacts } from "./daemon.ts";
import { found, type Outcome, SERVICE, well } from "./finding.ts";

const LOG = `journalctl -u ${SERVICE}`;
const START = `systemctl start ${SERVICE}, or its pod, and look at its log: ${LOG}`;
const OURS = /^damselfly\/(\S+)$/;

/** Whether dfdaemon runs and is reached, by this host and by others. */
export function judgeDaemon(facts: DaemonFacts): Outcome[] {
  const mirror = judgeMirror(facts);
  if (!isRunning(facts)) return [mirror];
  return [mirror, ...judgeOps(facts), ...judgeSocket(facts), ...judgePeers(facts)];
}

/** Of a dfdaemon that does not run it is enough to say that. */
export function isRunning({ mirror, health }: Pick<DaemonFacts, "mirror" | "health">): boolean {
  return !("problem" in mirror.answer && "problem" in health.answer);
}

function judgeMirror({ mirror: { address, answer }, isAskedInTls }: DaemonFacts): Outcome {
  if ("problem" in answer) {
    return found("doctor.mirror.unreachable", address, `nobody answers: ${answer.problem}`, START);
  }
  const server = answer.headers.get("server") ?? "";
  const version = OURS.exec(server)?.[1];
  if (version === undefined) {
    const who = server === "" ? "another program" : server.slice(0, 100);
    const mend = "give dfdaemon another proxy.server.port, and dfinit the same in proxy.addr, or stop that program";
    return found("doctor.mirror.not_ours", address, `${who} answers there, and not this dfdaemon`, mend);
  }
  if (isAskedInTls) {
    const mend = "begin proxy.addr of dfinit.yaml with http://, and run dfinit again";
    return found("doctor.mirror.no_tls", address, "the runtimes ask it by https://, and it speaks plain HTTP", mend);
  }
  if (server !== SERVER_NAME) {
    const what = `dfdaemon ${version} runs, and this program is ${VERSION}`;
    return found("doctor.mirror.other_version", address, what, `systemctl restart ${SERVICE}, after an update`);
  }
  return well("doctor.mirror", address, `dfdaemon ${version} answers`);
}

function judgeOps({ health, metrics }: DaemonFacts): Outcome[] {
  const outcomes: Outcome[] = [];
  if ("problem" in health.answer) {
    const mend = `${START}; probes need health.server`;
    outcomes.push(found("doctor.daemon.health_unreachable", health.url, health.answer.problem, mend));
  } else if (health.answer.status !== 200) {
    const what = `the answer is ${health.answer.status}: it is starting or stopping, or another program`;
    outcomes.push(found("doctor.daemon.not_ready", health.url, what, LOG));
  }
  const { answer } = metrics;
  if ("problem" in answer || answer.status !== 200) {
    const what = "problem" in answer ? answer.problem : `the answer is ${answer.status}`;
    const mend = `${START}; what is counted is at metrics.server`;
    outcomes.push(found("doctor.daemon.metrics_unreachable", metrics.url, what, mend));
  }
  return outcomes.length > 0 ? outcomes : [well("doctor.daemon", health.url, "is healthy, and counts")];
}

function judgeSocket({ socket: { path, state } }: DaemonFacts): Outcome[] {
  if (state === "serves") return [];
  if (state === "is denied") {
    return [
      found("doctor.daemon.socket_denied", path, "only the user of dfdaemon may ask it", "run the doctor as root"),
    ];
  }
  const mend = `${START}; download.server.socketPath names it, and --endpoint of dfget and dfctl`;
  return [found("doctor.daemon.socket_unreachable", path, `${state}, so dfget and dfctl do not work`, mend)];
}

function judgePeers({ host, upload, pieces }: DaemonFacts): Outcome[] {
  const outcomes: Outcome[] = [];
  if (upload.problem !== undefined) {
    const what = `this host does not reach its own gRPC server for peers: ${upload.problem}`;
    const mend = "let host.ip be an address of this host, and open upload.server.port in its firewall";
    outcomes.push(found("doctor.peers.upload_unreachable", upload.address, what, mend));
  }
  if (host.isShared && pieces.problem !== undefined) {
    const what = `this host does not reach its own piece server: ${pieces.problem}`;
    const mend = "let host.ip be an address of this host, and open storage.server.tcpPort in its firewall";
    outcomes.push(found("doctor.peers.pieces_unreachable", pieces.address, what, mend));
  }
  return outcomes.length > 0 ? outcomes : [well("doctor.peers", upload.address, "this host is reached by its address")];
}

/** Nobody else reaches a host by a loopback address; `others` are those whom it wants to be reached by. */
export function judgeAnnounced(ip: string, others: readonly string[]): Outcome[] {
  if (!isLoopback(ip) || others.every(isLoopback)) return [];
  const what = "this host is announced with a loopback address, by which no other host reaches it";
  return [found("doctor.peers.loopback", ip, what, "set host.ip of dfdaemon.yaml to its address in the network")];
}
