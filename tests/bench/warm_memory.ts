/**
 * Memory that the machine really has. A virtual machine may give pages that nobody uses back to its host within
 * seconds, and then each that is touched anew costs more than all that a pull does with it.
 */
import { join } from "node:path";

const BLOCK = new Uint8Array(1024 * 1024);

/** Touches so many bytes of the page cache and frees them, so that what is written next finds them. */
export async function warmMemory(dir: string, bytes: number): Promise<void> {
  const path = join(dir, "warm");
  const file = await Deno.open(path, { write: true, create: true, truncate: true });
  try {
    for (let done = 0; done < bytes; done += BLOCK.length) await file.write(BLOCK);
  } finally {
    file.close();
    await Deno.remove(path);
  }
}
