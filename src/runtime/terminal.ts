/** Where a command writes. */
export interface Terminal {
  /** Whether somebody watches standard error, so that a line may be rewritten in place. */
  readonly isTty: boolean;
  /** How wide lines on standard output may be; undefined when it is no terminal, and any width is right. */
  readonly columns?: number | undefined;
  /** Writes to standard output. */
  print(text: string): void;
  /** Writes to standard error. */
  printError(text: string): void;
}

/** The terminal of the process. */
export function realTerminal(): Terminal {
  return {
    isTty: Deno.stderr.isTerminal(),
    columns: Deno.stdout.isTerminal() ? Deno.consoleSize().columns : undefined,
    print: (text) => writeAll(Deno.stdout, text),
    printError: (text) => writeAll(Deno.stderr, text),
  };
}

/** Writes all of `text`; what nobody reads any more, as behind `| head`, is dropped. */
function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let done = 0; done < bytes.length;) done += stream.writeSync(bytes.subarray(done));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
