import { printable } from "../cli/table.ts";
import { fallbackMend } from "../peer/mirror/fallbacks.ts";
import { type Sample, sumOf } from "../runtime/metrics_text.ts";
import { found, type Outcome, well } from "./finding.ts";

/** Fewer descriptors than this run out under the connections of one large cluster. */
const DESCRIPTORS_MIN = 8_192;
/** Registries that failed are told of, the worst first. */
const FALLBACKS_SHOWN_MAX = 20;

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
    const contents = sumOf(samples, "dragonfly_client_proxy_request_via_dfdaemon_total");
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
