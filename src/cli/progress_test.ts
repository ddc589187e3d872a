import assert from "node:assert/strict";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { Progress } from "./progress.ts";

const MIB = 1024 * 1024;

function open(isTty: boolean, progress = true) {
  const said: string[] = [];
  const terminal = { isTty, print() {}, printError: (text: string) => void said.push(text) };
  const clock = new VirtualClock();
  return { said, clock, progress: new Progress({ progress }, terminal, clock) };
}

Deno.test("a terminal has one line with share, rate and what is left of the time", async () => {
  const { said, clock, progress } = open(true);
  const file = progress.file();
  file.started(100 * MIB);
  await clock.advance(2_000);
  file.came(20 * MIB);
  assert.match(said.at(-1) ?? "", /\[=+> +\] {2}20% of 100\.0 MiB, 10\.0 MiB\/s, 8s left$/);
  await clock.advance(1_000);
  file.came(80 * MIB);
  assert.match(said.at(-1) ?? "", /100% of 100\.0 MiB, 33\.3 MiB\/s$/);
  progress[Symbol.dispose]();
  assert.equal(said.at(-1), "\r\x1b[2K");
});

Deno.test("where no terminal is, a plain line comes every ten seconds, and none when nobody wants it", async () => {
  for (const isWanted of [true, false]) {
    const { said, clock, progress } = open(false, isWanted);
    const file = progress.file();
    file.started(100 * MIB);
    for (let second = 0; second < 25; second++) {
      await clock.advance(1_000);
      file.came(MIB);
    }
    const expected = ["10% of 100.0 MiB, 1.0 MiB/s, 1m30s left\n", "20% of 100.0 MiB, 1.0 MiB/s, 1m20s left\n"];
    assert.deepEqual(said, isWanted ? expected : []);
  }
});

Deno.test("a content of unknown length tells what came, and a file that begins anew counts anew", async () => {
  const { said, clock, progress } = open(false);
  const [one, other] = [progress.file(), progress.file()];
  await clock.advance(10_000);
  one.came(5 * MIB);
  assert.deepEqual(said, ["5.0 MiB, 0.5 MiB/s\n"]);
  one.restart();
  progress.expect(20 * MIB);
  other.started(10 * MIB);
  await clock.advance(10_000);
  other.came(5 * MIB);
  assert.equal(said[1], "25% of 20.0 MiB, 0.3 MiB/s, 1m left\n");
});
