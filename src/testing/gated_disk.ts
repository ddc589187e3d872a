import type { Disk } from "../runtime/disk.ts";
import { wrappedDisk } from "../runtime/wrapped_disk.ts";

/** Holds reads back until they are let through. */
export class GatedDisk {
  /** The positions of all reads so far. */
  readonly asked: number[] = [];
  readonly #waiting: { readonly position: number; readonly gate: PromiseWithResolvers<void> }[] = [];
  #isOpen = false;
  #arrived = Promise.withResolvers<void>();

  /** `disk` with its files behind the gate. */
  wrap(disk: Disk): Disk {
    return wrappedDisk(disk, {}, (file) => ({
      read: async (buffer, position) => {
        await this.#pass(position);
        return await file.read(buffer, position);
      },
    }));
  }

  /** Lets the oldest read of this position through, waiting for one. */
  async letThrough(position: number): Promise<void> {
    while (true) {
      const index = this.#waiting.findIndex((read) => read.position === position);
      const [read] = index === -1 ? [] : this.#waiting.splice(index, 1);
      if (read !== undefined) return read.gate.resolve();
      await this.#arrived.promise;
    }
  }

  /** Lets everything through from now on. */
  open(): void {
    this.#isOpen = true;
    for (const { gate } of this.#waiting.splice(0)) gate.resolve();
  }

  async #pass(position: number): Promise<void> {
    this.asked.push(position);
    if (this.#isOpen) return;
    const gate = Promise.withResolvers<void>();
    this.#waiting.push({ position, gate });
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
    await gate.promise;
  }
}
