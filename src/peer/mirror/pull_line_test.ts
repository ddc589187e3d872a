import assert from "node:assert/strict";
import { pullLine } from "./pull_line.ts";

Deno.test("a pull is told in a sentence, with where its bytes came from", () => {
  const MIB = 1024 * 1024;
  const name = { digest: "sha256:ab", repository: "team/app" };
  const line = (traffic?: Partial<Record<"backToSource" | "remotePeer" | "localPeer", number>>) =>
    pullLine({
      ...{ name, bytes: 27 * MIB, durationMs: 1_520 },
      traffic: traffic && { backToSource: 0, remotePeer: 0, localPeer: 0, ...traffic },
    });
  const start = "Gave 27.0 MiB of team/app@sha256:ab in 1.52 s: ";
  assert.equal(line({ remotePeer: 80, backToSource: 20 }), `${start}80 % from peers, 20 % from the source`);
  assert.equal(line({ localPeer: 5 }), `${start}100 % from this host`);
  assert.equal(line({ remotePeer: 9_999, backToSource: 1 }), `${start}over 99 % from peers, under 1 % from the source`);
  assert.equal(line({}), `${start}it is empty`);
  assert.equal(line(), `${start}straight from the source`);
  const file = { name: { url: "https://a/b" }, bytes: 10, durationMs: 3, traffic: undefined };
  assert.equal(pullLine(file), "Gave 0.0 KiB of https://a/b in 3 ms: straight from the source");
});
