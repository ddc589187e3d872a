/** What stock servers check of requests (wire.md §1.4); every check fails with `invalid_argument` and the field's name. */
import { isIP } from "node:net";
import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { SourceType } from "../../rpc/gen/manager/v2/manager.ts";
import { boundedKeepAliveIntervalMs, millisecondsOfNanoseconds } from "../store/liveness.ts";

const HOSTNAME_CHARACTERS_MAX = 253;
const TEXT_CHARACTERS_MAX = 1_024;
const PORT_MIN = 1_024;
const PORT_MAX = 65_534;
const FEATURES_MAX = 64;
/** What a scheduler can do that does not say (manager-rest.md §1.2, `/scheduler-features`). */
const FEATURES_DEFAULT = ["schedule", "preheat"];

/** RFC 1123, and the underscore, which real machines have in their names. */
const HOSTNAME_LABEL = /^[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?$/;

/** States what a field must be. */
function check(condition: boolean, field: string, expected: string): void {
  if (!condition) throw new DamselflyError("invalid_argument", `Cannot accept field ${field}: expected ${expected}`);
}

/** Host name and IP, which every request carries. */
export function checkHost({ hostname, ip }: { readonly hostname: string; readonly ip: string }): void {
  const labels = hostname.replace(/\.$/, "").split(".");
  const isHostname = hostname.length <= HOSTNAME_CHARACTERS_MAX && labels.every((label) => HOSTNAME_LABEL.test(label));
  check(isHostname, "hostname", "a host name");
  check(isIP(ip) !== 0 && !ip.includes("%"), "ip", "an IP address");
}

/** Who sends; `sources` are those that may. */
export function checkSource(source: SourceType, ...sources: SourceType[]): void {
  check(sources.includes(source), "source_type", sources.map((type) => SourceType[type]).join(" or "));
}

/** The id of a cluster. */
export function checkClusterId(id: number, field: string): void {
  check(Number.isSafeInteger(id) && id >= 1, field, "an integer from 1");
}

/** The port that others are told to connect to. */
export function checkPort(port: number, field: string): void {
  check(port >= PORT_MIN && port <= PORT_MAX, field, `an integer from ${PORT_MIN} to ${PORT_MAX}`);
}

/** Text of a bounded length, by field. */
export function checkTexts(texts: Readonly<Record<string, string | undefined>>): void {
  for (const [field, text = ""] of Object.entries(texts)) {
    check(text.length <= TEXT_CHARACTERS_MAX, field, `at most ${TEXT_CHARACTERS_MAX} characters`);
  }
}

/** The type of a seed peer. */
export function checkSeedPeerType(type: string): void {
  check(type === "super", "type", '"super"');
}

/** What a scheduler says it can do, or what one can do that says nothing. */
export function parseFeatures(features: readonly string[]): readonly string[] {
  check(features.length <= FEATURES_MAX, "features", `at most ${FEATURES_MAX} names`);
  for (const feature of features) checkTexts({ features: feature });
  return features.length === 0 ? FEATURES_DEFAULT : features;
}

const SchedulerConfig = z.object({ manager_keep_alive_interval: z.number().optional() });

/** The interval in the JSON of `UpdateSchedulerRequest.config`, nanoseconds there, bounded milliseconds here. */
export function parseKeepAliveIntervalMs(config: Uint8Array): number {
  if (config.length === 0) return boundedKeepAliveIntervalMs(0);
  try {
    const { manager_keep_alive_interval } = SchedulerConfig.parse(JSON.parse(new TextDecoder().decode(config)));
    return boundedKeepAliveIntervalMs(millisecondsOfNanoseconds(manager_keep_alive_interval ?? 0));
  } catch (cause) {
    throw new DamselflyError(
      "invalid_argument",
      "Cannot accept field config: expected a JSON object with manager_keep_alive_interval in nanoseconds",
      { cause },
    );
  }
}
