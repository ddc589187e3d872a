/** The bench inside of its namespaces. It ends with its input, and then the kernel ends everything in them. */
import { parseOptions } from "./options.ts";
import { figuresJson, figuresTable, nodesTable } from "./report.ts";
import { runBench } from "./run.ts";

/** Of a shell's command that a signal ended. */
const INTERRUPTED = 130;

async function main(): Promise<number> {
  const options = parseOptions(Deno.args);
  const { figures, last } = await runBench(options, (text) => console.error(text));
  if (options.isJson) console.log(figuresJson(figures));
  else {
    console.log(figuresTable(figures));
    for (const [contender, outcome] of last) console.log(`\n${contender}\n\n${nodesTable(outcome)}`);
  }
  return figures.some(({ failed }) => failed > 0) ? 1 : 0;
}

async function untilInputEnds(): Promise<number> {
  for await (const _ of Deno.stdin.readable);
  return INTERRUPTED;
}

try {
  Deno.exit(await Promise.race([main(), untilInputEnds()]));
} catch (error) {
  console.error(error);
  Deno.exit(1);
}
