/** The bench inside of its namespaces: ends early, and in good order, when its input ends. */
import { parseOptions } from "./options.ts";
import { figuresJson, figuresTable, nodesTable } from "./report.ts";
import { runBench } from "./run.ts";

/** Of a shell's command that a signal ended. */
const INTERRUPTED = 130;

const options = parseOptions(Deno.args);
const stop = new AbortController();
const watched = (async () => {
  for await (const _ of Deno.stdin.readable);
  stop.abort(new Error("Interrupted"));
})();
watched.catch((error) => stop.abort(error));

try {
  const { figures, last } = await runBench(options, (text) => console.error(text), stop.signal);
  if (options.isJson) console.log(figuresJson(figures));
  else {
    console.log(figuresTable(figures));
    for (const [contender, outcome] of last) console.log(`\n${contender}\n\n${nodesTable(outcome)}`);
  }
  Deno.exit(figures.some(({ failed }) => failed > 0) ? 1 : 0);
} catch (error) {
  if (!stop.signal.aborted) console.error(error);
  Deno.exit(stop.signal.aborted ? INTERRUPTED : 1);
}
