import { formatBytes, formatMs } from "../cli/format.ts";

/** What one pull took, and from where. */
export interface PullRecord {
  readonly title: string;
  readonly ms: number;
  /** Bytes that this peer downloaded from the source, from other peers, and had already. */
  readonly backToSource: number;
  readonly remotePeer: number;
  readonly localPeer: number;
  /** Bytes that the whole cluster downloaded from the source, and requests that the registry saw. */
  readonly registryBytes: number;
  readonly registryRequests: number;
}

const HEADINGS = ["pull", "time", "from source", "from peers", "from itself", "registry sent", "registry saw"];

/** The pulls as a table. */
export function reportTable(pulls: readonly PullRecord[]): string {
  const rows = pulls.map((pull) => [
    pull.title,
    formatMs(pull.ms),
    formatBytes(pull.backToSource),
    formatBytes(pull.remotePeer),
    formatBytes(pull.localPeer),
    formatBytes(pull.registryBytes),
    `${pull.registryRequests} requests`,
  ]);
  const table = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) =>
    row.map((cell, column) => column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))
      .join("   ").trimEnd() + "\n"
  ).join("");
}

/** One sentence on what the pulls show. */
export function reportSummary(pulls: readonly PullRecord[], imageBytes: number): string {
  const sent = pulls.reduce((sum, pull) => sum + pull.registryBytes, 0);
  const requests = pulls.reduce((sum, pull) => sum + pull.registryRequests, 0);
  const copies = (sent / imageBytes).toFixed(2);
  const [, second, third] = pulls;
  const share = second === undefined ? 0 : second.remotePeer / imageBytes;
  const again = third === undefined || third.localPeer < imageBytes
    ? ""
    : `, and all of it from its own disk the second time`;
  return `${pulls.length} pulls of an image of ${formatBytes(imageBytes)} cost the registry ${formatBytes(sent)} ` +
    `(${copies} copies) and ${requests} requests; peer 2 got ${
      Math.round(share * 100)
    }% of it from other peers${again}.\n`;
}
