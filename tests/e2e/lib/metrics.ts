/** What a process says about itself at its /metrics. */
import { parseMetrics, type Sample, sumOf } from "../../../src/runtime/metrics_text.ts";

/** Bytes that a peer downloaded, by where they came from (node-side.md §3.13). */
export interface Traffic {
  readonly fromSource: number;
  readonly fromPeers: number;
  readonly fromDisk: number;
}

/** Downloaded bytes of the peer whose metrics are at `url`. */
export async function downloadTraffic(url: string): Promise<Traffic> {
  const samples = await scrape(url);
  const of = (type: string) => sumOf(samples, "dragonfly_client_download_traffic", { type });
  return { fromSource: of("BACK_TO_SOURCE"), fromPeers: of("REMOTE_PEER"), fromDisk: of("LOCAL_PEER") };
}

/** Bytes that the peer whose metrics are at `url` gave to other peers. */
export async function uploadTraffic(url: string): Promise<number> {
  return sumOf(await scrape(url), "dragonfly_client_upload_traffic");
}

/** Requests that the mirror of the peer whose metrics are at `url` has got. */
export async function proxyRequests(url: string): Promise<number> {
  return sumOf(await scrape(url), "dragonfly_client_proxy_request_total");
}

/** Memory of the process whose metrics are at `url`. */
export async function residentBytes(url: string): Promise<number> {
  return sumOf(await scrape(url), "process_resident_memory_bytes");
}

/** What was counted between two looks. */
export function trafficSince(before: Traffic, after: Traffic): Traffic {
  return {
    fromSource: after.fromSource - before.fromSource,
    fromPeers: after.fromPeers - before.fromPeers,
    fromDisk: after.fromDisk - before.fromDisk,
  };
}

async function scrape(url: string): Promise<Sample[]> {
  const answer = await fetch(url);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`Cannot scrape ${url}: HTTP ${answer.status} ${text}`);
  return parseMetrics(text);
}
