import assert from "node:assert/strict";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { BandwidthMeter } from "./bandwidth_meter.ts";

Deno.test("the bandwidth is that of the last two seconds, in bits, each way for itself", async () => {
  const clock = new VirtualClock();
  const meter = new BandwidthMeter(clock);
  assert.deepEqual(meter.bandwidth(), { txBandwidth: 0, rxBandwidth: 0 });
  for (let tick = 0; tick < 100; tick++) {
    meter.sent(1_000);
    meter.received(250);
    await clock.advance(100);
  }
  const { txBandwidth, rxBandwidth } = meter.bandwidth();
  assert.ok(Math.abs(txBandwidth - 80_000) <= 5_000, `${txBandwidth}`);
  assert.ok(Math.abs(rxBandwidth - 20_000) <= 1_500, `${rxBandwidth}`);
  await clock.advance(1_000);
  const later = meter.bandwidth().txBandwidth;
  assert.ok(later > 0 && later < txBandwidth, `${later}`);
  await clock.advance(1_000);
  assert.deepEqual(meter.bandwidth(), { txBandwidth: 0, rxBandwidth: 0 });
});

Deno.test("what was sent long ago does not come back when the slots of time are used again", async () => {
  const clock = new VirtualClock();
  const meter = new BandwidthMeter(clock);
  for (const pauseMs of [1_999, 2_000, 2_001, 4_000, 1_000_000]) {
    meter.sent(1_000_000);
    await clock.advance(pauseMs);
  }
  assert.equal(meter.bandwidth().txBandwidth, 0);
});
