/** How soon a peer answers others: a thread of its own asks for its health, over and over, on one connection. */

/** Until it is asked again. */
const PAUSE_MS = 5;

/** Asks as long as it is not disposed. */
export interface HealthProbe extends Disposable {
  /** The times of all answers since the last call, in milliseconds. */
  takeTimes(): Promise<number[]>;
}

/** Begins to ask. */
export function startHealthProbe(url: string): HealthProbe {
  const worker = new Worker(import.meta.url, { type: "module", name: url });
  return {
    takeTimes: () =>
      new Promise((resolve) => {
        worker.onmessage = ({ data }) => resolve(data as number[]);
        worker.postMessage("take");
      }),
    [Symbol.dispose]: () => worker.terminate(),
  };
}

async function probe(url: string): Promise<never> {
  let times: number[] = [];
  self.addEventListener("message", () => {
    (self as unknown as { postMessage(message: number[]): void }).postMessage(times);
    times = [];
  });
  while (true) {
    const askedAt = performance.now();
    await (await fetch(url)).text();
    times.push(performance.now() - askedAt);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

if ("name" in self && typeof self.name === "string" && self.name.startsWith("http")) await probe(self.name);
