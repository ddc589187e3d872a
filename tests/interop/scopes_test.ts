/** Peers of either kind are led to the cluster whose scopes match, by managers of either kind. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { PeerOptions } from "../e2e/lib/components.ts";
import { signIn } from "../e2e/lib/manager_api.ts";
import { waitFor } from "../e2e/lib/wait.ts";
import { type Kind, schedulerListed, startManager, startPeer, startScheduler } from "./lib/components.ts";
import { type Lab, labTest } from "./lib/lab.ts";
import { named } from "./lib/sentences.ts";
import type { FreeStep } from "./lib/steps.ts";
import { together } from "./lib/together.ts";

const KINDS: readonly Kind[] = ["stock", "ours"];
const DEFAULT_CLUSTER = 1;
const KNOWN_TIMEOUT_MS = 60_000;
/** Hosts from here on are in the second cluster's CIDR, a /26. */
const CIDR_HOST = 192;

/** Peers by what they are, the last number of their address, and the cluster that is theirs. */
const PEERS: readonly { says: string; host: number; options: PeerOptions; cluster: "default" | "second" }[] = [
  { says: "without scopes", host: 20, options: {}, cluster: "default" },
  { says: "with one of the IDCs", host: 21, options: { idc: "idc-3" }, cluster: "second" },
  { says: "with an IDC in other letters", host: 22, options: { idc: "IDC-2" }, cluster: "second" },
  { says: "with another IDC", host: 23, options: { idc: "idc-9" }, cluster: "default" },
  { says: "with the location", host: 24, options: { location: "eu|de|berlin" }, cluster: "second" },
  { says: "with a part of the location", host: 25, options: { location: "eu|fr" }, cluster: "second" },
  { says: "with an address of the CIDR", host: CIDR_HOST, options: {}, cluster: "second" },
];

for (const manager of KINDS) {
  labTest(`${named(manager, "manager")} leads peers of both kinds to their clusters`, async (lab, step) => {
    await leadsPeers(lab, step, manager);
  });
}

async function leadsPeers(lab: Lab, step: FreeStep, kind: Kind): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const place = (name: string, host: number) => ({
    name,
    ip: lab.addresses.ip(host),
    dir: join(lab.workspace.dir, name),
  });
  const database = kind === "stock" ? await (await lab.databases()).fresh() : undefined;
  const manager = stack.use(await startManager(lab, place("manager", 10), database));
  const network = lab.addresses.ip(CIDR_HOST);
  const scopes = { idc: "idc-2|idc-3", location: "eu|de|berlin", cidrs: [`${network}/26`] };
  const second = await (await signIn(manager.restUrl)).createCluster("second", scopes);
  const clusters = { default: DEFAULT_CLUSTER, second };
  const schedulers = await together(
    Object.entries(clusters).map(async ([name, clusterId], number) => {
      const at = place(`scheduler-${name}`, 11 + number);
      const scheduler = stack.use(await startScheduler(lab, at, { kind, manager, clusterId, database }));
      await schedulerListed(scheduler, at.ip, manager, clusterId);
      return { name, scheduler };
    }),
  );

  for (const peerKind of KINDS) {
    await together(PEERS.map(async ({ says, host, options, cluster }) => {
      await step(`${named(peerKind, "peer")} ${says} joins the ${cluster} cluster`, async () => {
        const name = `${peerKind}-${host}`;
        // Our peers are the hosts behind the stock ones.
        const at = place(name, peerKind === "stock" ? host : host + 10);
        await using peer = await startPeer(lab, peerKind, at, { managerUrl: manager.grpcUrl, ...options });
        const joined = await waitFor(`a scheduler that knows ${name}`, KNOWN_TIMEOUT_MS, async () => {
          const known = await together(schedulers.map(async ({ name, scheduler }) => {
            return (await scheduler.hostIds()).includes(peer.hostId) ? [name] : [];
          }));
          return known.flat().length === 0 ? undefined : known.flat();
        });
        assert.deepEqual(joined, [cluster]);
      });
    }));
  }
}
