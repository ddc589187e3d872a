/** The list of peers by REST, as a console pages through it. */
import { startBare } from "./bare.ts";
import { PEERS } from "./content.ts";
import { type Call, floodInTurns, measuredIdle } from "./load.ts";
import type { Row } from "./report.ts";
import type { ShippedManager } from "./shipped.ts";

const PER_PAGE = 50;
const PER_SECOND_MIN = 500;
const REQUESTS_AT_ONCE = 8;

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
  const idle = await measuredIdle(manager.cpuSeconds);
  const call = pageOf(manager.restPort);
  await call(0);
  await using bare = await startBare("rest", bytes);
  const servers = [idle, { cpuSeconds: bare.cpuSeconds, idleShare: 0 }] as const;
  const [ours, bares] = await floodInTurns([call, pageOf(bare.port)], servers, REQUESTS_AT_ONCE);
  const name = `REST list of ${PEERS} peers, page of ${PER_PAGE}`;
  const to = `bare hono, ${(bytes / 1000).toFixed(0)} kB`;
  const target = { atLeast: PER_SECOND_MIN };
  const row = (what: string, value: number, bareValue: number): Row => {
    return { what: `${name}, ${what}`, value, unit: "requests/s", target, ratio: { value: value / bareValue, to } };
  };
  return [
    row("per core", ours.perCoreSecond, bares.perCoreSecond),
    row("beside its callers", ours.perSecond, bares.perSecond),
  ];
}
