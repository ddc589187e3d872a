/** The list of peers by REST, as a console pages through it. */
import { startBare } from "./bare.ts";
import { PEERS } from "./content.ts";
import { type Call, flood, median } from "./load.ts";
import type { Row } from "./report.ts";
import type { ShippedManager } from "./shipped.ts";

const PER_PAGE = 50;
const PER_SECOND_MIN = 500;
const REQUESTS_AT_ONCE = 8;
const FLOOD_MS = 2_000;
const ROUNDS = 3;

/** The rows about the list of peers. */
export async function measureListPeers(manager: ShippedManager, token: string): Promise<Row[]> {
  let bytes = 0;
  const pageOf = (port: number): Call => async (n) => {
    const page = n % (PEERS / PER_PAGE) + 1;
    const url = `http://127.0.0.1:${port}/api/v1/peers?page=${page}&per_page=${PER_PAGE}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    bytes = (await response.bytes()).length;
    if (!response.ok) throw new Error(`Page ${page} was answered with ${response.status}`);
  };
  const call = pageOf(manager.restPort);
  await flood(call, FLOOD_MS, manager.cpuSeconds, REQUESTS_AT_ONCE);
  await using bare = await startBare("rest", bytes);
  const bareCall = pageOf(bare.port);
  await flood(bareCall, FLOOD_MS, bare.cpuSeconds, REQUESTS_AT_ONCE);
  const ours = [];
  const bares = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await flood(call, FLOOD_MS, manager.cpuSeconds, REQUESTS_AT_ONCE));
    bares.push(await flood(bareCall, FLOOD_MS, bare.cpuSeconds, REQUESTS_AT_ONCE));
  }
  const perCore = median(ours.map(({ perCoreSecond }) => perCoreSecond));
  const barePerCore = median(bares.map(({ perCoreSecond }) => perCoreSecond));
  const name = `REST list of ${PEERS} peers, page of ${PER_PAGE}`;
  const to = `bare hono, ${(bytes / 1000).toFixed(0)} kB`;
  const target = { atLeast: PER_SECOND_MIN };
  return [
    {
      what: `${name}, per core`,
      value: perCore,
      unit: "requests/s",
      target,
      ratio: { value: perCore / barePerCore, to },
    },
    {
      what: `${name}, beside its callers`,
      value: median(ours.map(({ perSecond }) => perSecond)),
      unit: "requests/s",
      target,
    },
  ];
}
