import { printable } from "../cli/table.ts";
import { fallbackMend } from "../peer/mirror/fallbacks.ts";
import { found, type Outcome, well } from "./finding.ts";

/** Fewer descriptors than this run out under the connections of one large cluster. */
const DESCRIPTORS_MIN = 8_192;
/** Registries that failed are told of, the worst first. */
const FALLBACKS_SHOWN_MAX = 20;

/** One line of the Prometheus text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads the Prometheus text format; lines that are none of it are left out. */
export function parseMetrics(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const [, name, inside = "", number] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    const value = Number(number);
    if (name === undefined || Number.isNaN(value)) return [];
    const pairs = inside.matchAll(/([a-zA-Z_]\w*)="((?:\\.|[^"\\])*)"/g);
    const labels = Object.fromEntries([...pairs].map(([, label = "", text = ""]) => [label, unescaped(text)]));
    return [{ name, labels, value }];
  });
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => character === "n" ? "\n" : character);
}

/** The sum of all samples of a metric with these labels. */
export function total(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  return samples.filter((sample) =>
    sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
  ).reduce((sum, { value }) => sum + value, 0);
}

const FALLBACKS = "damselfly_client_fallback_total";

/** What went past the swarm since dfdaemon started, and whether it has what it needs. */
export function judgeCounters(samples: readonly Sample[]): Outcome[] {
  const fallbacks = samples.filter(({ name, value }) => name === FALLBACKS && value > 0)
    .toSorted((a, b) => b.value - a.value).slice(0, FALLBACKS_SHOWN_MAX);
  const outcomes: Outcome[] = fallbacks.map(({ labels, value }) => {
    const { registry = "", reason = "" } = labels;
    const what = `${value} requests went past the swarm since dfdaemon started (${printable(reason)})`;
    return found("doctor.fallback.counted", printable(registry), what, fallbackMend(reason));
  });
  if (fallbacks.length === 0) {
    const contents = total(samples, "dragonfly_client_proxy_request_via_dfdaemon_total");
    outcomes.push(
      contents === 0
        ? found("doctor.fallback.unused", "mirror", "nobody has asked it for a content since dfdaemon started")
        : well("doctor.fallback", "mirror", `${contents} contents were asked for since dfdaemon started, none in vain`),
    );
  }
  const max = samples.find(({ name }) => name === "process_max_fds")?.value;
  if (max !== undefined && max > 0 && max < DESCRIPTORS_MIN) {
    const what = `dfdaemon may open ${max} files and connections`;
    outcomes.push(found("doctor.descriptors.low", "dfdaemon", what, "set LimitNOFILE=1048576 in its unit of systemd"));
  }
  return outcomes;
}
