import { VERSION } from "../core/version.ts";
import { embedded } from "./embedded.ts";
import type { Metrics } from "./metrics.ts";

const [MAJOR = "", MINOR = ""] = VERSION.split(".");
/** What Dragonfly's Go programs say besides; what has no meaning here is empty. */
const LABELS_OF_GO = ["major", "minor", "go_version", "go_tags", "go_gcflags"];
const LABELS = ["git_version", "git_commit", "platform", "build_time"];

/** Says which program runs, as a metric whose value is 1: `dragonfly_<component>_version` (manager-rest.md §8). */
export function exposeVersion(metrics: Metrics, component: "manager" | "scheduler" | "client"): void {
  const platform = `${Deno.build.os}/${Deno.build.arch}`;
  const labels = { git_version: `v${VERSION}`, git_commit: embedded("commit") ?? "", platform, build_time: "" };
  const help = "Version of the program that runs; the value is 1.";
  const name = `dragonfly_${component}_version`;
  if (component === "client") return metrics.gauge(name, help, LABELS).set(labels, 1);
  const ofGo = { major: MAJOR, minor: MINOR, go_version: "", go_tags: "", go_gcflags: "" };
  metrics.gauge(name, help, [...LABELS_OF_GO, ...LABELS]).set({ ...ofGo, ...labels }, 1);
}
