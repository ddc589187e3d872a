import * as z from "zod";
import { parsePattern } from "../core/pattern.ts";
import { hostPort, int, list, parsed, section, text } from "./fields.ts";

const NO_PERSISTENT = "there are no tasks of that kind";
const NO_UPLOAD = "of these tasks only downloads are refused, as in Dragonfly";

const selection = {
  applications: list(text()).default([]).describe("Applications that are refused."),
  urls: list(parsed("regular expression", checkedPattern)).default([]).describe("URLs that are refused."),
  tags: list(text()).default([]).describe("Tags that are refused."),
};

/** A pattern that can be read, as it was written. */
function checkedPattern(pattern: string): string {
  return parsePattern(pattern).text;
}

function direction(what: string, noUpload: string) {
  return section({
    download: section(
      { ...selection, priorities: list(int(0, 6), 7).default([]).describe("Priorities that are refused.") },
      `Refused downloads of ${what}.`,
    ),
    upload: section(selection, `Refused uploads of ${what}.`).meta({ ignored: noUpload }),
  }, `Block list of ${what}.`);
}

function clientConfig(whose: string) {
  return section({
    loadLimit: int(1, 2000).optional().meta({ aliases: ["load_limit"] }).describe("Most concurrent uploads.").meta({
      ignored: "the scheduler limits uploads",
    }),
    blockList: section({
      task: direction("tasks", NO_UPLOAD),
      persistentTask: direction("persistent tasks", NO_PERSISTENT).meta({
        aliases: ["persistent_task"],
        ignored: NO_PERSISTENT,
      }),
      persistentCacheTask: direction("persistent cache tasks", NO_PERSISTENT).meta({
        aliases: ["persistent_cache_task"],
        ignored: NO_PERSISTENT,
      }),
    }, "Tasks that are refused.").meta({ aliases: ["block_list"] }),
  }, `Settings of ${whose}.`);
}

/** The local file that stands in for the manager (wire.md §2.2, node-side.md §4); read when `manager.addr` is absent. */
export const PeerDynconfig = z.strictObject({
  scheduler: section({
    addr: hostPort().optional().describe("Schedulers by name: every IP address that the name has is one."),
    addrs: list(hostPort()).default([]).describe("Schedulers one by one; they win over addr."),
  }, "Schedulers of this peer; without any, tasks come from their source."),
  clientConfig: clientConfig("peers").meta({ aliases: ["client_config"] }),
  seedClientConfig: clientConfig("seed peers").meta({ aliases: ["seed_client_config"] }),
}).meta({ component: "dynconfig", file: "/etc/dragonfly/dynconfig.yaml" });
export type PeerDynconfig = z.infer<typeof PeerDynconfig>;
