import type { ControlPlaneFacts } from "./control_plane.ts";
import { found, type Outcome, SERVICE, well } from "./finding.ts";

const ALONE = "so every pull goes to the registry alone";

/** Whether this host finds its cluster, its schedulers and its seed peers. */
export function judgeControlPlane(facts: ControlPlaneFacts): Outcome[] {
  const manager = judgeManager(facts);
  const isCutOff = manager.some(({ level }) => level === "fail");
  // Without an answer of the manager nothing is known of the others, and dfdaemon goes on with its last good list.
  return isCutOff ? manager : [...manager, ...judgeCluster(facts), ...judgeSchedulers(facts), ...judgeSeedPeers(facts)];
}

function judgeManager({ manager }: ControlPlaneFacts): Outcome[] {
  const kept = "dfdaemon goes on with its last good list of schedulers, and has none after its first start";
  switch (manager.kind) {
    case "answers":
      return [well("doctor.manager", manager.address, "answers")];
    case "none": {
      if (manager.problem !== undefined) {
        return [found("doctor.manager.dynconfig", manager.path, manager.problem, "correct what is named there")];
      }
      return [found("doctor.manager.none", "manager.addr", `is not set; ${manager.path} names the schedulers`)];
    }
    case "name": {
      const mend = "correct manager.addr of dfdaemon.yaml, or the name servers of this host";
      return [found("doctor.manager.name", manager.address, `${manager.problem}; ${kept}`, mend)];
    }
    case "tls": {
      const mend = "let manager.caCert, cert and key of dfdaemon.yaml be of the authority of the manager's tls, or " +
        "leave them out where it has none";
      return [found("doctor.manager.tls", manager.address, `${manager.problem}; ${kept}`, mend)];
    }
    case "unreachable": {
      const mend =
        "start the manager, or correct manager.addr of dfdaemon.yaml (its gRPC port is 65003); one with TLS needs " +
        "manager.caCert, cert and key";
      return [found("doctor.manager.unreachable", manager.address, `${manager.problem}; ${kept}`, mend)];
    }
    case "no cluster": {
      const what = `it has no scheduler cluster ${manager.clusterId}, ${ALONE}`;
      const mend = "correct host.schedulerClusterID of dfdaemon.yaml; dfctl cluster list shows which there are";
      return [found("doctor.cluster.unknown", manager.address, what, mend)];
    }
  }
}

function judgeCluster({ cluster }: ControlPlaneFacts): Outcome[] {
  if (cluster === undefined) return [];
  const name = `${cluster.name} (${cluster.id})`;
  if (cluster.better.length > 0) {
    const what = `this host is in it because no scheduler of ${
      cluster.better.join(" and ")
    }, which fits better, serves`;
    const mend = "start the schedulers there, and let this host reach their gRPC port (8002)";
    return [found("doctor.cluster.second_best", name, what, mend)];
  }
  if (cluster.isByScope) return [well("doctor.cluster", name, `this host is in it: ${cluster.why}`)];
  return [found("doctor.cluster.by_default", name, `this host is in it: ${cluster.why}`)];
}

function judgeSchedulers({ manager, schedulers }: ControlPlaneFacts): Outcome[] {
  if (schedulers.length === 0) {
    const mend = manager.kind === "none"
      ? `set manager.addr of dfdaemon.yaml, or name schedulers as scheduler.addrs in ${manager.path}`
      : "start a scheduler whose manager.addr is this manager, and whose manager.schedulerClusterID is this cluster";
    return [found("doctor.schedulers.none", "schedulers", `there is none for this host, ${ALONE}`, mend)];
  }
  const bad = schedulers.flatMap(({ address, problem }) => problem === undefined ? [] : [`${address}: ${problem}`]);
  const mend = "start it, and let this host reach its gRPC port (8002); scheduler.caCert, cert and key go with its tls";
  if (bad.length === schedulers.length) {
    return [found("doctor.schedulers.unhealthy", "schedulers", `none serves, ${ALONE}: ${bad.join("; ")}`, mend)];
  }
  const outcomes = bad.length === 0
    ? []
    : [found("doctor.schedulers.some_unhealthy", "schedulers", `some do not serve: ${bad.join("; ")}`, mend)];
  const strangers = schedulers.filter(({ knowsHost }) => knowsHost === false);
  outcomes.push(...strangers.map(({ address }) => {
    const what = "it does not know this host, which is not announced to it, or under another name";
    const how =
      `systemctl restart ${SERVICE}; host.ip and host.hostname of the running one may be others than in its file`;
    return found("doctor.schedulers.host_unknown", address, what, how);
  }));
  if (outcomes.length > 0) return outcomes;
  return [well("doctor.schedulers", schedulers.map(({ address }) => address).join(", "), "serves this host")];
}

function judgeSeedPeers({ seedPeers, isSeed }: ControlPlaneFacts): Outcome[] {
  if (seedPeers === undefined || isSeed) return [];
  if (seedPeers.length === 0) {
    const what =
      "this cluster has none that is active: the first pull of an image costs the registry more than one copy";
    const mend = "run dfdaemon with seedPeer.enable: true on a host of the cluster";
    return [found("doctor.seed_peers.none", "seed peers", what, mend)];
  }
  const bad = seedPeers.flatMap(({ address, problem }) => problem === undefined ? [] : [`${address}: ${problem}`]);
  if (bad.length > 0) {
    const mend = "let this host reach ports 4000 and 4005 of seed peers, and look whether they run";
    return [found("doctor.seed_peers.unreachable", "seed peers", bad.join("; "), mend)];
  }
  return [well("doctor.seed_peers", seedPeers.map(({ address }) => address).join(", "), "serve this cluster")];
}
